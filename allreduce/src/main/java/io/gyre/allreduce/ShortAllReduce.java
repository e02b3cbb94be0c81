package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;

/**
 * All-reduce of a short vector in shared memory: every rank publishes a copy of its vector, and each rank reduces all
 * copies itself.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>One meeting, against two for {@link DirectAllReduce}; each rank reads the vectors of all.
 *   <dt>Result
 *   <dd>In place, and bit-identical on every rank: all reduce in rank order.
 * </dl>
 */
final class ShortAllReduce {

    /** Longest vector: the capacity of a slot. */
    static final int MAX_BYTES = MeetingPoint.SLOT_BYTES;

    /**
     * Longest vector that is already in shared memory; a longer one is reduced in place. With two ranks on two cores,
     * in place is faster from 2 KB on. With four, for which a second meeting costs more, it is slower at 2 KB and
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
            // Addition commutes, so there is no need to begin with rank 0.
            kernels.reduce(op, type, data, 0, meeting.slot(1 - world.rank()), at, bytes);
            return;
        }
        data.copyFrom(0, meeting.slot(0), at, bytes);
        for (int rank = 1; rank < world.size(); rank++) {
            kernels.reduce(op, type, data, 0, meeting.slot(rank), at, bytes);
        }
    }
}
