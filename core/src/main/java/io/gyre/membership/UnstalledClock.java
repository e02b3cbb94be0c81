package io.gyre.membership;

import java.time.Duration;

/**
 * Time as an observer sees it that asks regularly: a longer pause between two queries counts as a short one. An
 * observer that was itself stopped, by the garbage collector, the scheduler or a debugger, does not mistake its own
 * absence for its peers'.
 */
public final class UnstalledClock {

    private final long longestStepNanos;
    private long last;
    private long time;

    /**
     * Starts at 0.
     *
     * @param now current time, in nanoseconds from any origin
     * @param longestStep most that a pause counts
     */
    public UnstalledClock(long now, Duration longestStep) {
        this.last = now;
        this.longestStepNanos = longestStep.toNanos();
    }

    /** Advances to {@code now}, and returns the time passed so far without stalls, in nanoseconds. */
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
