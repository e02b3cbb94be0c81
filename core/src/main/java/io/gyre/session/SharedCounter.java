package io.gyre.session;

/**
 * A number with which all ranks count, as one of them sees it. In one JVM an {@code AtomicLong} will do.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread at a time on each rank.
 * </dl>
 */
@FunctionalInterface
public interface SharedCounter {

    /** Adds to it, in one step for all ranks, and returns what it was before. */
    long getAndAdd(long delta);
}
