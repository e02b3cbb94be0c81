package io.gyre.dl4j.memory;

/**
 * Decides when to ask the JVM for a garbage collection, the only way to reclaim native memory.
 *
 * <p>The JVM collects when its heap is full, which says nothing about the native memory of unreachable arrays. This
 * class asks once native memory has grown by half of what is in use, at least by a limit, and spends at most a
 * hundredth of the time on it until memory becomes short. Times are in nanoseconds, memory in bytes.
 */
final class CollectionTrigger {

    /** Collections may take one part in this many of the time... */
    private static final long PARTS = 100;

    /** ...or in this many once memory is short. */
    private static final long PARTS_WHEN_SHORT = 4;

    private final long limit;
    private final long shortage;
    private long floor = Long.MAX_VALUE;
    private long grown;
    private long allowed = Long.MIN_VALUE;
    private long allowedWhenShort = Long.MIN_VALUE;
    private boolean settling;
    private long leftOver;

    /**
     * Creates it.
     *
     * @param limit growth below which no collection is requested
     * @param shortage growth from which memory counts as short, if it is more than twice what is allowed
     */
    CollectionTrigger(long limit, long shortage) {
        this.limit = limit;
        this.shortage = shortage;
    }

    /** Reports how much native memory there is: in use, unreachable, and waiting. */
    void measured(long bytes) {
        floor = Math.min(floor, bytes);
        grown = bytes - floor;
    }

    private long budget() {
        return Math.max(limit, floor / 2);
    }

    /** Whether so much has accumulated that unreachable memory should be freed as soon as possible. */
    boolean pressing() {
        return grown > budget() / 2;
    }

    /** Whether so much has accumulated that memory may run out. */
    boolean isShort() {
        return grown > Math.max(2 * budget(), shortage);
    }

    /** Whether to ask for a collection now. */
    boolean due(long now) {
        if (settling || grown <= budget()) {
            return false;
        }
        return now >= (isShort() ? allowedWhenShort : allowed);
    }

    /** Reports that a collection was requested, and when. What it finds must be freed before the next request. */
    void asked(long begin, long end) {
        allowed = end + PARTS * (end - begin);
        allowedWhenShort = end + PARTS_WHEN_SHORT * (end - begin);
        settling = true;
        leftOver = floor + grown;
    }

    /** Reports that this much memory was freed. */
    void freed(long bytes) {
        leftOver -= bytes;
    }

    /**
     * Reports that everything the collection found has been freed: the rest was in use, and later allocations count as
     * growth.
     */
    void settled(long bytes) {
        settling = false;
        floor = Math.max(0, Math.min(leftOver, bytes));
        grown = bytes - floor;
    }

    boolean isSettling() {
        return settling;
    }
}
