package io.gyre.transport;

import java.time.Duration;

/** Starts and ends Gyre's threads. */
final class Threads {

    private Threads() {}

    /** Starts a thread that does not keep its JVM alive. */
    static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    /** Waits for a thread to end. An interrupt is deferred, because the close must complete. */
    static void join(Thread thread, Duration timeout) {
        long deadline = System.nanoTime() + timeout.toNanos();
        boolean interrupted = false;
        long rest = timeout.toMillis();
        while (rest > 0 && thread.isAlive()) {
            try {
                thread.join(rest);
            } catch (InterruptedException e) {
                interrupted = true;
            }
            rest = (deadline - System.nanoTime()) / 1_000_000;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
