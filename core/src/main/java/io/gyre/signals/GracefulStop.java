package io.gyre.signals;

import java.time.Duration;
import java.util.OptionalInt;

/**
 * Lets a signal end this JVM in order. What takes long is asked to stop, the program goes on until it has written what
 * it has to, and then the JVM ends with the signal's exit status.
 *
 * <pre>{@code
 * try (DistributedTrainer trainer = builder.checkpointDirectory(directory).resume(true).build();
 *         GracefulStop stop = GracefulStop.onTermination(trainer::requestEnd)) {
 *     trainer.fit(data, epochs);
 * }
 * }</pre>
 *
 * <p>The first {@code SIGTERM}, {@code SIGINT} (Ctrl-C) or {@code SIGHUP} calls what was given, and nothing else: no
 * thread is interrupted, no shutdown hook runs. When the thread that opened this object has ended, the JVM ends with
 * 128 and the signal's number, 143 for {@code SIGTERM}, so that nobody takes the run for a finished one. A program that
 * ends by {@code System.exit} has the status that it says. A second signal, or the time, ends the JVM at once, as the
 * first does without this object. One that comes within a second is the first one's echo and does not count.
 *
 * <dl>
 *   <dt>Global state
 *   <dd>Handlers of signals belong to the whole JVM: they are there from the first object's opening to the last one's
 *       {@link #close}. Signals that the process ignores stay ignored.
 *   <dt>Under {@code bin/gyre}
 *   <dd>A rank hears {@code SIGTERM} alone, and only the first: the launcher counts signals, and ends ranks by force.
 *   <dt>Several
 *   <dd>Each thread that is a rank ({@code Gyre.local}) opens its own. All are asked, and the JVM ends when all their
 *       threads have.
 *   <dt>Threading
 *   <dd>Opened and closed by the thread that does the work.
 * </dl>
 */
public final class GracefulStop implements AutoCloseable {

    /** Time from a signal to the end of the JVM unless another is given: Kubernetes and SLURM kill after 30 s. */
    public static final Duration TIME = Duration.ofSeconds(25);

    /** By which the launcher tells its ranks the time, in seconds. */
    static final String VARIABLE = "GYRE_GRACE";

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
     * As {@link #onTermination(Runnable, Duration)}, with the launcher's time ({@code --grace}), or else {@link #TIME}.
     */
    public static GracefulStop onTermination(Runnable ask) {
        return onTermination(ask, OF_JVM.usualTime());
    }

    /**
     * Begins to listen for signals.
     *
     * @param ask told to end, for good and soon: {@code trainer::requestEnd}. Called once, on another thread, or by
     *     this call if a signal has come before. Does not block
     * @param atMost time from the first signal to the end of the JVM, however far the program is
     */
    public static GracefulStop onTermination(Runnable ask, Duration atMost) {
        return new GracefulStop(ask, atMost, OF_JVM);
    }

    /** Number of the signal that has come; empty if none has. */
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
     * Leaves signals as they were, unless one has come: the JVM then still ends as it says above. A second call does
     * nothing.
     */
    @Override
    public void close() {
        end.remove(this);
    }
}
