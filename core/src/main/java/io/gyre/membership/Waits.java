package io.gyre.membership;

import io.gyre.GyreException;
import io.gyre.network.Time;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * How threads wait for what a {@link CoordinatorClient} learns. Each wait has a deadline, and ends as soon as the run
 * has ended, or no more messages can arrive. It holds the monitor, except while it sleeps.
 */
final class Waits {

    /** Longest sleep, since nobody signals the end of the uplink's thread. */
    private static final Duration POLL = Duration.ofMillis(200);

    private final CoordinatorClient client;
    private final Uplink uplink;
    private final Time time;
    private final Object monitor;

    /**
     * Prepares the waits for one client.
     *
     * @param monitor guards the client, and is signalled when it may have learned something
     */
    Waits(CoordinatorClient client, Uplink uplink, Time time, Object monitor) {
        this.client = client;
        this.uplink = uplink;
        this.time = time;
        this.monitor = monitor;
    }

    /**
     * Waits for an answer. Ends with an exception if the run ends before, and on an interrupt, which stays set.
     *
     * @param doing what the rank is doing, for errors
     * @param answer null as long as it is not known
     * @param expired what to throw after the timeout
     */
    <T> T until(String doing, Duration timeout, Supplier<@Nullable T> answer, Supplier<GyreException> expired) {
        long deadline = time.now() + timeout.toNanos();
        synchronized (monitor) {
            for (T found = answer.get(); ; found = answer.get()) {
                if (found != null) {
                    return found;
                }
                client.check(rank(), doing);
                if (isDeaf()) {
                    throw new GyreException("rank " + rank() + " stopped in " + doing + ": "
                            + (client.isClosed()
                                    ? "its session has been closed"
                                    : "the rank that hosts the coordinator has left, and the run ends"));
                }
                if (deadline - time.now() <= 0) {
                    throw expired.get();
                }
                try {
                    sleep(deadline);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    // If the interrupt is because of a lost rank, the loss is known by now: report that instead.
                    client.check(rank(), doing);
                    throw new GyreException("rank " + rank() + " was interrupted in " + doing, e);
                }
            }
        }
    }

    /**
     * Waits while something is being closed, and so regardless of interrupts. Does not fail.
     *
     * @param deadline of the time
     */
    void untilClosed(long deadline, BooleanSupplier reached) {
        boolean interrupted = false;
        synchronized (monitor) {
            while (!reached.getAsBoolean()
                    && client.view().ending() == null
                    && !isDeaf()
                    && deadline - time.now() > 0) {
                try {
                    sleep(deadline);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether no more messages can arrive. */
    private boolean isDeaf() {
        return client.isClosed() || client.isDetached();
    }

    private void sleep(long deadline) throws InterruptedException {
        time.await(monitor, Math.min(deadline - time.now(), POLL.toNanos()));
        uplink.turn();
    }

    private int rank() {
        return client.view().rank();
    }
}
