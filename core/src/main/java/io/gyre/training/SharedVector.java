package io.gyre.training;

import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.memory.Region;

/**
 * A vector that all ranks read and add to, as one of them sees it.
 *
 * <dl>
 *   <dt>Shape
 *   <dd>All regions are as long as the vector.
 *   <dt>Threading
 *   <dd>One thread at a time.
 *   <dt>Failure
 *   <dd>{@link PeerLostException} if the vector is gone with a rank that held it, {@link PeerTimeoutException} if that
 *       does not answer.
 * </dl>
 */
public interface SharedVector {

    /** Puts the root's values there, and gives them to everybody. All ranks call it together. */
    void start(Region values);

    /**
     * Memory into which it is best read, as long as whoever has made this vector. All that see it as one call this
     * together.
     */
    default Region allocate(long byteLength) {
        return Region.allocate("copy of a shared vector", byteLength);
    }

    /** Copies it to {@code into}. */
    void read(Region into);

    /**
     * Begins to copy it to {@code into}, which nobody may touch until {@link #awaitRead}. What was added by this rank
     * before is in it. One read at a time.
     */
    default void beginRead(Region into) {
        read(into);
    }

    /** Waits for the end of what {@link #beginRead} has begun. */
    default void awaitRead() {}

    /**
     * Begins to add {@code delta}, which must stay as it is until {@link #awaitAccumulate}. Happens once, and loses
     * nothing.
     */
    void beginAccumulate(Region delta);

    /** Waits for the end of what {@link #beginAccumulate} has begun. */
    void awaitAccumulate();

    /**
     * Waits until all ranks have called this, but for those that have died, and copies what has come of it to {@code
     * into}.
     */
    void finish(Region into);
}
