package io.gyre.paramserver;

/**
 * How far workers may run apart: when one may begin a step, given the clock of the slowest.
 *
 * <p>A worker's clock is the number of its steps whose pushes have been applied. A worker that begins step {@code c},
 * counted from 0, computes with parameters that contain all pushes of all workers up to some clock {@code k}, and
 * perhaps newer ones. The <em>staleness</em> of its push is {@code c - k}, at least 0.
 */
public sealed interface Consistency permits BulkSynchronous, StaleSynchronous, AsynchronousParallel {

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
