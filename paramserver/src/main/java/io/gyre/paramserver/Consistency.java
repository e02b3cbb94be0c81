package io.gyre.paramserver;

import java.util.Locale;

/**
 * How far workers may run apart: when one may begin a step, given the clock of the slowest.
 *
 * <p>A worker's clock is the number of its steps whose pushes have been applied. A worker that begins step {@code c},
 * counted from 0, computes with parameters that contain all pushes of all workers up to some clock {@code k}, and
 * perhaps newer ones. The <em>staleness</em> of its push is {@code c - k}, at least 0.
 */
public sealed interface Consistency permits BulkSynchronous, StaleSynchronous, AsynchronousParallel {

    /**
     * The consistency that a word names: {@code bsp} or 0, {@code asp}, or a number of steps for {@link
     * StaleSynchronous}.
     *
     * @throws IllegalArgumentException with what was expected
     */
    static Consistency of(String word) {
        return switch (word.toLowerCase(Locale.ROOT)) {
            case "bsp", "0" -> new BulkSynchronous();
            case "asp" -> new AsynchronousParallel();
            default -> {
                if (!word.matches("\\d{1,6}")) {
                    throw new IllegalArgumentException(
                            "--staleness " + word + ": expected a number of steps, bsp or asp");
                }
                yield new StaleSynchronous(Integer.parseInt(word));
            }
        };
    }

    /** One word and, if there is one, the bound: {@code ssp(3)}. */
    String name();

    /**
     * Whether parameters with all pushes up to {@code slowest} are recent enough.
     *
     * @param step number of the step to begin, from 0
     * @param slowest lowest clock of all workers
     */
    boolean mayBegin(long step, long slowest);

    /** Whether the pushes of a step are added up and applied as one, once the last has arrived. */
    boolean combinesSteps();

    /** Whether the parameters of the next step may be fetched before this step's push. */
    boolean mayPullAhead();

    /** Whether the others may continue when a worker is lost. */
    boolean outlivesWorkers();
}
