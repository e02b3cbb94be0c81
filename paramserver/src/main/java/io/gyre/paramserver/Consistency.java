package io.gyre.paramserver;

/**
 * How far workers may run apart: when one may begin a step, by the clock of the slowest.
 *
 * <p>A worker's clock is the number of steps whose pushes have been applied. A worker that begins step {@code c},
 * counted from 0, computes with parameters that hold all pushes of everybody up to some clock {@code k}, and perhaps
 * newer ones. The <em>staleness</em> of its push is {@code c - k}, at least 0.
 */
public sealed interface Consistency permits BulkSynchronous, StaleSynchronous, AsynchronousParallel {

    /** One word and, if there is one, the bound: {@code ssp(3)}. */
    String name();

    /**
     * Whether parameters that hold all pushes up to {@code slowest} will do.
     *
     * @param step number of the step that is to begin, from 0
     * @param slowest least clock of all workers
     */
    boolean mayBegin(long step, long slowest);

    /** Whether the pushes of a step are added up and applied as one, once the last has come. */
    boolean combinesSteps();

    /** Whether the parameters of the next step may be fetched before this step's push. */
    boolean mayPullAhead();

    /** Whether the others may go on when a worker is lost. */
    boolean outlivesWorkers();
}
