package io.gyre.paramserver;

import java.util.Arrays;

/** How many steps of each worker have been applied. A worker that has finished, or died, holds nobody back. */
final class ClockTable {

    /** Clock of a worker that pushes no more. */
    private static final long FINISHED = Long.MAX_VALUE;

    private final long[] clocks;

    ClockTable(int workers) {
        clocks = new long[workers];
    }

    /** Least clock of all workers; {@link Long#MAX_VALUE} if all have finished. */
    long slowest() {
        long least = FINISHED;
        for (long clock : clocks) {
            least = Math.min(least, clock);
        }
        return least;
    }

    /** Clock of one worker. */
    long of(int worker) {
        return clocks[worker];
    }

    /** Notes that a worker's step has been applied; a clock never goes back. */
    void applied(int worker, long step) {
        if (clocks[worker] != FINISHED) {
            clocks[worker] = Math.max(clocks[worker], step + 1);
        }
    }

    /** Notes that a worker pushes no more. */
    void finish(int worker) {
        clocks[worker] = FINISHED;
    }

    /** Sets the clock of a worker that goes on after it had finished. */
    void resume(int worker, long step) {
        clocks[worker] = step;
    }

    @Override
    public String toString() {
        return Arrays.toString(clocks);
    }
}
