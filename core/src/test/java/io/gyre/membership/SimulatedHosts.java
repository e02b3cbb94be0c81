package io.gyre.membership;

import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Hosts in simulated time, and what happens on them, event by event. A host may freeze, be cut off or die; messages
 * between hosts take a while. All chance comes from one generator.
 */
final class SimulatedHosts {

    static final long MILLI = 1_000_000;
    static final long SECOND = 1000 * MILLI;

    /** Of a message between hosts that are well. */
    static final long LONGEST_DELAY = 200 * MILLI;

    /** A place where events happen: a process, or the launcher. */
    static class Host {
        long frozenUntil;
        boolean dead;

        /** Until when nothing goes out, or comes in. */
        long cutOut;

        long cutIn;
    }

    private static final class Event implements Comparable<Event> {
        private long time;
        private final long number;
        private final @Nullable Host from;
        private final @Nullable Host at;
        private final Runnable action;

        /** Whether a message has reached its host, which may be frozen: a later cut does not hold it back. */
        private boolean arrived;

        Event(long time, long number, @Nullable Host from, @Nullable Host at, Runnable action) {
            this.time = time;
            this.number = number;
            this.from = from;
            this.at = at;
            this.action = action;
        }

        /** When it can happen: not now, if its host is frozen, or the message is held back. */
        private long due() {
            if (at == null) {
                return time;
            }
            long due = Math.max(time, at.frozenUntil);
            if (from != null && !arrived) {
                long cut = Math.max(from.cutOut, at.cutIn);
                arrived = cut <= time;
                due = Math.max(due, cut);
            }
            return due;
        }

        @Override
        public int compareTo(Event other) {
            int order = Long.compare(time, other.time);
            return order == 0 ? Long.compare(number, other.number) : order;
        }
    }

    private final SplittableRandom random;
    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private long sequence;
    private long now = 1_000;

    SimulatedHosts(SplittableRandom random) {
        this.random = random;
    }

    /** In nanoseconds. */
    long now() {
        return now;
    }

    /** Something happens that is on no host. */
    void at(long time, Runnable action) {
        add(time, null, null, action);
    }

    /** An action of a host, after a while. */
    void after(long delay, Host host, Runnable action) {
        add(now + delay, null, host, action);
    }

    /** A message that arrives at a time, or later. */
    void deliver(long time, Host from, Host to, Runnable action) {
        add(time, from, to, action);
    }

    /** A message from one host to another, on no connection: it may overtake others. */
    void send(Host from, Host to, Runnable action) {
        add(now + delay(), from, to, action);
    }

    private void add(long time, @Nullable Host from, @Nullable Host at, Runnable action) {
        events.add(new Event(time, sequence++, from, at, action));
    }

    /** How long the next message is under way. */
    long delay() {
        return random.nextInt(20) == 0 ? random.nextLong(LONGEST_DELAY) : random.nextLong(10 * MILLI);
    }

    /** Lets events happen, in their order, until something holds or the time is up. */
    void play(long until, BooleanSupplier over) {
        while (!events.isEmpty() && now < until) {
            Event event = events.remove();
            if (event.at != null && event.at.dead) {
                continue;
            }
            long due = event.due();
            if (due > event.time) {
                event.time = due;
                events.add(event);
                continue;
            }
            now = event.time;
            event.action.run();
            if (over.getAsBoolean()) {
                return;
            }
        }
    }
}
