package io.gyre.testkit;

import org.jspecify.annotations.Nullable;

/** A thread of a simulation. It runs when {@link SimulatedTime} grants it the turn. */
public final class SimulatedThread {

    /** Ends the program of a thread that was killed. */
    private static final class Killed extends Error {
        private static final long serialVersionUID = 1L;

        Killed() {
            super("killed by the simulation", null, false, false);
        }
    }

    private static final long NOT_PAUSING = -1;

    private final SimulatedTime time;
    private final String name;
    private long pauses;
    private long pause;
    private long frozenUntil;
    private boolean killed;
    private boolean alive;

    /** What it waits at; a granter notifies it. */
    private Object place = this;

    /** Whether it may run. Guarded by the place. */
    private boolean granted;

    SimulatedThread(SimulatedTime time, String name) {
        this.time = time;
        this.name = name;
    }

    void start(Runnable program) {
        alive = true;
        Thread thread = new Thread(() -> live(program), name);
        thread.setDaemon(true);
        thread.start();
    }

    private void live(Runnable program) {
        @Nullable Throwable thrown = null;
        try {
            awaitTurn(this);
            checkAlive();
            program.run();
        } catch (Killed e) {
            // As it should be: what a killed process would still have done is nothing.
            killed = true;
        } catch (RuntimeException | Error e) {
            thrown = e;
        }
        alive = false;
        time.ended(thrown);
    }

    /** Whether its program has not ended yet. */
    public boolean isAlive() {
        return alive;
    }

    /** Ends its program where it waits. What the program does on its way out cannot wait any more. */
    public void kill() {
        killed = true;
        frozenUntil = 0;
        time.wake(this);
    }

    /** Keeps it from running until a time; {@link Long#MAX_VALUE} is for ever. */
    public void freezeUntil(long until) {
        frozenUntil = Math.max(frozenUntil, until);
    }

    /** Ends its wait soon; without effect if it does not wait. */
    public void wake() {
        time.wake(this);
    }

    long frozenUntil() {
        return frozenUntil;
    }

    void checkAlive() {
        if (killed) {
            throw new Killed();
        }
    }

    // Its pauses are numbered, so that an event ends the one that it was meant for.

    void beginPause() {
        pause = ++pauses;
    }

    void endPause() {
        pause = NOT_PAUSING;
    }

    long pause() {
        return pause;
    }

    boolean isIn(long number) {
        return alive && pause == number && pause != NOT_PAUSING;
    }

    boolean isAt(Object monitor) {
        return alive && pause != NOT_PAUSING && place == monitor;
    }

    void waitAt(Object monitor) {
        place = monitor;
    }

    /** Lets it run; called by the thread that ran before. */
    void grant() {
        Object monitor = place;
        synchronized (monitor) {
            granted = true;
            monitor.notifyAll();
        }
    }

    void awaitTurn(Object monitor) {
        synchronized (monitor) {
            while (!granted) {
                try {
                    monitor.wait();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(this + " was interrupted, which no simulation does", e);
                }
            }
            granted = false;
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
