package io.gyre.allreduce;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;

/**
 * Time that passes only when ranks sleep. Each rank has a thread, and one of them runs at a time: a rank that sleeps
 * lets a random other one run. So a seed determines the whole run, and nothing waits in real time.
 *
 * <p>One rank may fall silent: from its n-th sleep on, it never runs again.
 */
final class SimulatedTime {

    /** Ends the thread of a silent rank, after all others have ended. */
    static final class Silence extends Error {
        private static final long serialVersionUID = 1L;
    }

    private final SplittableRandom random;
    private final List<Semaphore> turns = new ArrayList<>();
    private final List<Integer> awake = new ArrayList<>();
    private final int silent;
    private int sleepsLeft;
    private int running;
    private long now;
    private long silentSince = -1;

    /**
     * Starts at 0, with no rank running.
     *
     * @param silent the rank that falls silent
     * @param sleeps number of its sleeps before
     */
    SimulatedTime(int ranks, SplittableRandom random, int silent, int sleeps) {
        this.random = random;
        this.silent = silent;
        this.sleepsLeft = sleeps;
        for (int rank = 0; rank < ranks; rank++) {
            turns.add(new Semaphore(0));
            awake.add(rank);
        }
    }

    /** Nanoseconds so far. */
    long now() {
        return now;
    }

    /** When the rank fell silent; negative if it has not. */
    long silentSince() {
        return silentSince;
    }

    /** Lets the first rank run; called when all threads have been started. */
    void start() {
        next();
    }

    /** Waits for the first turn of a rank; called by its thread. */
    void begin(int rank) {
        turns.get(rank).acquireUninterruptibly();
    }

    /** Sleeps at most that long; called by the thread of the running rank. */
    void sleep(long atMostNanos) {
        now += 1 + random.nextLong(atMostNanos);
        int own = running;
        if (own == silent && sleepsLeft-- == 0) {
            silentSince = now;
            awake.remove((Integer) own);
            next();
            turns.get(own).acquireUninterruptibly();
            throw new Silence();
        }
        next();
        turns.get(own).acquireUninterruptibly();
    }

    /** A rank's program has ended; called by its thread. */
    void end(int rank) {
        if (awake.remove((Integer) rank)) {
            next();
        }
    }

    private void next() {
        running = awake.isEmpty() ? silent : awake.get(random.nextInt(awake.size()));
        turns.get(running).release();
    }
}
