package io.gyre.network;

import io.gyre.Chunk;
import io.gyre.DisagreementException;
import io.gyre.ElementType;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;

/**
 * Operations that all ranks of a world call together, in the same order, with the same arguments except for the data.
 *
 * <dl>
 *   <dt>Shape
 *   <dd>Regions hold whole elements and are equally long on every rank; length 0 is allowed. Chunk {@code r} of a
 *       region is the part that {@link Chunk#of} gives rank {@code r}.
 *   <dt>Result
 *   <dd>In place, and bit-identical on all ranks. If one rank has a NaN, all have one, perhaps with another payload.
 *   <dt>Threading
 *   <dd>One thread at a time. Calls block until this rank's part is done: its result is complete, and what its peers
 *       still need from it has been sent.
 *   <dt>Failure
 *   <dd>{@link PeerLostException}, {@link PeerTimeoutException}, {@link DisagreementException}; the region then holds
 *       partial results, and the collective can no longer be used.
 * </dl>
 *
 * <p>{@code step} and {@code bucket} are sent with every frame, compared on arrival and named in errors.
 */
public interface Collective extends AutoCloseable {

    /** The world of this collective. */
    World world();

    /**
     * Allocates memory for which this collective is fastest: shared by the ranks of a host, if it can use that. All
     * ranks call it together, with the same arguments. Any other memory works too.
     *
     * @param name its purpose
     * @param byteLength the same on all ranks
     */
    MemoryBox allocate(String name, long byteLength);

    /** Reduces the data of all ranks and leaves the result on all of them. */
    void allReduce(Region data, ElementType type, ReduceOp op, long step, int bucket);

    /** Reduces the data of all ranks; afterwards chunk {@code rank} is complete, and the other chunks are undefined. */
    void reduceScatter(Region data, ElementType type, ReduceOp op, long step, int bucket);

    /** Gives every rank the chunks that the others own. */
    void allGather(Region data, ElementType type, long step, int bucket);

    /** Copies the root's data to all ranks. */
    void broadcast(Region data, int root, long step, int bucket);

    /** Returns when all ranks have called it. */
    void barrier(long step);

    /**
     * Frees the memory that this collective has shared, including {@link #allocate}d vectors; does not close the
     * endpoint.
     */
    @Override
    void close();
}
