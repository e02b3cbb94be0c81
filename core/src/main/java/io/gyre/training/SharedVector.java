package io.gyre.training;

import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.memory.Region;
import org.jspecify.annotations.Nullable;

/**
 * A vector that all ranks read and add to, as one of them sees it.
 *
 * <dl>
 *   <dt>Shape
 *   <dd>All regions are as long as the vector.
 *   <dt>Threading
 *   <dd>One thread at a time.
 *   <dt>Failure
 *   <dd>{@link PeerLostException} if the vector is lost with a rank that held it, {@link PeerTimeoutException} if that
 *       rank does not reply.
 * </dl>
 */
public interface SharedVector {

    /** Copies the root's values to the vector, and from there to all ranks. All ranks call it together. */
    void start(Region values);

    /**
     * Begins to exchange, or continues after {@link #finish}. All ranks call it together. By default nothing has to be
     * done for that.
     */
    default void resume() {}

    /**
     * Allocates memory into which the vector is read fastest, valid for the lifetime of the vector's creator. All ranks
     * that share this view call it together.
     */
    default Region allocate(long byteLength) {
        return Region.allocate("copy of a shared vector", byteLength);
    }

    /** Copies the vector to {@code into}. */
    void read(Region into);

    /**
     * Starts to copy the vector to {@code into}, which must not be touched until {@link #awaitRead}. It contains
     * everything that this rank has added before. One read at a time.
     */
    default void beginRead(Region into) {
        read(into);
    }

    /** Waits for the read that {@link #beginRead} has started. */
    default void awaitRead() {}

    /** Starts to add {@code delta}, which must not change until {@link #awaitAccumulate}. It is added exactly once. */
    void beginAccumulate(Region delta);

    /** Waits for the addition that {@link #beginAccumulate} has started. */
    void awaitAccumulate();

    /** Waits until all ranks except lost ones have called this, and copies the final vector to {@code into}. */
    void finish(Region into);

    /** What a checkpoint saves of it; null if it cannot be saved. */
    default @Nullable ServerState serverState() {
        return null;
    }
}
