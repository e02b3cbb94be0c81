package io.gyre.testkit;

import io.gyre.network.Time;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Time that passes only while all threads of a simulation wait. One of them runs at a time; when it waits, time jumps to
 * the next event, which is an action of the simulation, or the end of some thread's wait. Everything random comes from
 * one generator, so a seed determines the whole simulation, and nothing waits in real time.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread that creates it starts others and calls {@link #run}; they call the other methods. An action runs on
 *       whichever thread waits.
 *   <dt>Failure
 *   <dd>What an action or a thread throws ends the simulation, and is thrown by {@link #run}.
 * </dl>
 */
public final class SimulatedTime implements Time, AutoCloseable {

    /** Most that a thread waits for a core when its wait has ended. */
    private static final long LONGEST_DELAY = 100_000;

    private final SplittableRandom random;
    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private final List<SimulatedThread> threads = new ArrayList<>();

    /** The thread that calls {@link #run}. */
    private final SimulatedThread director = new SimulatedThread(this, "director");

    private SimulatedThread running = director;
    private long now;
    private long number;
    private long trace = 1;
    private BooleanSupplier finished = () -> false;
    private long limit;
    private boolean closing;
    private @Nullable Throwable failure;

    private record Event(long time, long number, @Nullable SimulatedThread thread, long pause, Runnable action)
            implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            int order = Long.compare(time, other.time);
            return order == 0 ? Long.compare(number, other.number) : order;
        }
    }

    /** Starts at 0. */
    public SimulatedTime(SplittableRandom random) {
        this.random = random;
    }

    @Override
    public long now() {
        return now;
    }

    /** Sleeps for at most that long; called by a thread of the simulation. */
    public void sleep(long atMostNanos) {
        pause(running, running, 1 + random.nextLong(atMostNanos));
    }

    @Override
    public void await(Object monitor, long nanos) {
        pause(running, monitor, Math.max(1, nanos));
    }

    @Override
    public void signal(Object monitor) {
        for (SimulatedThread thread : threads) {
            if (thread.isAt(monitor)) {
                wake(thread);
            }
        }
    }

    /** Runs an action after a delay in nanoseconds. */
    public void after(long delay, Runnable action) {
        add(now + delay, null, 0, action);
    }

    /** Starts a thread. */
    public SimulatedThread start(String name, Runnable program) {
        SimulatedThread thread = new SimulatedThread(this, name);
        threads.add(thread);
        thread.start(program);
        wake(thread);
        return thread;
    }

    /** Adds something to the {@link #trace}. */
    public void note(String what) {
        trace = 31 * trace + what.hashCode();
    }

    /** A hash of all events so far. */
    public long trace() {
        return trace;
    }

    /**
     * Lets time pass until the simulation has finished, or no event is left.
     *
     * @param limit time at which it ends anyway
     */
    public void run(long limit, BooleanSupplier finished) {
        this.limit = limit;
        this.finished = finished;
        pass(director, director);
        Throwable thrown = failure;
        if (thrown instanceof Error error) {
            throw error;
        }
        if (thrown != null) {
            throw new AssertionError("the simulation has failed", thrown);
        }
    }

    /** Ends all threads. */
    @Override
    public void close() {
        closing = true;
        for (SimulatedThread thread : threads) {
            if (thread.isAlive()) {
                thread.kill();
                running = thread;
                thread.grant();
                director.awaitTurn(director);
            }
        }
    }

    /** Ends a thread's wait soon; without effect if it does not wait. */
    void wake(SimulatedThread thread) {
        add(now + random.nextLong(LONGEST_DELAY), thread, thread.pause(), () -> {});
    }

    private void pause(SimulatedThread thread, Object monitor, long nanos) {
        if (thread == director) {
            throw new IllegalStateException("the director of a simulation waits: it must not call ranks");
        }
        thread.checkAlive();
        thread.beginPause();
        add(now + nanos, thread, thread.pause(), () -> {});
        pass(thread, monitor);
        thread.checkAlive();
    }

    private void add(long time, @Nullable SimulatedThread thread, long pause, Runnable action) {
        events.add(new Event(time, number++, thread, pause, action));
    }

    /** Lets others run until it is a thread's turn again. */
    private void pass(SimulatedThread self, Object monitor) {
        self.waitAt(monitor);
        SimulatedThread next = next();
        if (next != self) {
            running = next;
            next.grant();
            self.awaitTurn(monitor);
        }
    }

    /** A thread has ended; called by it. */
    void ended(@Nullable Throwable thrown) {
        if (failure == null) {
            failure = thrown;
        }
        running = next();
        running.grant();
    }

    /** Plays events until a thread's wait ends. */
    private SimulatedThread next() {
        while (!closing && failure == null && !finished.getAsBoolean()) {
            Event event = events.poll();
            if (event == null || event.time > limit) {
                return director;
            }
            SimulatedThread thread = event.thread;
            if (thread != null && !thread.isIn(event.pause)) {
                continue;
            }
            if (thread != null && thread.frozenUntil() > event.time) {
                if (thread.frozenUntil() < Long.MAX_VALUE) {
                    add(thread.frozenUntil(), thread, event.pause, event.action);
                }
                continue;
            }
            now = event.time;
            trace = 31 * (31 * trace + event.time) + event.number;
            if (thread != null) {
                thread.endPause();
                return thread;
            }
            play(event);
        }
        return director;
    }

    private void play(Event event) {
        try {
            event.action.run();
        } catch (RuntimeException | Error e) {
            failure = e;
        }
    }
}
