package io.gyre.queue;

import java.util.Collection;
import java.util.Comparator;

/** The name that a user may have meant: the one with the smallest edit distance (Levenshtein 1966). */
final class Nearest {

    private Nearest() {}

    /** A hint such as {@code "; did you mean --batch?"}; empty if no name is near. */
    static String hint(String given, Collection<String> names) {
        return names.stream()
                .min(Comparator.comparingInt((String name) -> distance(given, name))
                        .thenComparing(Comparator.naturalOrder()))
                .filter(name -> distance(given, name) <= Math.max(2, given.length() / 2))
                .map(name -> "; did you mean " + name + "?")
                .orElse("");
    }

    private static int distance(String one, String other) {
        int[] row = new int[other.length() + 1];
        for (int j = 0; j <= other.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= one.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= other.length(); j++) {
                int replaced = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[other.length()];
    }
}
