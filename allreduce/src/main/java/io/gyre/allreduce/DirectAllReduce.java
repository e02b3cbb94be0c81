package io.gyre.allreduce;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * All-reduce of a vector in shared memory, without messages: rank r reads part r of every rank's vector, reduces them,
 * and writes the result to all of them.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>Two meetings. For N ranks and S bytes, each rank reads S bytes and writes S bytes. There are no intermediate
 *       copies: the host moves 2NS bytes, the minimum for an all-reduce in place.
 *   <dt>Blocks
 *   <dd>A part is processed in blocks that stay in the first-level cache from the first read to the last write.
 *   <dt>Result
 *   <dd>In place, and bit-identical on every rank, since each element is computed once. Elements are reduced in rank
 *       order, so the result does not depend on how a vector is divided into buckets.
 * </dl>
 *
 * <p>After Hashmi, Chakraborty, Bayatpour, Subramoni and Panda, <i>Designing Efficient Shared Address Space Reduction
 * Collectives for Multi-/Many-cores</i>, IPDPS 2018.
 */
final class DirectAllReduce {

    /**
     * One block of each of two vectors fits in a first-level cache, and OpenBLAS starts no threads for so few elements.
     */
    private static final int BLOCK_BYTES = 16 << 10;

    /** Parts are aligned to this, so that no two ranks write to the same cache line. */
    private static final int LINE_BYTES = 64;

    private final MeetingPoint meeting;
    private final World world;
    private final Kernels kernels;
    private final ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES).order(ByteOrder.nativeOrder());

    DirectAllReduce(MeetingPoint meeting, World world, Kernels kernels) {
        this.meeting = meeting;
        this.world = world;
        this.kernels = kernels;
    }

    /**
     * Reduces a range of a vector.
     *
     * @param at start of the range in the vector, in bytes
     * @param whole length of the caller's whole operation, of which this range may be a part, in bytes
     */
    void run(MappedVector vector, long at, long bytes, ElementType type, ReduceOp op, long whole) {
        meeting.begin(MeetingPoint.Call.ALL_REDUCE, type, op, whole, vector.number(), at);
        meeting.awaitBegun();
        long lines = (bytes + LINE_BYTES - 1) / LINE_BYTES;
        long from = Math.min(bytes, Chunk.offset(world.rank(), world.size(), lines) * LINE_BYTES);
        long to = Math.min(bytes, Chunk.offset(world.rank() + 1, world.size(), lines) * LINE_BYTES);
        combine(vector, at + from, at + to, type, op, true, null);
        meeting.finish();
    }

    /**
     * Reduces this rank's chunk of a range, and leaves the result on this rank only.
     *
     * @param observer sees what is reduced; null for none
     */
    void runReduceScatter(
            MappedVector vector, long at, long bytes, ElementType type, ReduceOp op, @Nullable BlockObserver observer) {
        meeting.begin(MeetingPoint.Call.REDUCE_SCATTER, type, op, bytes, vector.number(), at);
        meeting.awaitBegun();
        long elements = bytes / type.bytes();
        long from = Chunk.offset(world.rank(), world.size(), elements) * type.bytes();
        long to = Chunk.offset(world.rank() + 1, world.size(), elements) * type.bytes();
        combine(vector, at + from, at + to, type, op, false, observer);
        meeting.finish();
    }

    private void combine(
            MappedVector vector,
            long from,
            long to,
            ElementType type,
            ReduceOp op,
            boolean everywhere,
            @Nullable BlockObserver observer) {
        Region own = vector.of(world.rank());
        for (long done = from; done < to; ) {
            int n = own.contiguous(done, Math.min(BLOCK_BYTES, to - done));
            if (observer != null) {
                for (int rank = 0; rank < world.size(); rank++) {
                    Region each = vector.of(rank);
                    observer.read(rank, each.window(done), each.windowOffset(done), n);
                }
            }
            if (world.size() == 2) {
                combineTwo(own, vector.of(1 - world.rank()), done, n, type, op, everywhere);
            } else {
                combineAll(vector, done, n, type, op, everywhere);
            }
            if (observer != null) {
                observer.reduced(own.window(done), own.windowOffset(done), n);
            }
            done += n;
        }
        meeting.moved((world.size() - 1L) * (to - from) * (everywhere ? 2 : 1));
    }

    /** Addition commutes, so the sum can be taken in place. */
    private void combineTwo(
            Region own, Region other, long at, int n, ElementType type, ReduceOp op, boolean everywhere) {
        ByteBuffer ownWindow = own.window(at);
        ByteBuffer otherWindow = other.window(at);
        int ownOffset = own.windowOffset(at);
        int otherOffset = other.windowOffset(at);
        kernels.reduce(op, type, ownWindow, ownOffset, otherWindow, otherOffset, n);
        if (everywhere) {
            otherWindow.put(otherOffset, ownWindow, ownOffset, n);
        }
    }

    private void combineAll(MappedVector vector, long at, int n, ElementType type, ReduceOp op, boolean everywhere) {
        block.put(0, vector.of(0).window(at), vector.of(0).windowOffset(at), n);
        for (int rank = 1; rank < world.size(); rank++) {
            Region from = vector.of(rank);
            kernels.reduce(op, type, block, 0, from.window(at), from.windowOffset(at), n);
        }
        for (int rank = 0; rank < world.size(); rank++) {
            if (everywhere || rank == world.rank()) {
                Region to = vector.of(rank);
                to.window(at).put(to.windowOffset(at), block, 0, n);
            }
        }
    }
}
