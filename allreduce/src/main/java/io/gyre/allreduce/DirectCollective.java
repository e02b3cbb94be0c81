package io.gyre.allreduce;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.kernel.Kernels;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.openblas.FastKernels;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All collectives in shared memory, without messages, for the ranks of one host. Vectors from {@link #allocate} are
 * reduced in place; others are copied through shared memory that fits in a cache.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>See {@link DirectAllReduce} and {@link ShortAllReduce}; {@code docs/algorithms.md} lists all operations.
 *   <dt>Result
 *   <dd>Sums are taken in rank order: they do not depend on lengths, buckets or where the memory is.
 *   <dt>Allocation
 *   <dd>None after the first call of each operation.
 *   <dt>Threading
 *   <dd>Used by the thread that owns the endpoint.
 *   <dt>Failure
 *   <dd>See {@link Collective}. The memory of a lost rank stays valid for the ranks that have mapped it: nobody touches
 *       freed memory.
 * </dl>
 */
public final class DirectCollective implements Collective {

    private static final Logger LOG = LoggerFactory.getLogger(DirectCollective.class);

    /** What a second-level cache can hold next to the data that are read and written. */
    private static final int STAGE_BYTES = 512 << 10;

    /** Number of the stage; vectors are numbered from 1. */
    private static final int STAGE = 0;

    private final Endpoint endpoint;
    private final World world;
    private final MeetingPoint meeting;
    private final ShortAllReduce shortAllReduce;
    private final DirectAllReduce directAllReduce;
    private final DirectCopy directCopy;
    private final List<MappedVector> vectors = new CopyOnWriteArrayList<>();
    private final MappedVector stage;
    private final Region flag = Region.allocate("whether there is room", Double.BYTES);
    private int allocated;

    /**
     * Creates the collectives of one rank, with the kernels that {@link FastKernels} chooses. All ranks of the world
     * call it together.
     *
     * @param endpoint borrowed, not closed; all its ranks share memory
     */
    public DirectCollective(Endpoint endpoint) {
        this(endpoint, FastKernels.choose());
    }

    /**
     * Creates the collectives of one rank. All ranks of the world call it together.
     *
     * @param endpoint borrowed, not closed; all its ranks share memory
     * @param kernels used by this rank only
     */
    public DirectCollective(Endpoint endpoint, Kernels kernels) {
        this.endpoint = endpoint;
        world = endpoint.world();
        if (endpoint.boxes().ranks().size() != world.size()) {
            throw new IllegalArgumentException("rank " + world.rank() + " of " + world.size()
                    + " shares memory with ranks " + endpoint.boxes().ranks() + " only: use another collective");
        }
        MemoryBoxes boxes = endpoint.boxes();
        meeting = new MeetingPoint(endpoint);
        try {
            String name = boxes.newName("stage");
            MemoryBox own = boxes.create(name, STAGE_BYTES);
            stage = MappedVector.around(own, name, STAGE, boxes, world, closed -> {});
        } catch (RuntimeException e) {
            meeting.close();
            throw e;
        }
        shortAllReduce = new ShortAllReduce(meeting, world, kernels);
        directAllReduce = new DirectAllReduce(meeting, world, kernels);
        directCopy = new DirectCopy(meeting, world);
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public MemoryBox allocate(String name, long byteLength) {
        String unused = endpoint.boxes().newName(name);
        MemoryBox own = tryCreate(unused, byteLength);
        flag.putDouble(0, own == null ? 0 : 1);
        allReduce(flag, ElementType.FLOAT64, ReduceOp.MIN, 0, -1);
        if (own == null || flag.getDouble(0) == 0) {
            if (own != null) {
                own.close();
            }
            return MemoryBox.ofOneRank(name, byteLength);
        }
        allocated++;
        MappedVector vector = MappedVector.around(own, unused, allocated, endpoint.boxes(), world, vectors::remove);
        vectors.add(vector);
        return vector;
    }

    /** Creates a box for a vector; null if there is no room, which only makes operations slower. */
    private @Nullable MemoryBox tryCreate(String name, long byteLength) {
        try {
            return endpoint.boxes().create(name, byteLength);
        } catch (GyreException e) {
            LOG.warn("rank {}: '{}' will be copied for every exchange: {}", world.rank(), name, e.getMessage());
            return null;
        }
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        Elements.check(data, type);
        enter(data, "all-reduce");
        try {
            if (world.size() == 1) {
                return;
            }
            meeting.start("all-reduce (direct)", step, bucket);
            MappedVector vector = vectorOf(data);
            int longestShort = vector == null ? ShortAllReduce.MAX_BYTES : ShortAllReduce.MAX_SHARED_BYTES;
            if (data.byteLength() <= longestShort) {
                shortAllReduce.run(data, type, op);
            } else if (vector != null) {
                allReduceInPlace(vector, data, type, op);
            } else {
                allReduceStaged(data, type, op);
            }
        } finally {
            exit(data);
        }
    }

    private void allReduceInPlace(MappedVector vector, Region data, ElementType type, ReduceOp op) {
        vector.enter();
        try {
            long at = data.offsetIn(vector.region());
            directAllReduce.run(vector, at, data.byteLength(), type, op, data.byteLength());
        } finally {
            vector.exit();
        }
    }

    private void allReduceStaged(Region data, ElementType type, ReduceOp op) {
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

    /** The shared vector that contains the data; null if the data are elsewhere. */
    private @Nullable MappedVector vectorOf(Region data) {
        for (int i = 0; i < vectors.size(); i++) {
            if (data.offsetIn(vectors.get(i).region()) >= 0) {
                return vectors.get(i);
            }
        }
        return null;
    }

    @Override
    public void reduceScatter(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        Elements.check(data, type);
        enter(data, "reduce-scatter");
        try {
            if (world.size() == 1) {
                return;
            }
            meeting.start("reduce-scatter (direct)", step, bucket);
            MappedVector vector = vectorOf(data);
            if (vector == null) {
                // The other ranks' chunks are undefined afterwards, so an all-reduce will do.
                allReduceStaged(data, type, op);
                return;
            }
            vector.enter();
            try {
                directAllReduce.runReduceScatter(vector, data.offsetIn(vector.region()), data.byteLength(), type, op);
            } finally {
                vector.exit();
            }
        } finally {
            exit(data);
        }
    }

    @Override
    public void allGather(Region data, ElementType type, long step, int bucket) {
        Elements.check(data, type);
        enter(data, "all-gather");
        try {
            if (world.size() == 1) {
                return;
            }
            meeting.start("all-gather (direct)", step, bucket);
            MappedVector vector = vectorOf(data);
            if (vector == null) {
                long elements = data.byteLength() / type.bytes();
                for (int owner = 0; owner < world.size(); owner++) {
                    long from = Chunk.offset(owner, world.size(), elements) * type.bytes();
                    long to = Chunk.offset(owner + 1, world.size(), elements) * type.bytes();
                    broadcastStaged(data, from, to - from, owner);
                }
                return;
            }
            vector.enter();
            try {
                directCopy.runAllGather(vector, data.offsetIn(vector.region()), data.byteLength(), type);
            } finally {
                vector.exit();
            }
        } finally {
            exit(data);
        }
    }

    @Override
    public void broadcast(Region data, int root, long step, int bucket) {
        world.checkRank(root);
        enter(data, "broadcast");
        try {
            if (world.size() > 1) {
                meeting.start("broadcast (direct)", step, bucket);
                MappedVector vector = vectorOf(data);
                if (vector == null) {
                    broadcastStaged(data, 0, data.byteLength(), root);
                } else {
                    broadcastInPlace(vector, data, root);
                }
            }
        } finally {
            exit(data);
        }
    }

    private void broadcastInPlace(MappedVector vector, Region data, int root) {
        vector.enter();
        try {
            long at = data.offsetIn(vector.region());
            directCopy.runBroadcast(vector, at, vector.region(), at, data.byteLength(), root, data.byteLength());
        } finally {
            vector.exit();
        }
    }

    private void broadcastStaged(Region data, long from, long bytes, int root) {
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
    public void barrier(long step) {
        meeting.enter();
        try {
            meeting.start("barrier (direct)", step, -1);
            meeting.begin(MeetingPoint.Call.BARRIER, null, null, 0, 0, 0);
            meeting.awaitBegun();
        } finally {
            meeting.exit();
        }
    }

    private void enter(Region data, String operation) {
        data.enter(operation);
        meeting.enter();
    }

    private void exit(Region data) {
        meeting.exit();
        data.exit();
    }

    @Override
    public void close() {
        for (MappedVector vector : vectors) {
            vector.close();
        }
        stage.close();
        meeting.close();
    }
}
