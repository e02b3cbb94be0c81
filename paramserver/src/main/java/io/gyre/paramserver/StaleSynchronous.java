package io.gyre.paramserver;

import io.gyre.OptionRange;

/**
 * Pushes are applied as they arrive, and no worker is more than a bound ahead of the slowest. Ho et al., "More
 * effective distributed ML via a stale synchronous parallel parameter server", NIPS 2013.
 *
 * @param bound greatest staleness in steps, 0 or more. With 0, no worker begins a step before all have ended the
 *     previous one, as in {@link BulkSynchronous}, but every push is an update of its own
 */
public record StaleSynchronous(int bound) implements Consistency {

    public StaleSynchronous {
        OptionRange.check("a staleness bound of", bound, 0, Long.MAX_VALUE);
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

    /** A worker's own pushes count too: with a bound of 0, its last one would be missing. */
    @Override
    public boolean mayPullAhead() {
        return bound > 0;
    }

    @Override
    public boolean outlivesWorkers() {
        return true;
    }
}
