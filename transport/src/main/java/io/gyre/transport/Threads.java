package io.gyre.transport;

import java.time.Duration;

/** Threads of ours: how they begin and end. */
final class Threads {

    private Threads() {}

    /** A thread that does not keep its JVM alive. */
    static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    /** Waits for the end of a thread; an interrupt is kept for later, because what is being closed must be closed. */
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
