package io.gyre.paramserver;

/**
 * All workers wait for each other: the pushes of a step are averaged, weighted by examples, and applied as one update.
 * Equals synchronous all-reduce within rounding error. Valiant, "A bridging model for parallel computation", CACM
 * 33(8), 1990.
 */
public record BulkSynchronous() implements Consistency {

    @Override
    public String name() {
        return "bsp";
    }

    @Override
    public boolean mayBegin(long step, long slowest) {
        return slowest >= step;
    }

    @Override
    public boolean combinesSteps() {
        return true;
    }

    @Override
    public boolean mayPullAhead() {
        return false;
    }

    @Override
    public boolean outlivesWorkers() {
        return false;
    }
}
