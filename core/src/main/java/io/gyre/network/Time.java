package io.gyre.network;

/**
 * Time as a rank's waits see it, and how a thread that waits for another lets it pass. A simulation hands in a time of
 * its own; the methods that it does not replace are the system's.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Any thread may call {@link #now}. The other methods are called with the monitor held.
 * </dl>
 */
@FunctionalInterface
public interface Time {

    /** The system's time. */
    Time SYSTEM = System::nanoTime;

    /** Nanoseconds, from any origin; never goes back. */
    long now();

    /**
     * Waits until another thread signals the monitor, which is released meanwhile; may return earlier.
     *
     * @param monitor held by the caller
     * @param nanos longest wait
     */
    @SuppressWarnings("WaitNotInLoop") // The callers loop.
    default void await(Object monitor, long nanos) throws InterruptedException {
        monitor.wait(Math.max(1, nanos / 1_000_000));
    }

    /**
     * Ends the waits of all threads for this monitor.
     *
     * @param monitor held by the caller
     */
    default void signal(Object monitor) {
        monitor.notifyAll();
    }
}
