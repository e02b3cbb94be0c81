package io.gyre.dl4j;

import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Gradients that have changed between the pass that computed them and their sum.
 *
 * @param rank whose they are
 * @param where in words
 */
record ChangedGradients(int rank, String where) {

    private static final String BETWEEN_FIELDS = "\t";
    private static final String BETWEEN_LINES = "\n";

    /** Gradients in a range of the vector, in elements. */
    static ChangedGradients between(int rank, ModelLayout layout, long offset, long length) {
        return new ChangedGradients(
                rank, "between " + layout.nameOf(offset) + " and " + layout.nameOf(offset + length - 1));
    }

    /** As text, for other ranks. */
    static String text(List<ChangedGradients> all) {
        return all.stream()
                .map(each -> each.rank + BETWEEN_FIELDS + each.where)
                .collect(Collectors.joining(BETWEEN_LINES));
    }

    /**
     * The first that was found of each rank, by rank.
     *
     * @param texts of all ranks, in the order of what they look at
     */
    static List<ChangedGradients> parse(List<String> texts) {
        TreeMap<Integer, ChangedGradients> first = new TreeMap<>();
        for (String text : texts) {
            for (String line : text.isEmpty() ? new String[0] : text.split(BETWEEN_LINES, -1)) {
                String[] fields = line.split(BETWEEN_FIELDS, 2);
                int rank = Integer.parseInt(fields[0]);
                first.putIfAbsent(rank, new ChangedGradients(rank, fields[1]));
            }
        }
        return List.copyOf(first.values());
    }
}
