package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Which of several replicas that should be equal is wrong. A fault changes one replica at a time, so the bits held by
 * more than half of them are taken to be right.
 *
 * @param groups ranks with equal values, each ascending; the largest group first, of equal ones that of the lowest rank
 */
record ReplicaVote(List<List<Integer>> groups) {

    /** Counts the votes: the value of each rank, by rank. */
    static <V> ReplicaVote of(List<V> values) {
        Map<V, List<Integer>> byValue = new LinkedHashMap<>();
        for (int rank = 0; rank < values.size(); rank++) {
            byValue.computeIfAbsent(values.get(rank), value -> new ArrayList<>())
                    .add(rank);
        }
        return new ReplicaVote(byValue.values().stream()
                .sorted(Comparator.comparingInt((List<Integer> group) -> group.size())
                        .reversed())
                .toList());
    }

    /** Whether all have the same. */
    boolean isUnanimous() {
        return groups.size() == 1;
    }

    /** Whether more than half have the same. */
    boolean hasMajority() {
        int all = groups.stream().mapToInt(List::size).sum();
        return 2 * groups.get(0).size() > all;
    }

    /** Ranks outside the first group, ascending: if there is a majority, those with wrong replicas. */
    List<Integer> others() {
        return groups.stream().skip(1).flatMap(List::stream).sorted().toList();
    }
}
