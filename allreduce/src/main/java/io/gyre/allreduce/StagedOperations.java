package io.gyre.allreduce;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import io.gyre.memory.Region;

/**
 * Operations on data that other ranks cannot see: they are copied piece by piece through the <em>stage</em>, a shared
 * vector that fits in a cache.
 *
 * <p>The next piece overwrites the stage only after all ranks have finished with this one: each piece is an operation
 * of its own, with both meetings.
 */
final class StagedOperations implements DirectOperations, AutoCloseable {

    /** What a second-level cache can hold next to the data that are read and written. */
    private static final int STAGE_BYTES = 512 << 10;

    /** Number of the stage; vectors are numbered from 1. */
    private static final int STAGE = 0;

    private final World world;
    private final MappedVector stage;
    private final ShortAllReduce shortAllReduce;
    private final DirectAllReduce directAllReduce;
    private final DirectCopy directCopy;

    /** Maps the stages of all ranks, which must call it together. */
    StagedOperations(
            MemoryBoxes boxes,
            World world,
            ShortAllReduce shortAllReduce,
            DirectAllReduce directAllReduce,
            DirectCopy directCopy) {
        this.world = world;
        this.shortAllReduce = shortAllReduce;
        this.directAllReduce = directAllReduce;
        this.directCopy = directCopy;
        String name = boxes.newName("stage");
        MemoryBox own = boxes.create(name, STAGE_BYTES);
        stage = MappedVector.around(own, name, STAGE, boxes, world, closed -> {});
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op) {
        if (data.byteLength() <= ShortAllReduce.MAX_BYTES) {
            shortAllReduce.run(data, type, op);
        } else {
            allReducePieces(data, type, op);
        }
    }

    /** An all-reduce: after a reduce-scatter, the chunks of the other ranks are undefined. */
    @Override
    public void reduceScatter(Region data, ElementType type, ReduceOp op) {
        allReducePieces(data, type, op);
    }

    private void allReducePieces(Region data, ElementType type, ReduceOp op) {
        stage.enter();
        try {
            for (long done = 0; done < data.byteLength(); ) {
                int n = (int) Math.min(STAGE_BYTES, data.byteLength() - done);
                stage.region().copyFrom(0, data, done, n);
                directAllReduce.run(stage, 0, n, type, op, data.byteLength());
                data.copyFrom(done, stage.region(), 0, n);
                done += n;
            }
        } finally {
            stage.exit();
        }
    }

    /** Each rank in turn broadcasts its chunk. */
    @Override
    public void allGather(Region data, ElementType type) {
        long elements = data.byteLength() / type.bytes();
        for (int owner = 0; owner < world.size(); owner++) {
            long from = Chunk.offset(owner, world.size(), elements) * type.bytes();
            long to = Chunk.offset(owner + 1, world.size(), elements) * type.bytes();
            broadcastPieces(data, from, to - from, owner);
        }
    }

    @Override
    public void broadcast(Region data, int root) {
        broadcastPieces(data, 0, data.byteLength(), root);
    }

    private void broadcastPieces(Region data, long from, long bytes, int root) {
        stage.enter();
        try {
            long done = 0;
            do {
                int n = (int) Math.min(STAGE_BYTES, bytes - done);
                if (world.rank() == root) {
                    stage.region().copyFrom(0, data, from + done, n);
                }
                directCopy.runBroadcast(stage, 0, data, from + done, n, root, data.byteLength());
                done += n;
            } while (done < bytes);
        } finally {
            stage.exit();
        }
    }

    @Override
    public void close() {
        stage.close();
    }
}
