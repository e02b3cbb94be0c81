package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.kernel.Kernels;
import io.gyre.memory.MemoryBox;
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
 * <p>Every operation is one or several meetings at the {@link MeetingPoint}, and what the ranks do between them:
 *
 * <ol>
 *   <li>A rank <em>begins</em>: its data are complete, and the others may access them.
 *   <li>When all have begun the same operation, each rank works: it reads the data of the others, and writes the part
 *       of the result that is its own to compute. No two ranks write to the same element, and none reads an element
 *       that another writes.
 *   <li>A rank <em>finishes</em>: it no longer accesses the data of others. When all have finished, the call returns,
 *       and the caller may write to its data again.
 * </ol>
 *
 * <p>Short all-reduces and barriers have no third point: what the ranks read is in the meeting point itself, which
 * keeps it until all have begun the next operation. How data are accessed depends on where they are, which is the only
 * choice of this class: {@link InPlaceOperations} for a vector that all ranks have mapped, otherwise
 * {@link StagedOperations}. All ranks must make the same choice, so the number of the vector is part of what they
 * compare when they meet.
 *
 * <p>During an operation, data, meeting point and mapped vectors are entered, so that no other thread can close them.
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

    private final Endpoint endpoint;
    private final World world;
    private final MeetingPoint meeting;
    private final ShortAllReduce shortAllReduce;
    private final DirectAllReduce directAllReduce;
    private final DirectCopy directCopy;
    private final List<InPlaceOperations> vectors = new CopyOnWriteArrayList<>();
    private final StagedOperations staged;
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
        meeting = new MeetingPoint(endpoint);
        shortAllReduce = new ShortAllReduce(meeting, world, kernels);
        directAllReduce = new DirectAllReduce(meeting, world, kernels);
        directCopy = new DirectCopy(meeting, world);
        try {
            staged = new StagedOperations(endpoint.boxes(), world, shortAllReduce, directAllReduce, directCopy);
        } catch (RuntimeException e) {
            meeting.close();
            throw e;
        }
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
        MappedVector vector = MappedVector.around(own, unused, allocated, endpoint.boxes(), world, this::forget);
        vectors.add(new InPlaceOperations(vector, shortAllReduce, directAllReduce, directCopy));
        return vector;
    }

    /**
     * Allocates memory of which there is one copy for all ranks, zeroed: rank 0 creates it, and the others map it. All
     * ranks call it together, with the same arguments, and each closes what it gets. It is not for data that the ranks
     * reduce: those are different.
     *
     * @return null on all ranks if there is no room for it
     */
    public @Nullable MemoryBox allocateOnce(String name, long byteLength) {
        String unused = endpoint.boxes().newName(name);
        MemoryBox created = null;
        if (world.isRoot()) {
            try {
                created = endpoint.boxes().create(unused, byteLength);
            } catch (GyreException e) {
                LOG.warn("no memory is shared for '{}': {}", name, e.getMessage());
            }
        }
        flag.putDouble(0, world.isRoot() && created == null ? 0 : 1);
        allReduce(flag, ElementType.FLOAT64, ReduceOp.MIN, 0, -1);
        if (flag.getDouble(0) == 0) {
            return null;
        }
        return created != null ? created : endpoint.boxes().attach(0, unused, byteLength);
    }

    @SuppressWarnings("ReferenceEquality") // The same vector, not an equal one.
    private void forget(MappedVector closed) {
        vectors.removeIf(operations -> operations.vector() == closed);
    }

    /** Creates a box for a vector; null if there is no room, which only makes operations slower. */
    private @Nullable MemoryBox tryCreate(String name, long byteLength) {
        try {
            return endpoint.boxes().create(name, byteLength);
        } catch (GyreException e) {
            LOG.warn("rank {}: '{}' will be copied for every operation: {}", world.rank(), name, e.getMessage());
            return null;
        }
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        Elements.check(data, type);
        enter(data, "all-reduce");
        try {
            if (world.size() > 1) {
                meeting.start("all-reduce (direct)", step, bucket);
                operationsOn(data).allReduce(data, type, op);
            }
        } finally {
            exit(data);
        }
    }

    @Override
    public void reduceScatter(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        Elements.check(data, type);
        enter(data, "reduce-scatter");
        try {
            if (world.size() > 1) {
                meeting.start("reduce-scatter (direct)", step, bucket);
                operationsOn(data).reduceScatter(data, type, op);
            }
        } finally {
            exit(data);
        }
    }

    /**
     * As {@link #reduceScatter(Region, ElementType, ReduceOp, long, int)}, and shows each block that this rank reads or
     * computes to an observer.
     *
     * @param data a vector from {@link #allocate}, or a part of one, in which the ranks reduce in place
     */
    public void reduceScatter(
            Region data, ElementType type, ReduceOp op, long step, int bucket, BlockObserver observer) {
        Elements.check(data, type);
        enter(data, "reduce-scatter");
        try {
            if (world.size() == 1 || !(operationsOn(data) instanceof InPlaceOperations inPlace)) {
                throw new IllegalArgumentException(data + " is not a vector in which several ranks reduce in place");
            }
            meeting.start("reduce-scatter (direct)", step, bucket);
            inPlace.reduceScatter(data, type, op, observer);
        } finally {
            exit(data);
        }
    }

    /** Whether the ranks reduce these data where they are, without copies. */
    public boolean reducesInPlace(Region data) {
        return world.size() > 1 && operationsOn(data) instanceof InPlaceOperations;
    }

    @Override
    public void allGather(Region data, ElementType type, long step, int bucket) {
        Elements.check(data, type);
        enter(data, "all-gather");
        try {
            if (world.size() > 1) {
                meeting.start("all-gather (direct)", step, bucket);
                operationsOn(data).allGather(data, type);
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
                operationsOn(data).broadcast(data, root);
            }
        } finally {
            exit(data);
        }
    }

    /** The operations for the memory that the data are in. */
    private DirectOperations operationsOn(Region data) {
        for (int i = 0; i < vectors.size(); i++) {
            InPlaceOperations inPlace = vectors.get(i);
            if (inPlace.contains(data)) {
                return inPlace;
            }
        }
        return staged;
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
        for (InPlaceOperations operations : vectors) {
            operations.vector().close();
        }
        staged.close();
        meeting.close();
    }
}
