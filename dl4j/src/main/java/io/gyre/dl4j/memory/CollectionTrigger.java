package io.gyre.dl4j.memory;

/**
 * Decides when to ask the JVM for a collection of garbage, since native memory has no other way back.
 *
 * <p>The JVM collects when its heap is full, which says nothing of the native memory of arrays that it has not found dead yet. This
 * class asks once as much native memory was allocated as half of what is in use, at least the limit. Times in nanoseconds, memory in
 * bytes.
 */
final class CollectionTrigger {

    /** A collection may take one part in so many of the time... */
    private static final long PARTS = 100;

    /** ...unless twice the limit has been reached. */
    private static final long PARTS_WHEN_URGENT = 4;

    private final long limit;
    private long floor = Long.MAX_VALUE;
    private long grown;
    private long allowed = Long.MIN_VALUE;
    private long allowedWhenUrgent = Long.MIN_VALUE;
    private boolean settling;

    CollectionTrigger(long limit) {
        this.limit = limit;
    }

    /** Says how much native memory there is: in use, unreachable, and waiting. */
    void measured(long bytes) {
        floor = Math.min(floor, bytes);
        grown = bytes - floor;
    }

    private long budget() {
        return Math.max(limit, floor / 2);
    }

    /** Whether so much has gathered that dead memory should go as soon as it can. */
    boolean pressing() {
        return grown > budget() / 2;
    }

    /** Whether more has gathered than should. */
    boolean overdrawn() {
        return grown > budget();
    }

    /** Whether to ask for a collection now. */
    boolean due(long now) {
        if (settling || !overdrawn()) {
            return false;
        }
        return now >= allowed || (grown > 2 * budget() && now >= allowedWhenUrgent);
    }

    /** Says that a collection was asked for, and when. What it finds is to be freed before the next. */
    void asked(long begin, long end) {
        allowed = end + PARTS * (end - begin);
        allowedWhenUrgent = end + PARTS_WHEN_URGENT * (end - begin);
        settling = true;
    }

    /** Says that what the collection found has been freed, and how much memory is left: that is in use. */
    void settled(long bytes) {
        settling = false;
        floor = bytes;
        grown = 0;
    }

    boolean isSettling() {
        return settling;
    }
}
