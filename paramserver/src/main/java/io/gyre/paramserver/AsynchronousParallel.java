package io.gyre.paramserver;

/**
 * No worker waits for another: pushes are applied as they arrive, and staleness has no bound. Dean et al., "Large scale
 * distributed deep networks" (Downpour SGD), NIPS 2012.
 */
public record AsynchronousParallel() implements Consistency {

    @Override
    public String name() {
        return "asp";
    }

    @Override
    public boolean mayBegin(long step, long slowest) {
        return true;
    }

    @Override
    public boolean combinesSteps() {
        return false;
    }

    @Override
    public boolean mayPullAhead() {
        return true;
    }

    @Override
    public boolean outlivesWorkers() {
        return true;
    }
}
