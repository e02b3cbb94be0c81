package io.gyre.training;

import io.gyre.session.Session;
import io.gyre.session.UserCode;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Says that a rank has ended no step for too long: once, with the phase, the rank it waits for, and the stacks of its
 * threads. Every rank reports on itself, so the report of the rank that others wait for shows what keeps it. When a
 * step ends after all, it says so, and is silent about steps that take up to twice as long: slow steps are reported a
 * few times, and not each.
 *
 * <p>It reads the rank's {@link StepPlace}, and has no thread: somebody calls {@link #look} several times a second.
 * Times are as exact as these calls are frequent. Nothing is asked of the thread that trains.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread calls {@link #look}; it must not be the one that trains.
 *   <dt>Ownership
 *   <dd>Everything is borrowed.
 * </dl>
 */
public final class StallReport {

    private final Session session;
    private final StepPlace place;
    private final UserCode code;
    private final LongSupplier clock;
    private final Consumer<String> log;
    private final StepObservers observers;

    private long limitNanos;
    private long ended;
    private long endedNanos;
    private long position = -1;
    private long positionNanos;
    private boolean reported;

    /**
     * Prepares the report of one rank.
     *
     * @param code the calls of the training thread into code outside Gyre
     * @param limit time without the end of a step, above 0
     * @param clock nanoseconds, of the same origin as the network's
     * @param log takes each report, in words
     * @param observers told of each stall
     */
    public StallReport(
            Session session,
            StepPlace place,
            UserCode code,
            Duration limit,
            LongSupplier clock,
            Consumer<String> log,
            StepObservers observers) {
        this.session = session;
        this.place = place;
        this.code = code;
        this.clock = clock;
        this.log = log;
        this.observers = observers;
        limitNanos = limit.toNanos();
        endedNanos = clock.getAsLong();
    }

    /** Looks at the rank, and reports if it is due. */
    public void look() {
        long now = clock.getAsLong();
        long at = place.position();
        long steps = place.stepsEnded();
        boolean left = at < 0;
        if (at != position) {
            // A call of fit begins: the time before belongs to the program.
            if (position < 0) {
                endedNanos = now;
            }
            position = at;
            positionNanos = now;
        }
        if (left || steps != ended) {
            if (reported) {
                goesOn(now);
            }
            ended = steps;
            endedNanos = now;
        } else if (!reported && now - endedNanos >= limitNanos) {
            reported = true;
            String report = describe(now);
            log.accept(report);
            observers.stalled(StepPlace.stepAt(position), report);
        }
    }

    private void goesOn(long now) {
        reported = false;
        long took = now - endedNanos;
        limitNanos = Math.max(limitNanos, 2 * took);
        log.accept("%s goes on after %s; steps are reported again if they take %s"
                .formatted(own(), seconds(took), seconds(limitNanos)));
    }

    private String describe(long now) {
        StringBuilder text = new StringBuilder("%s has ended no step for %s. It is in step %d, in phase %s since %s"
                .formatted(
                        own(),
                        seconds(now - endedNanos),
                        StepPlace.stepAt(position),
                        StepPlace.phaseAt(position).name().toLowerCase(Locale.ROOT),
                        seconds(now - positionNanos)));
        if (code.isInside()) {
            text.append(", in ").append(code);
        }
        StepPlace.Wait wait = place.waiting();
        text.append(
                wait == null
                        ? ". It waits for no other rank."
                        : ". It waits for " + wait + ", since " + seconds(now - wait.sinceNanos()) + ".");
        text.append(" Every rank that has stalled reports this of itself. Its threads:");
        appendStack(text, place.thread());
        helpers().values().forEach(thread -> appendStack(text, thread));
        return text.toString();
    }

    /** Threads of this rank that compute or read for the one that trains, by name. */
    private Map<String, Thread> helpers() {
        Map<String, Thread> found = new TreeMap<>();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            String name = thread.getName();
            if (name.equals(OverlappedReduction.threadName(rank())) || name.equals(loaderName(rank()))) {
                found.put(name, thread);
            }
        }
        return found;
    }

    /** Name of the thread that reads a rank's data ahead of the one that trains. */
    public static String loaderName(int rank) {
        return "gyre-loader-" + rank;
    }

    private static void appendStack(StringBuilder text, @Nullable Thread thread) {
        if (thread == null) {
            return;
        }
        text.append("\n  thread ").append(thread.getName());
        for (StackTraceElement frame : thread.getStackTrace()) {
            text.append("\n    at ").append(frame);
        }
    }

    private int rank() {
        return session.world().rank();
    }

    private String own() {
        return session.members().get(rank()).toString();
    }

    private static String seconds(long nanos) {
        return TimeUnit.NANOSECONDS.toSeconds(nanos) + " s";
    }
}
