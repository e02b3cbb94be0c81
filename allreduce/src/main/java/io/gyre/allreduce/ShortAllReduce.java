package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;

/**
 * All-reduce of a short vector in shared memory: every rank lays a copy of its vector out for the others, and all of
 * them combine all copies themselves.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>One meeting, against two of {@link DirectAllReduce}; each rank reads the vectors of all.
 *   <dt>Result
 *   <dd>In place, and bit-identical on every rank: all combine in the order of ranks.
 * </dl>
 */
final class ShortAllReduce {

    /** Longest vector: what a meeting has room for. */
    static final int MAX_BYTES = MeetingPoint.SLOT_BYTES;

    /**
     * Longest vector that is in shared memory already. A longer one is combined where it lies: with two ranks on two
     * cores that is faster from 2 KB on; with four, to which a second meeting costs more, it is slower at 2 KB and
     * faster at 16 KB.
     */
    static final int MAX_SHARED_BYTES = 2 << 10;

    private final MeetingPoint meeting;
    private final World world;
    private final Kernels kernels;

    ShortAllReduce(MeetingPoint meeting, World world, Kernels kernels) {
        this.meeting = meeting;
        this.world = world;
        this.kernels = kernels;
    }

    void run(Region data, ElementType type, ReduceOp op) {
        int bytes = (int) data.byteLength();
        data.copyTo(0, meeting.slot(), meeting.nextSlotOffset(), bytes);
        meeting.begin(MeetingPoint.Call.SHORT_ALL_REDUCE, type, op, bytes, 0, 0);
        meeting.awaitBegun();
        meeting.moved((world.size() - 1L) * bytes);
        int at = meeting.slotOffset();
        if (world.size() == 2) {
            // a + b is b + a: no need to begin with rank 0.
            kernels.reduce(op, type, data, 0, meeting.slot(1 - world.rank()), at, bytes);
            return;
        }
        data.copyFrom(0, meeting.slot(0), at, bytes);
        for (int rank = 1; rank < world.size(); rank++) {
            kernels.reduce(op, type, data, 0, meeting.slot(rank), at, bytes);
        }
    }
}
