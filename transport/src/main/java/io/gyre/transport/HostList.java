package io.gyre.transport;

import java.util.ArrayList;
import java.util.List;

/**
 * Expands SLURM's lists of host names: {@code n[1-2,5],gpu[01-03]} is n1, n2, n5, gpu01, gpu02, gpu03. A plain list
 * such as {@code a,b} is valid, too.
 */
public final class HostList {

    /** More hosts than any cluster has, but few enough to keep in memory. */
    private static final int MOST = 1 << 16;

    /** Linux passes no longer variable to a program. */
    private static final int LONGEST_LIST = 1 << 17;

    /** That of DNS. */
    private static final int LONGEST_NAME = 253;

    private static final int SHOWN = 300;

    private HostList() {}

    /**
     * Returns the names in the order of the list, with repetitions.
     *
     * @throws IllegalArgumentException if the list is malformed, or would be of more than 65536 names or of names longer
     *     than 253 characters; shows the list, and says what is wrong
     */
    public static List<String> expand(String list) {
        if (list.length() > LONGEST_LIST) {
            throw malformed(list, list.length() + " characters, at most " + LONGEST_LIST + " are possible");
        }
        List<String> hosts = new ArrayList<>();
        int start = 0;
        int depth = 0;
        for (int i = 0; i <= list.length(); i++) {
            char c = i < list.length() ? list.charAt(i) : ',';
            if (c == '[') {
                depth++;
            } else if (c == ']') {
                depth--;
            } else if (c == ',' && (depth == 0 || i == list.length())) {
                String name = list.substring(start, i).strip();
                if (name.isEmpty()) {
                    throw malformed(list, "a name is empty");
                }
                checkRanges(list, name);
                addAll(list, expandName(list, name), hosts);
                start = i + 1;
            }
        }
        return List.copyOf(hosts);
    }

    /** The names that an expression stands for: each range in it is read once. */
    private static List<String> expandName(String list, String name) {
        int open = name.indexOf('[');
        int close = name.indexOf(']');
        if (open < 0 && close < 0) {
            checkLength(list, name);
            return List.of(name);
        }
        if (open < 0 || close < open) {
            throw malformed(list, "the brackets of " + shown(name) + " do not match");
        }
        String before = name.substring(0, open);
        checkLength(list, before);
        List<String> ends = expandName(list, name.substring(close + 1));
        List<String> names = new ArrayList<>();
        for (String range : name.substring(open + 1, close).split(",", -1)) {
            expandRange(list, before, range.strip(), ends, names);
        }
        return names;
    }

    /** {@code 08-11} is 08, 09, 10, 11: the first number's width is kept. */
    private static void expandRange(String list, String before, String range, List<String> ends, List<String> into) {
        String[] limits = range.split("-", -1);
        if (limits.length > 2 || !limits[0].matches("\\d{1,9}") || !limits[limits.length - 1].matches("\\d{1,9}")) {
            throw malformed(list, "'" + shown(range) + "' is not a number or a range of numbers");
        }
        int first = Integer.parseInt(limits[0]);
        int last = Integer.parseInt(limits[limits.length - 1]);
        if (last < first || last - first >= MOST) {
            throw malformed(list, "the range " + range + " is empty or too long");
        }
        for (int number = first; number <= last; number++) {
            String digits = String.valueOf(number);
            String start = before + "0".repeat(Math.max(0, limits[0].length() - digits.length())) + digits;
            addAll(list, ends.stream().map(start::concat).toList(), into);
        }
    }

    private static void addAll(String list, List<String> names, List<String> into) {
        if (into.size() + names.size() > MOST) {
            throw malformed(list, "more than " + MOST + " hosts");
        }
        for (String name : names) {
            checkLength(list, name);
            into.add(name);
        }
    }

    /** Each range is a character at least. */
    private static void checkRanges(String list, String name) {
        long ranges = name.chars().filter(c -> c == '[').count();
        if (ranges > LONGEST_NAME) {
            throw malformed(list, "a name of " + ranges + " ranges, at most " + LONGEST_NAME + " are possible");
        }
    }

    private static void checkLength(String list, String name) {
        if (name.length() > LONGEST_NAME) {
            throw malformed(
                    list,
                    "a name of " + name.length() + " characters, at most " + LONGEST_NAME + " are possible: "
                            + shown(name));
        }
    }

    private static String shown(String text) {
        return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "...";
    }

    private static IllegalArgumentException malformed(String list, String why) {
        return new IllegalArgumentException("host list \"" + shown(list) + "\": " + why);
    }
}
