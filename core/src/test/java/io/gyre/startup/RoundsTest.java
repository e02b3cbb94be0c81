package io.gyre.startup;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.startup.Rounds.Pair;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who measures with whom, and when. */
class RoundsTest {

    private static List<Integer> ranks(int count) {
        return IntStream.range(0, count).map(i -> 10 + 3 * i).boxed().toList();
    }

    private static void assertOncePerRound(List<List<Pair>> rounds) {
        for (List<Pair> round : rounds) {
            Set<Integer> busy = new HashSet<>();
            for (Pair pair : round) {
                assertThat(busy.add(pair.first())).as("%s in %s", pair, round).isTrue();
                assertThat(busy.add(pair.second())).as("%s in %s", pair, round).isTrue();
            }
        }
    }

    private static Set<Set<Integer>> pairs(List<List<Pair>> rounds) {
        Set<Set<Integer>> pairs = new HashSet<>();
        rounds.forEach(round ->
                round.forEach(pair -> assertThat(pairs.add(new TreeSet<>(List.of(pair.first(), pair.second()))))
                        .as("%s once", pair)
                        .isTrue()));
        return pairs;
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 8, 16})
    void aRingHasEveryNeighbourOnceInAtMostThreeRounds(int count) {
        List<Integer> ranks = ranks(count);
        List<List<Pair>> rounds = Rounds.ring(ranks);

        assertOncePerRound(rounds);
        assertThat(rounds).hasSizeLessThanOrEqualTo(count % 2 == 0 ? 2 : 3);
        Set<Set<Integer>> pairs = pairs(rounds);
        assertThat(pairs).hasSize(count < 2 ? 0 : count == 2 ? 1 : count);
        for (int i = 0; count > 1 && i < count; i++) {
            assertThat(pairs).contains(new TreeSet<>(List.of(ranks.get(i), ranks.get((i + 1) % count))));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4, 5, 8, 16})
    void everyPairMeetsOnceInAsFewRoundsAsCanBe(int count) {
        List<List<Pair>> rounds = Rounds.everyPair(ranks(count));

        assertOncePerRound(rounds);
        assertThat(pairs(rounds)).hasSize(count * (count - 1) / 2);
        assertThat(rounds).hasSize(Math.max(0, count % 2 == 0 ? count - 1 : count == 1 ? 1 : count));
    }
}
