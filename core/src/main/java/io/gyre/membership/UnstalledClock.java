package io.gyre.membership;

import java.time.Duration;

/**
 * Time as somebody sees it who asks regularly: a longer pause between two questions counts as a short one. An observer
 * that was itself stopped, by the garbage collector, the scheduler or a debugger, does not take its own absence for its
 * peers'.
 */
public final class UnstalledClock {

    private final long longestStepNanos;
    private long last;
    private long time;

    /**
     * Starts at 0.
     *
     * @param now the time now, in nanoseconds from any origin
     * @param longestStep how much a pause counts at most
     */
    public UnstalledClock(long now, Duration longestStep) {
        this.last = now;
        this.longestStepNanos = longestStep.toNanos();
    }

    /** Moves on to {@code now}, and returns how much time has passed, stalls left out, in nanoseconds. */
    public long advance(long now) {
        time += Math.min(now - last, longestStepNanos);
        last = now;
        return time;
    }

    /** Result of the last {@link #advance}. */
    public long time() {
        return time;
    }
}
