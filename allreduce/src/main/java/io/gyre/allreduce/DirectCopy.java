package io.gyre.allreduce;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.World;
import io.gyre.memory.Region;

/**
 * All-gather and broadcast of vectors in shared memory: every rank copies what it lacks directly from its owner.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>Two meetings, and one copy of the data received.
 * </dl>
 */
final class DirectCopy {

    private final MeetingPoint meeting;
    private final World world;

    DirectCopy(MeetingPoint meeting, World world) {
        this.meeting = meeting;
        this.world = world;
    }

    void runAllGather(MappedVector vector, long at, long bytes, ElementType type) {
        meeting.begin(MeetingPoint.Call.ALL_GATHER, type, null, bytes, vector.number(), at);
        meeting.awaitBegun();
        long elements = bytes / type.bytes();
        for (int turn = 1; turn < world.size(); turn++) {
            // Each rank starts at its right neighbour, so that they do not all read from rank 0 first.
            int peer = (world.rank() + turn) % world.size();
            long from = Chunk.offset(peer, world.size(), elements) * type.bytes();
            long to = Chunk.offset(peer + 1, world.size(), elements) * type.bytes();
            vector.of(world.rank()).copyFrom(at + from, vector.of(peer), at + from, to - from);
            meeting.moved(to - from);
        }
        meeting.finish();
    }

    /**
     * Copies from the root's shared memory to any memory of the other ranks.
     *
     * @param from where the data begin in the root's vector
     * @param target receives the data on the other ranks, from {@code at}
     * @param whole length of the caller's whole broadcast, of which this may be a part
     */
    void runBroadcast(MappedVector vector, long from, Region target, long at, long bytes, int root, long whole) {
        meeting.begin(MeetingPoint.Call.BROADCAST, null, null, whole, vector.number(), at + ((long) root << 48));
        meeting.awaitBegun();
        if (world.rank() != root) {
            target.copyFrom(at, vector.of(root), from, bytes);
            meeting.moved(bytes);
        }
        meeting.finish();
    }
}
