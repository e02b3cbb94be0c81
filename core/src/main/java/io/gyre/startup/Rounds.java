package io.gyre.startup;

import java.util.ArrayList;
import java.util.List;

/**
 * Which ranks measure the links between them, in which order: in each round, every rank is in one pair at most, so that
 * no two measurements share a rank.
 */
final class Rounds {

    /** Two ranks; the first measures, and the second answers. */
    record Pair(int first, int second) {}

    private Rounds() {}

    /** Each rank with the next, and the last with the first: two rounds, or three for an odd number of ranks. */
    static List<List<Pair>> ring(List<Integer> ranks) {
        int size = ranks.size();
        if (size < 2) {
            return List.of();
        }
        if (size == 2) {
            return List.of(List.of(new Pair(ranks.get(0), ranks.get(1))));
        }
        List<Pair> even = new ArrayList<>();
        List<Pair> odd = new ArrayList<>();
        List<Pair> last = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            Pair pair = new Pair(ranks.get(i), ranks.get((i + 1) % size));
            boolean isExtra = i == size - 1 && size % 2 == 1;
            (isExtra ? last : i % 2 == 0 ? even : odd).add(pair);
        }
        return last.isEmpty() ? List.of(even, odd) : List.of(even, odd, last);
    }

    /**
     * Every pair once, by the circle method: one rank stays, and the others move on by one place in each round. Takes
     * N - 1 rounds for N ranks, or N if that is odd.
     */
    static List<List<Pair>> everyPair(List<Integer> ranks) {
        int places = ranks.size() + ranks.size() % 2;
        List<List<Pair>> rounds = new ArrayList<>();
        for (int round = 0; round < places - 1; round++) {
            List<Pair> pairs = new ArrayList<>();
            for (int i = 0; i < places / 2; i++) {
                int one = i == 0 ? 0 : 1 + (round + i - 1) % (places - 1);
                int other = 1 + (round + places - 2 - i) % (places - 1);
                // With an odd number, whoever meets the last place has a pause.
                if (Math.max(one, other) < ranks.size()) {
                    pairs.add(new Pair(ranks.get(Math.min(one, other)), ranks.get(Math.max(one, other))));
                }
            }
            rounds.add(pairs);
        }
        return rounds;
    }
}
