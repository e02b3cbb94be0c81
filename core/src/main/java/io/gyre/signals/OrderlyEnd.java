package io.gyre.signals;

import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What happens in a JVM between the first signal and its end: the state that all {@link GracefulStop}s share. */
final class OrderlyEnd {

    private static final Logger LOG = LoggerFactory.getLogger(OrderlyEnd.class);

    /** Number of stack frames logged for a thread that did not end in time. */
    private static final int FRAMES = 8;

    /** The launcher gives no more. */
    private static final int MOST_SECONDS = 1_000_000;

    private final @Nullable String launcherGrace;
    private final LongSupplier nanoClock;
    private final Set<GracefulStop> open = new LinkedHashSet<>();
    private @Nullable TerminationSignals signals;
    private int signal;

    /**
     * Prepares it; no signal is handled yet.
     *
     * @param launcherGrace seconds after which Gyre's launcher kills this process; null without a launcher. The
     *     launcher then counts the signals, and receives all that a terminal or a batch system sends to this process
     *     too
     */
    OrderlyEnd(@Nullable String launcherGrace, LongSupplier nanoClock) {
        this.launcherGrace = launcherGrace;
        this.nanoClock = nanoClock;
    }

    /**
     * Default time from the first signal to the end.
     *
     * @throws IllegalArgumentException if the launcher's value is not a number from 0 to 1,000,000
     */
    Duration usualTime() {
        if (launcherGrace == null) {
            return GracefulStop.TIME;
        }
        String problem = "environment variable " + GracefulStop.VARIABLE + "=" + launcherGrace
                + " is no number of seconds from 0 to " + MOST_SECONDS;
        double seconds;
        try {
            seconds = Double.parseDouble(launcherGrace);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(problem, e);
        }
        if (!(seconds >= 0 && seconds <= MOST_SECONDS)) {
            throw new IllegalArgumentException(problem);
        }
        return Duration.ofMillis(Math.round(seconds * 1e3));
    }

    synchronized void add(GracefulStop stop) {
        if (signals == null) {
            signals = TerminationSignals.handle(this::heard, nanoClock);
        }
        open.add(stop);
        if (signal != 0) {
            stop.ask();
        }
    }

    synchronized void remove(GracefulStop stop) {
        open.remove(stop);
        if (open.isEmpty() && signal == 0 && signals != null) {
            signals.close();
            signals = null;
        }
    }

    synchronized OptionalInt signal() {
        return signal == 0 ? OptionalInt.empty() : OptionalInt.of(signal);
    }

    private void heard(String name, int number) {
        if (launcherGrace != null && signal().isPresent()) {
            return;
        }
        List<GracefulStop> first = openIfFirst(number);
        if (first.isEmpty()) {
            LOG.debug("{} ends this process at once", name);
            passOn(name, number);
            return;
        }
        Duration atMost = first.stream()
                .map(GracefulStop::atMost)
                .max(Duration::compareTo)
                .orElseThrow();
        LOG.debug("{}: this process ends when its work is done, at the latest in {}", name, atMost);
        // No daemon, and started before the program is asked: the JVM would end without the signal's status once the
        // program's own threads have ended.
        new Thread(
                        () -> {
                            ask(first);
                            awaitPrograms(first, atMost, name);
                            passOn(name, number);
                        },
                        "gyre-stop")
                .start();
    }

    /** Returns the open objects on the first signal; empty on later signals, or after the last has closed. */
    private synchronized List<GracefulStop> openIfFirst(int number) {
        if (signal != 0 || open.isEmpty()) {
            return List.of();
        }
        signal = number;
        return List.copyOf(open);
    }

    private synchronized void ask(List<GracefulStop> stops) {
        stops.stream().filter(open::contains).forEach(GracefulStop::ask);
    }

    private static void awaitPrograms(List<GracefulStop> asked, Duration atMost, String name) {
        long deadlineNanos = System.nanoTime() + atMost.toNanos();
        for (GracefulStop stop : asked) {
            Thread program = stop.program();
            try {
                TimeUnit.NANOSECONDS.timedJoin(program, Math.max(1, deadlineNanos - System.nanoTime()));
            } catch (InterruptedException e) {
                LOG.warn("thread gyre-stop was interrupted: this process ends at once");
                return;
            }
            if (program.isAlive()) {
                LOG.warn(
                        "thread {} has not ended {} s after {}: this process ends at once. It was at\n    {}",
                        program.getName(),
                        atMost.toMillis() / 1e3,
                        name,
                        stack(program));
                return;
            }
        }
    }

    private static String stack(Thread thread) {
        return Arrays.stream(thread.getStackTrace())
                .limit(FRAMES)
                .map(StackTraceElement::toString)
                .collect(Collectors.joining("\n    "));
    }

    private void passOn(String name, int number) {
        TerminationSignals handled;
        synchronized (this) {
            handled = signals;
        }
        if (handled == null) {
            JvmSignal.raise(name);
        } else {
            handled.passOn(number);
        }
    }
}
