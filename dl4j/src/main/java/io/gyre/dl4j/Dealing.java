package io.gyre.dl4j;

import io.gyre.GyreException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Which batches of dealt data were trained on, at a cut at which nobody reads: all before {@code next}, except {@code
 * unread}. Numbers run through the batches of the first epoch, then of the second, and so on.
 *
 * @param firstEpoch to which batch 0 belongs; negative before any batch was dealt
 * @param next the first number that nobody was given
 * @param unread numbers that were given to a rank which has not trained on them, ascending
 */
record Dealing(long firstEpoch, long next, List<Long> unread) {

    static final Dealing NONE = new Dealing(-1, 0, List.of());

    Dealing {
        unread = List.copyOf(unread);
        if (firstEpoch < -1 || next < 0 || unread.stream().anyMatch(number -> number < 0)) {
            throw new GyreException("not a place in dealt data: it has negative numbers");
        }
    }

    /** The number that the {@code turn}-th draw of a run that continues here gets: first those that are left over. */
    long number(long turn) {
        return turn < unread.size() ? unread.get((int) turn) : next + turn - unread.size();
    }

    /** What nobody has drawn of those that were left over, when there have been so many draws. */
    List<Long> leftAfter(long turns) {
        return turns >= unread.size() ? List.of() : unread.subList((int) turns, unread.size());
    }

    /** Three words: numbers, the last with commas. */
    String text() {
        return firstEpoch + " " + next + " "
                + unread.stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    /**
     * Reads {@link #text}.
     *
     * @throws GyreException if it is something else
     */
    static Dealing parse(String text) {
        String[] words = text.split(" ", 3);
        try {
            if (words.length == 3) {
                return new Dealing(Long.parseLong(words[0]), Long.parseLong(words[1]), numbers(words[2]));
            }
        } catch (NumberFormatException e) {
            throw wrong(text);
        }
        throw wrong(text);
    }

    /** Numbers with commas. */
    static List<Long> numbers(String text) {
        return text.isEmpty()
                ? List.of()
                : Arrays.stream(text.split(",", -1)).map(Long::valueOf).toList();
    }

    private static GyreException wrong(String text) {
        return new GyreException("not a place in dealt data: '" + text.substring(0, Math.min(text.length(), 40)) + "'");
    }
}
