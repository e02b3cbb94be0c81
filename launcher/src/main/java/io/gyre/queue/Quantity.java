package io.gyre.queue;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Times and sizes as users write them. */
final class Quantity {

    private static final Pattern TIME =
            Pattern.compile("(?:(\\d{1,6})d)?(?:(\\d{1,6})h)?(?:(\\d{1,6})m)?(?:(\\d{1,6})s)?");
    private static final Pattern SIZE = Pattern.compile("(\\d{1,9})([mMgG])");
    private static final int MB_PER_GB = 1_024;

    private Quantity() {}

    /**
     * A time such as {@code 2h}, {@code 90m} or {@code 1d12h}.
     *
     * @throws IllegalArgumentException with the option and the text
     */
    static Duration time(String option, String text) {
        Matcher found = TIME.matcher(text);
        Duration time = !found.matches() || text.isEmpty()
                ? Duration.ZERO
                : Duration.ofDays(number(found.group(1)))
                        .plusHours(number(found.group(2)))
                        .plusMinutes(number(found.group(3)))
                        .plusSeconds(number(found.group(4)));
        if (time.isZero()) {
            throw new IllegalArgumentException(
                    option + " '" + text + "': expected a time such as 90s, 30m, 2h or 1d12h");
        }
        return time;
    }

    private static long number(@Nullable String digits) {
        return digits == null ? 0 : Long.parseLong(digits);
    }

    /**
     * A size such as {@code 8g} or {@code 512m}, in MiB.
     *
     * @throws IllegalArgumentException with the option and the text
     */
    static long megabytes(String option, String text) {
        Matcher found = SIZE.matcher(text);
        if (!found.matches()) {
            throw new IllegalArgumentException(option + " '" + text + "': expected a size such as 512m or 8g");
        }
        long number = Long.parseLong(found.group(1));
        return found.group(2).equalsIgnoreCase("g") ? number * MB_PER_GB : number;
    }

    /** As {@code 1:02:03}. */
    static String clock(double seconds) {
        long whole = (long) seconds;
        return "%d:%02d:%02d".formatted(whole / 3_600, whole / 60 % 60, whole % 60);
    }
}
