package io.gyre.spark;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Interrupts a task's thread once its end is asked for, until it is closed. Spark itself sets a flag only, and keeps
 * the slot until the task ends.
 */
final class KillWatch implements AutoCloseable {

    private static final long POLL_NANOS = Duration.ofMillis(100).toNanos();

    /** Code on the way may take an interrupt and go on, and code that cleans up wants no second one. */
    private static final long REPEAT_NANOS = Duration.ofMillis(500).toNanos();

    private final BooleanSupplier asked;
    private final Thread worker = Thread.currentThread();
    private final Thread thread;
    private volatile boolean closed;

    /**
     * Starts to watch for the calling thread.
     *
     * @param asked whether the rank is to end; called by another thread
     */
    KillWatch(int rank, BooleanSupplier asked) {
        this.asked = asked;
        thread = new Thread(this::watch, "gyre-kill-watch-" + rank);
        thread.setDaemon(true);
        thread.start();
    }

    private void watch() {
        while (!closed) {
            boolean ends = asked.getAsBoolean();
            if (ends) {
                worker.interrupt();
            }
            LockSupport.parkNanos(ends ? REPEAT_NANOS : POLL_NANOS);
        }
    }

    /** Returns when the thread has ended; the caller is not interrupted after that. A second call does nothing. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted && !asked.getAsBoolean()) {
            Thread.currentThread().interrupt();
        }
    }
}
