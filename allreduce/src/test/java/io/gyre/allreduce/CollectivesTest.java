package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The default choice of collectives, and overriding it. */
class CollectivesTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "AUTO, DirectCollective",
        "DIRECT, DirectCollective",
        "HIERARCHICAL, HierarchicalCollective",
        "RING, RingCollective",
    })
    void anAlgorithmCanBeForced(Algorithm algorithm, String expected) throws Exception {
        Gyre.local(3).run(session -> {
            try (Collective collective = Collectives.choose(session.endpoint(), algorithm);
                    Region ranks = Region.allocate("ranks", Float.BYTES)) {
                ranks.putFloat(0, 1 + session.world().rank());
                collective.allReduce(ranks, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);

                assertThat(collective.getClass().getSimpleName()).isEqualTo(expected);
                assertThat(ranks.getFloat(0)).isEqualTo(6);
            }
        });
    }
}
