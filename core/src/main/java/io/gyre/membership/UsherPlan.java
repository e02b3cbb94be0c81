package io.gyre.membership;

import io.gyre.OptionRange;
import java.time.Duration;

/**
 * How many processes a run with seats has, and how long it waits for them.
 *
 * @param seats number of logical ranks
 * @param processes number of processes that get seats if they are there, 1 to {@code seats}; others are spares
 * @param leastProcesses number below which the run waits for more, 1 to {@code processes}
 * @param joinTimeout how long the first generation waits for {@code processes}
 * @param replacementTimeout how long a later one waits for {@code leastProcesses}; then the run ends
 * @param reportTimeout how long a process has to report after a loss: longer than any step
 * @param limits of silence
 */
public record UsherPlan(
        int seats,
        int processes,
        int leastProcesses,
        Duration joinTimeout,
        Duration replacementTimeout,
        Duration reportTimeout,
        SilenceLimits limits) {

    /** How often in succession a run may lose a process without having taken a step in between. */
    public static final int MOST_FRUITLESS = 10;

    public UsherPlan {
        OptionRange.check("seats", seats, 1, Integer.MAX_VALUE);
        OptionRange.check("processes", processes, 1, seats);
        OptionRange.check("least number of processes", leastProcesses, 1, processes);
        OptionRange.positive("join timeout", joinTimeout);
        OptionRange.positive("replacement timeout", replacementTimeout);
        OptionRange.positive("report timeout", reportTimeout);
    }
}
