package io.gyre.paramserver;

/**
 * Pushes are applied as they come, and nobody is more than a bound ahead of the slowest. Ho et al., "More effective
 * distributed ML via a stale synchronous parallel parameter server", NIPS 2013.
 *
 * @param bound most steps of staleness, 0 or more. With 0 nobody begins a step before all have ended the one before, as
 *     in {@link BulkSynchronous}, but every push is an update of its own
 */
public record StaleSynchronous(int bound) implements Consistency {

    public StaleSynchronous {
        if (bound < 0) {
            throw new IllegalArgumentException("a staleness bound of " + bound + ": it must not be negative");
        }
    }

    @Override
    public String name() {
        return "ssp(" + bound + ")";
    }

    @Override
    public boolean mayBegin(long step, long slowest) {
        return slowest >= step - bound;
    }

    @Override
    public boolean combinesSteps() {
        return false;
    }

    /** Own pushes count, too: with a bound of 0 the own last one would be missing. */
    @Override
    public boolean mayPullAhead() {
        return bound > 0;
    }

    @Override
    public boolean outlivesWorkers() {
        return true;
    }
}
