package io.gyre.paramserver;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Number of applied steps of each worker. A worker that has finished, or is lost, delays no other. */
final class ClockTable {

    /** Lowest clock when no worker pushes any more. */
    private static final long NOBODY = Long.MAX_VALUE;

    private final long[] clocks;
    private final boolean[] finished;

    ClockTable(int workers) {
        clocks = new long[workers];
        finished = new boolean[workers];
    }

    /** Lowest clock of all workers; {@link Long#MAX_VALUE} if all have finished. */
    long slowest() {
        long least = NOBODY;
        for (int worker = 0; worker < clocks.length; worker++) {
            if (!finished[worker]) {
                least = Math.min(least, clocks[worker]);
            }
        }
        return least;
    }

    /** Records that a worker's step has been applied; a clock never goes back. */
    void applied(int worker, long step) {
        clocks[worker] = Math.max(clocks[worker], step + 1);
    }

    /** Records that a worker pushes no more. */
    void finish(int worker) {
        finished[worker] = true;
    }

    /** Sets the clock of a worker that continues after it had finished. */
    void resume(int worker, long step) {
        clocks[worker] = step;
        finished[worker] = false;
    }

    /**
     * Sets the clock of a restarted worker to that of the slowest, so that no other waits for the steps it has missed.
     * If there is no other, it continues at its own.
     *
     * @param step at which it would continue by its own count
     * @return its clock
     */
    long rejoin(int worker, long step) {
        finished[worker] = true;
        long slowest = slowest();
        resume(worker, Math.max(step, slowest == NOBODY ? clocks[worker] : slowest));
        return clocks[worker];
    }

    /** The clock of each worker. */
    List<Long> clocks() {
        return Arrays.stream(clocks).boxed().toList();
    }

    /** Whether each worker has finished. */
    List<Boolean> finished() {
        return IntStream.range(0, finished.length)
                .mapToObj(worker -> finished[worker])
                .toList();
    }

    /** Continues from the state of another copy with as many workers. */
    void restore(List<Long> ofClocks, List<Boolean> ofFinished) {
        for (int worker = 0; worker < clocks.length; worker++) {
            clocks[worker] = ofClocks.get(worker);
            finished[worker] = ofFinished.get(worker);
        }
    }

    @Override
    public String toString() {
        return Arrays.toString(clocks) + ", finished: " + Arrays.toString(finished);
    }
}
