package io.gyre.launcher;

import io.gyre.signals.TerminationSignals;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Ends a group of ranks when this process is told to end: a first signal gives them time, a second one kills them, and
 * if this JVM exits for another reason they end with it.
 */
final class GroupGuard {

    private final RankGroup group;
    private final Duration grace;
    private final Consumer<String> say;
    private final CountDownLatch finished = new CountDownLatch(1);

    /** Number of the first signal to this process; 0 for none. */
    private final AtomicInteger signal = new AtomicInteger();

    /**
     * Creates a guard, which does nothing yet.
     *
     * @param grace how long ranks have to end
     * @param say gets messages for people
     */
    GroupGuard(RankGroup group, Duration grace, Consumer<String> say) {
        this.group = group;
        this.grace = grace;
        this.say = say;
    }

    /** Starts ranks, and waits for them. */
    @FunctionalInterface
    interface Body {
        void run() throws IOException, InterruptedException;
    }

    /** Runs what starts the ranks and waits for them; all have ended when this returns. */
    void during(Body body) throws IOException, InterruptedException {
        ShutdownHook hook = ShutdownHook.add(this::stopAndWait);
        TerminationSignals signals = TerminationSignals.handle(this::signalled);
        try {
            body.run();
        } finally {
            group.destroy();
            finished.countDown();
            signals.close();
            hook.remove();
        }
    }

    /** Ends all ranks within the grace. */
    void stop() {
        // By then the ranks themselves have reported where they were.
        group.stop(grace.plus(RankGroup.TO_END));
    }

    /** Number of the first signal to this process; 0 for none. */
    int signal() {
        return signal.get();
    }

    private void signalled(String name, int number) {
        if (signal.compareAndSet(0, number)) {
            say.accept(name + ": the ranks have " + seconds(grace)
                    + " s to end in order; another signal ends them at once");
            stop();
        } else {
            group.kill();
        }
    }

    /** A time in seconds, as short as possible. */
    static String seconds(Duration time) {
        return new BigDecimal(time.toMillis())
                .movePointLeft(3)
                .stripTrailingZeros()
                .toPlainString();
    }

    /** This JVM exits, and not because of a signal. */
    private void stopAndWait() {
        group.stop(RankGroup.TO_END);
        try {
            if (finished.await(3, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        group.destroy();
    }
}
