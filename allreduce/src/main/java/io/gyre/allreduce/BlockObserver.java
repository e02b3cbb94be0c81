package io.gyre.allreduce;

import java.nio.ByteBuffer;

/**
 * Sees what a rank adds up, block by block while it is in the first-level cache: for checks that would otherwise read
 * all of it once more.
 *
 * <dl>
 *   <dt>Order
 *   <dd>Blocks come in ascending order and cover the rank's chunk. For each, {@link #read} comes once for each rank, in
 *       any order, and then {@link #reduced}.
 *   <dt>Threading
 *   <dd>The thread that calls the collective. Others may read the same memory meanwhile, and nobody writes it.
 *   <dt>Ownership
 *   <dd>Buffers are direct and in native order. They are not to be written, nor are their positions and limits.
 * </dl>
 */
public interface BlockObserver {

    /** A block of a rank is about to be added. */
    void read(int rank, ByteBuffer memory, int offset, int byteLength);

    /** A block of the result. */
    void reduced(ByteBuffer memory, int offset, int byteLength);
}
