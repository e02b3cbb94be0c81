package io.gyre.session;

import java.time.Duration;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The end of threads that have been asked to end. */
public final class ThreadEnd {

    private static final Logger LOG = LoggerFactory.getLogger(ThreadEnd.class);

    private ThreadEnd() {}

    /**
     * Waits for it, and logs a warning about a thread that does not end. Does not fail: after an interrupt, which stays
     * set, it no longer waits for the thread that it waited for.
     *
     * @param timeout for each thread
     */
    public static void await(List<Thread> threads, Duration timeout) {
        boolean interrupted = false;
        for (Thread thread : threads) {
            try {
                thread.join(timeout.toMillis());
                if (thread.isAlive()) {
                    LOG.warn("{} has not ended within {} ms", thread.getName(), timeout.toMillis());
                }
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
