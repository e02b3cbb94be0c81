package io.gyre.queue;

import io.gyre.signals.TerminationSignals;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Turns of a worker until there is nothing more to do, or signals end it: the first in order, another in a hurry. */
final class WorkLoop {

    private static final Duration PAUSE = Duration.ofMillis(250);
    private static final int SIGNALLED = 128;

    private WorkLoop() {}

    /** One look at what there is to do. */
    @FunctionalInterface
    interface Turn {

        /** Does what can be done now; returns whether there will be more. */
        boolean more(boolean closing) throws IOException;
    }

    /**
     * Takes turns.
     *
     * @param worker is told of signals
     * @return exit status: 0, or 128 plus the signal's number
     */
    @SuppressWarnings("try") // The signals are there to be closed.
    static int run(QueueWorker worker, Turn turn) throws IOException, InterruptedException {
        AtomicInteger first = new AtomicInteger();
        AtomicInteger count = new AtomicInteger();
        Semaphore woken = new Semaphore(0);
        try (TerminationSignals signals = TerminationSignals.handle((name, number) -> {
            first.compareAndSet(0, number);
            count.incrementAndGet();
            woken.release();
        })) {
            boolean more = true;
            while (more) {
                int heard = count.get();
                if (heard > 0) {
                    worker.close();
                }
                if (heard > 1) {
                    worker.hurry();
                }
                more = turn.more(heard > 0);
                if (more) {
                    woken.tryAcquire(PAUSE.toMillis(), TimeUnit.MILLISECONDS);
                }
            }
        }
        return first.get() == 0 ? 0 : SIGNALLED + first.get();
    }
}
