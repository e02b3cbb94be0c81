package io.gyre.signals;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Passes the signals that end a JVM to a listener that ends it in good order: {@code SIGTERM}, {@code SIGINT} and
 * {@code SIGHUP}, except those that the process ignores, which stay ignored.
 *
 * <p>A shutdown hook cannot do this: it cannot tell a signal from the program's own end, it is not told of a second
 * signal, and the hooks of other libraries run concurrently and destroy what an orderly end needs.
 *
 * <p>A signal within a second of the one before is an echo of it, and is dropped: {@code timeout} sends to its child
 * and to its process group, a terminal that closes and its shell both send, and a batch system sends to every process.
 *
 * <dl>
 *   <dt>Global state
 *   <dd>Signal handlers belong to the whole JVM. {@link #close} restores the previous ones. Use one object at a time,
 *       or close several in reverse order.
 *   <dt>Threading
 *   <dd>The listener is called on a thread of the JVM's, one per signal.
 * </dl>
 */
public final class TerminationSignals implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(TerminationSignals.class);

    /** Names and numbers, which are the same on all systems. */
    private static final Map<String, Integer> NAMES = Map.of("HUP", 1, "INT", 2, "TERM", 15);

    /** Shorter than any user needs to read the response to the first Ctrl-C and press it again. */
    private static final long ECHO_NANOS = 1_000_000_000L;

    /** By number. */
    private final Map<Integer, JvmSignal> signals = new ConcurrentHashMap<>();

    private final LongSupplier nanoClock;
    private boolean anyHeard;
    private long heardNanos;

    /** Receives signals. */
    @FunctionalInterface
    public interface Listener {

        /**
         * Called for every signal that is not an echo.
         *
         * @param name such as {@code SIGTERM}
         * @param number such as {@code 15}; a process that a signal ends has the exit status 128 plus its number
         */
        void heard(String name, int number);
    }

    private TerminationSignals(LongSupplier nanoClock) {
        this.nanoClock = nanoClock;
    }

    /**
     * Lets these signals call the listener, and do nothing else.
     *
     * <p>A JVM that was started with {@code -Xrs} leaves its signals to the system: this is logged, and they end it at
     * once, as usual.
     */
    public static TerminationSignals handle(Listener listener) {
        return handle(listener, System::nanoTime);
    }

    static TerminationSignals handle(Listener listener, LongSupplier nanoClock) {
        TerminationSignals handled = new TerminationSignals(nanoClock);
        NAMES.forEach((name, number) -> handled.handle(name, number, listener));
        return handled;
    }

    private void handle(String name, int number, Listener listener) {
        try {
            signals.put(number, JvmSignal.handle(name, () -> {
                if (!isEcho()) {
                    listener.heard("SIG" + name, number);
                }
            }));
        } catch (IllegalArgumentException e) {
            LOG.warn("SIG{} ends this JVM at once: {}", name, e.getMessage());
        }
    }

    private synchronized boolean isEcho() {
        long now = nanoClock.getAsLong();
        boolean echo = anyHeard && now - heardNanos < ECHO_NANOS;
        if (!echo) {
            anyHeard = true;
            heardNanos = now;
        }
        return echo;
    }

    /**
     * Does what the signal would have done without this object: usually ends the JVM with the signal's exit status, and
     * does not return.
     *
     * @param number one that the listener has received
     */
    public void passOn(int number) {
        JvmSignal signal = signals.get(number);
        if (signal != null) {
            signal.callHandlerBefore();
        }
    }

    /** Restores the previous handlers. A second call does nothing. */
    @Override
    public void close() {
        signals.values().forEach(JvmSignal::restore);
        signals.clear();
    }
}
