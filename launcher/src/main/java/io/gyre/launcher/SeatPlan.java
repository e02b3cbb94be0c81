package io.gyre.launcher;

import io.gyre.OptionRange;
import io.gyre.membership.SilenceLimits;
import io.gyre.membership.UsherPlan;
import java.time.Duration;

/**
 * A run whose ranks are seats: processes hold them, and may be lost or come later.
 *
 * @param seats number of ranks
 * @param processes number of processes that hold them, 1 to {@code seats}
 * @param spares number of further processes, which take seats when others are lost
 * @param leastProcesses number below which the run waits for others, and ends if none come
 * @param lostAfter silence after which a process is lost, though its connection is open
 */
public record SeatPlan(int seats, int processes, int spares, int leastProcesses, Duration lostAfter) {

    /** The default of {@code lostAfter}: pauses of 2 s are survived. */
    public static final Duration LOST_AFTER = Duration.ofSeconds(3);

    private static final int MOST_SPARES = 1_000;

    /** For processes that are restarted, or come by other ways. */
    private static final Duration REPLACEMENT_TIME = Duration.ofMinutes(1);

    /** Longer than any step. */
    private static final Duration REPORT_TIME = Duration.ofMinutes(2);

    public SeatPlan {
        OptionRange.check("--processes", processes, 1, seats);
        OptionRange.check("--spares", spares, 0, MOST_SPARES);
        OptionRange.check("--min-processes", leastProcesses, 1, processes);
        if (lostAfter.compareTo(SilenceLimits.LEAST_VERDICT) < 0) {
            throw new IllegalArgumentException("--lost-after " + lostAfter.toSeconds() + ": expected "
                    + SilenceLimits.LEAST_VERDICT.toSeconds() + " or more");
        }
    }

    /** Number of processes to start. */
    int all() {
        return processes + spares;
    }

    /** Number of seats on each of some hosts, if they have equal numbers of processes, or one more. */
    int seatsOnEachOf(int hosts) {
        return (seats + hosts - 1) / hosts;
    }

    UsherPlan usherPlan(Duration joinTimeout) {
        return new UsherPlan(
                seats,
                processes,
                leastProcesses,
                joinTimeout,
                REPLACEMENT_TIME,
                REPORT_TIME,
                SilenceLimits.within(lostAfter));
    }
}
