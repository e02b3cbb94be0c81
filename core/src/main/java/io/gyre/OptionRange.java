package io.gyre;

import java.time.Duration;

/**
 * Checks that an option's value is in range, with one message for all options, such as {@code --port 70000: expected 0
 * to 65535}.
 */
public final class OptionRange {

    private OptionRange() {}

    /**
     * Fails unless {@code least <= value <= most}.
     *
     * @param option as the user writes it
     * @param most {@link Long#MAX_VALUE} for no limit
     * @throws IllegalArgumentException with the option, its value and the range
     */
    public static void check(String option, long value, long least, long most) {
        if (value < least || value > most) {
            throw new IllegalArgumentException(option + " " + value + ": expected " + least
                    + (most == Long.MAX_VALUE ? " or more" : " to " + most));
        }
    }

    /**
     * Fails unless a time is longer than zero.
     *
     * @return the time
     * @throws IllegalArgumentException with the option and the time
     */
    public static Duration positive(String option, Duration time) {
        if (time.isZero() || time.isNegative()) {
            throw new IllegalArgumentException(option + " " + time + " is not positive");
        }
        return time;
    }

    /** As {@link #check(String, long, long, long)}, for a number that need not be whole; NaN is out of range. */
    public static void check(String option, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            String given = value == Math.rint(value) ? "%.0f".formatted(value) : String.valueOf(value);
            throw new IllegalArgumentException("%s %s: expected %.0f to %.0f".formatted(option, given, least, most));
        }
    }
}
