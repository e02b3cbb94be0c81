package io.gyre.testkit;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.SplittableRandom;

/**
 * One direction of a process's connection to the coordinator: keeps the order of messages, and loses those that are in
 * flight when the connection falls silent. A receiver that is frozen gets them later.
 */
final class SimulatedLine {

    private static final long MILLI = 1_000_000;
    private static final long LONGEST_DELAY = 100 * MILLI;
    private static final int MESSAGES_PER_STALL = 50;

    /** What receives at the end of a line. */
    @FunctionalInterface
    interface Receiver {
        /** Until when it cannot receive. */
        long frozenUntil();
    }

    private final SimulatedTime time;
    private final SplittableRandom random;
    private final SimulatedProcess process;
    private final Receiver receiver;
    private final Queue<Runnable> deliveries = new ArrayDeque<>();
    private long lastArrival;

    SimulatedLine(SimulatedTime time, SplittableRandom random, SimulatedProcess process, Receiver receiver) {
        this.time = time;
        this.random = random;
        this.process = process;
        this.receiver = receiver;
    }

    void send(Runnable delivery) {
        long delay = random.nextLong(LONGEST_DELAY);
        if (process.isStalling() && random.nextInt(MESSAGES_PER_STALL) == 0) {
            delay = random.nextLong(SimulatedRun.LONGEST_STALL.toNanos());
        }
        lastArrival = Math.max(lastArrival, time.now() + delay);
        deliveries.add(delivery);
        time.after(lastArrival - time.now(), this::deliver);
    }

    /** Delivers the oldest message: there are as many calls as messages. */
    private void deliver() {
        long frozenUntil = receiver.frozenUntil();
        if (frozenUntil == Long.MAX_VALUE) {
            return;
        }
        if (frozenUntil > time.now()) {
            time.after(frozenUntil - time.now(), this::deliver);
            return;
        }
        Runnable oldest = deliveries.remove();
        if (!process.isSilent()) {
            oldest.run();
        }
    }
}
