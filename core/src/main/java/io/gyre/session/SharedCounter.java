package io.gyre.session;

/**
 * A counter shared by all ranks, as one of them sees it. In one JVM an {@code AtomicLong} will do.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread at a time on each rank.
 * </dl>
 */
@FunctionalInterface
public interface SharedCounter {

    /** Adds atomically among all ranks, and returns the previous value. */
    long getAndAdd(long delta);
}
