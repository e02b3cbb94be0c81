package io.gyre.spark;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.TaskContext;

/**
 * Interrupts a task's thread once Spark has marked the task as killed, until it is closed. Spark itself sets a flag
 * only, and keeps the slot until the task ends.
 */
final class KillWatch implements AutoCloseable {

    private static final long POLL_NANOS = Duration.ofMillis(100).toNanos();

    private final TaskContext task;
    private final Thread worker = Thread.currentThread();
    private final Thread thread;
    private volatile boolean closed;

    /** Starts to watch for the calling thread. */
    KillWatch(TaskContext task) {
        this.task = task;
        thread = new Thread(this::watch, "gyre-kill-watch-" + task.partitionId());
        thread.setDaemon(true);
        thread.start();
    }

    private void watch() {
        while (!closed) {
            if (task.isInterrupted()) {
                // Again and again: code on the way may take an interrupt and go on.
                worker.interrupt();
            }
            LockSupport.parkNanos(POLL_NANOS);
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
        if (interrupted && !task.isInterrupted()) {
            Thread.currentThread().interrupt();
        }
    }
}
