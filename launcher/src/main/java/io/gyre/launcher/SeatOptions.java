package io.gyre.launcher;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of a command that starts ranks for runs whose processes may be lost, or come later. */
public final class SeatOptions {

    @Option(
            names = "--processes",
            paramLabel = "P",
            description = "How many processes hold the ranks, which a process computes one after the other. The result"
                    + " does not depend on it. Default: one for each rank. This and the next options count for each"
                    + " group, in a run with groups.")
    private @Nullable Integer processes;

    @Option(
            names = "--spares",
            paramLabel = "K",
            description = "How many further processes wait to take the ranks of one that is lost. Default: 0.")
    private @Nullable Integer spares;

    @Option(
            names = "--min-processes",
            paramLabel = "M",
            description = "The run continues with as few processes as this; with fewer it waits a minute for others,"
                    + " and ends. Default: 1.")
    private @Nullable Integer leastProcesses;

    @Option(
            names = "--lost-after",
            paramLabel = "SECONDS",
            description = "With one of the options before: silence after which a process is lost, though its connection"
                    + " is open. Default: 3, which survives pauses of 2 s.")
    private @Nullable Integer lostAfterSeconds;

    @Option(
            names = "--join",
            paramLabel = "HOST:PORT",
            description = "Start one process for a run that another launcher has started with one of the options"
                    + " before, or with --restarts, and that says where it listens for such. Program and options are"
                    + " the run's.")
    private @Nullable String join;

    /** Where the run listens that a process is to join; empty to start a run. */
    public Optional<String> join() {
        return Optional.ofNullable(join);
    }

    /** Whether any of these options is given that start a run. */
    public boolean isGiven() {
        return processes != null || spares != null || leastProcesses != null || lostAfterSeconds != null;
    }

    /**
     * The plan with these options.
     *
     * @param wanted whether the run is to survive losses, even if none of these is given
     * @return empty if it is to end with the first loss
     * @throws IllegalArgumentException if an option is out of its range, with its value
     */
    public Optional<SeatPlan> of(int seats, boolean wanted) {
        if (!wanted && !isGiven()) {
            return Optional.empty();
        }
        return Optional.of(new SeatPlan(
                seats,
                processes == null ? seats : processes,
                spares == null ? 0 : spares,
                leastProcesses == null ? 1 : leastProcesses,
                lostAfterSeconds == null ? SeatPlan.LOST_AFTER : Duration.ofSeconds(lostAfterSeconds)));
    }
}
