package io.gyre.session;

import io.gyre.DisagreementException;
import io.gyre.Member;
import io.gyre.ProtocolException;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Compares the values that ranks pass to {@link Session#agree}. Every rank sees all of them, so all report the same
 * difference.
 */
final class Agreement {

    /**
     * Model configurations are pages long: an error shows this many characters of each, from just before the first
     * difference.
     */
    private static final int SHOWN_CHARS = 120;

    private static final int CONTEXT_CHARS = 40;

    private Agreement() {}

    /**
     * Fails with the first difference from the first rank that is in the run.
     *
     * @param values by rank, lines of name, tab, value; empty for a rank that has left or is lost
     */
    static void check(String subject, List<String> values, List<Member> members) {
        int first = 0;
        while (first < values.size() && values.get(first).isEmpty()) {
            first++;
        }
        Map<String, String> atRoot = first < values.size() ? parse(values.get(first)) : Map.of();
        for (int rank = first + 1; rank < values.size(); rank++) {
            if (values.get(rank).isEmpty()) {
                continue;
            }
            Map<String, String> atRank = parse(values.get(rank));
            Set<String> names = new LinkedHashSet<>(atRoot.keySet());
            names.addAll(atRank.keySet());
            for (String name : names) {
                if (!Objects.equals(atRoot.get(name), atRank.get(name))) {
                    throw new DisagreementException(describe(
                            subject, name, atRoot.get(name), atRank.get(name), members.get(first), members.get(rank)));
                }
            }
        }
    }

    private static String describe(
            String subject, String name, @Nullable String atRoot, @Nullable String atRank, Member root, Member other) {
        int difference = firstDifference(atRoot, atRank);
        return "ranks disagree on the " + subject + ": '" + name + "' is " + shown(atRoot, difference) + " on " + root
                + " and " + shown(atRank, difference) + " on " + other
                + ". All ranks must run the same program with the same options; no data has moved yet.";
    }

    private static int firstDifference(@Nullable String a, @Nullable String b) {
        if (a == null || b == null) {
            return 0;
        }
        int i = 0;
        while (i < Math.min(a.length(), b.length()) && a.charAt(i) == b.charAt(i)) {
            i++;
        }
        return i;
    }

    private static String shown(@Nullable String value, int difference) {
        if (value == null) {
            return "absent";
        }
        if (value.length() <= SHOWN_CHARS) {
            return "'" + value + "'";
        }
        int from = Math.max(0, difference - CONTEXT_CHARS);
        int to = Math.min(value.length(), from + SHOWN_CHARS);
        return "'" + (from > 0 ? "…" : "") + value.substring(from, to) + (to < value.length() ? "…" : "") + "'";
    }

    private static Map<String, String> parse(String lines) {
        Map<String, String> values = new LinkedHashMap<>();
        lines.lines().forEach(line -> {
            if (line.isEmpty()) {
                return;
            }
            int tab = line.indexOf('\t');
            if (tab < 0) {
                throw new ProtocolException("an agreement without a tab: '" + line + "'");
            }
            values.put(line.substring(0, tab), line.substring(tab + 1));
        });
        return values;
    }
}
