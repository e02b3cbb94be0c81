package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShardPlanTest {

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2, 3, 4})
    void shardsCoverTheVectorOnceAndAreEquallyLongButForALine(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 2_000; round++) {
            long elements = random.nextLong(1L << random.nextInt(1, 40));
            int servers = random.nextInt(1, 65);
            ShardPlan plan = new ShardPlan(elements, servers);

            long end = 0;
            long shortest = Long.MAX_VALUE;
            long longest = 0;
            for (int shard = 0; shard < servers; shard++) {
                assertThat(plan.offset(shard)).as("%s, shard %d", plan, shard).isEqualTo(end);
                assertThat(plan.offset(shard) == elements || plan.offset(shard) % 16 == 0)
                        .as("%s, shard %d begins a line", plan, shard)
                        .isTrue();
                end += plan.length(shard);
                shortest = Math.min(shortest, plan.length(shard));
                longest = Math.max(longest, plan.length(shard));
            }
            assertThat(end).as("%s", plan).isEqualTo(elements);
            assertThat(longest - shortest).as("%s", plan).isLessThanOrEqualTo(31);
        }
    }

    @Test
    void aShortVectorLeavesServersWithoutAShard() {
        ShardPlan plan = new ShardPlan(20, 3);

        assertThat(plan.length(0)).isEqualTo(16);
        assertThat(plan.length(1)).isEqualTo(4);
        assertThat(plan.length(2)).isZero();
    }

    @Test
    void anOptimiserMovesBordersAndTheShardsStillCoverTheVector() {
        ShardPlan plan = new ShardPlan(160, 4, offset -> offset < 100 ? 30 : 133);

        assertThat(plan.offset(0)).isZero();
        assertThat(plan.length(0)).isEqualTo(30);
        assertThat(plan.length(1)).isZero();
        assertThat(plan.length(2)).isEqualTo(103);
        assertThat(plan.length(3)).isEqualTo(27);
    }

    @Test
    void nonsenseIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> new ShardPlan(-1, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> new ShardPlan(1, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new ShardPlan(1, 2).offset(3));
    }
}
