package io.gyre.paramserver;

import java.util.Arrays;

/** How many steps of each worker have been applied. A worker that has finished, or died, holds nobody back. */
final class ClockTable {

    /** Least clock where nobody pushes any more. */
    private static final long NOBODY = Long.MAX_VALUE;

    private final long[] clocks;
    private final boolean[] finished;

    ClockTable(int workers) {
        clocks = new long[workers];
        finished = new boolean[workers];
    }

    /** Least clock of all workers; {@link Long#MAX_VALUE} if all have finished. */
    long slowest() {
        long least = NOBODY;
        for (int worker = 0; worker < clocks.length; worker++) {
            if (!finished[worker]) {
                least = Math.min(least, clocks[worker]);
            }
        }
        return least;
    }

    /** Notes that a worker's step has been applied; a clock never goes back. */
    void applied(int worker, long step) {
        clocks[worker] = Math.max(clocks[worker], step + 1);
    }

    /** Notes that a worker pushes no more. */
    void finish(int worker) {
        finished[worker] = true;
    }

    /** Sets the clock of a worker that goes on after it had finished. */
    void resume(int worker, long step) {
        clocks[worker] = step;
        finished[worker] = false;
    }

    /**
     * Sets the clock of a restarted worker to that of the slowest, so that nobody waits for what it has missed. If
     * there is no other, it goes on at its own.
     *
     * @param step at which it would go on by its own count
     * @return its clock
     */
    long rejoin(int worker, long step) {
        finished[worker] = true;
        long slowest = slowest();
        resume(worker, Math.max(step, slowest == NOBODY ? clocks[worker] : slowest));
        return clocks[worker];
    }

    @Override
    public String toString() {
        return Arrays.toString(clocks) + ", finished: " + Arrays.toString(finished);
    }
}
