package io.gyre.signals;

import java.time.Duration;
import java.util.OptionalInt;

/**
 * Lets a signal end this JVM in good order. Long work is asked to stop, the program continues until it has written what
 * it must, and then the JVM ends with the signal's exit status.
 *
 * <pre>{@code
 * try (DistributedTrainer trainer = builder.checkpointDirectory(directory).resume(true).build();
 *         GracefulStop stop = GracefulStop.onTermination(trainer::requestEnd)) {
 *     trainer.fit(data, epochs);
 * }
 * }</pre>
 *
 * <p>The first {@code SIGTERM}, {@code SIGINT} (Ctrl-C) or {@code SIGHUP} only runs the given action: no thread is
 * interrupted, no shutdown hook runs. When the thread that opened this object has ended, the JVM ends with 128 plus the
 * signal's number, 143 for {@code SIGTERM}, so that the run is not taken for a complete one. A program that calls
 * {@code System.exit} determines its own status. A second signal, or the timeout, ends the JVM at once, as the first
 * does without this object. A signal within a second of the first is its echo and does not count.
 *
 * <dl>
 *   <dt>Global state
 *   <dd>Signal handlers belong to the whole JVM: they are installed from the first object's opening to the last one's
 *       {@link #close}. Signals that the process ignores stay ignored.
 *   <dt>Under {@code bin/gyre}
 *   <dd>A rank handles only {@code SIGTERM}, and only the first: the launcher counts signals, and kills ranks.
 *   <dt>Several
 *   <dd>Each thread that is a rank ({@code Gyre.local}) opens its own. All are asked, and the JVM ends when all their
 *       threads have ended.
 *   <dt>Threading
 *   <dd>Opened and closed by the thread that does the work.
 * </dl>
 */
public final class GracefulStop implements AutoCloseable {

    /** Default time from a signal to the end of the JVM: Kubernetes and SLURM kill after 30 s. */
    public static final Duration TIME = Duration.ofSeconds(25);

    /** The environment variable in which the launcher passes the time to its ranks, in seconds. */
    public static final String VARIABLE = "GYRE_GRACE";

    private static final OrderlyEnd OF_JVM = new OrderlyEnd(System.getenv(VARIABLE), System::nanoTime);

    private final Runnable ask;
    private final Duration atMost;
    private final Thread program = Thread.currentThread();
    private final OrderlyEnd end;

    GracefulStop(Runnable ask, Duration atMost, OrderlyEnd end) {
        if (atMost.isNegative()) {
            throw new IllegalArgumentException("time to stop is " + atMost + ": it must not be negative");
        }
        this.ask = ask;
        this.atMost = atMost;
        this.end = end;
        end.add(this);
    }

    /**
     * As {@link #onTermination(Runnable, Duration)}, with the launcher's time ({@code --grace}), otherwise
     * {@link #TIME}.
     */
    public static GracefulStop onTermination(Runnable ask) {
        return onTermination(ask, OF_JVM.usualTime());
    }

    /**
     * Starts to listen for signals.
     *
     * @param ask requests the end, for good and soon: {@code trainer::requestEnd}. Called once, on another thread, or
     *     by this call if a signal has come before. Must not block
     * @param atMost time from the first signal to the end of the JVM, whatever the program has done by then
     */
    public static GracefulStop onTermination(Runnable ask, Duration atMost) {
        return new GracefulStop(ask, atMost, OF_JVM);
    }

    /** Number of the signal received; empty if there was none. */
    public OptionalInt signal() {
        return end.signal();
    }

    void ask() {
        ask.run();
    }

    Duration atMost() {
        return atMost;
    }

    Thread program() {
        return program;
    }

    /**
     * Restores the signal handlers, unless a signal has come: then the JVM still ends as described above. A second call
     * does nothing.
     */
    @Override
    public void close() {
        end.remove(this);
    }
}
