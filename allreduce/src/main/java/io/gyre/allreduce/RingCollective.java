package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.kernel.Kernels;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.openblas.FastKernels;

/**
 * All collectives by message passing on a ring. Works on any network, and is the best that messages can do for long
 * vectors. Short all-reduces in worlds of up to 4 ranks go directly between all pairs.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>For N ranks and S bytes, an all-reduce sends 2S(N-1)/N bytes per rank, in 2(N-1) pipelined hops, and reduces in
 *       place, without extra memory. {@code docs/algorithms.md} lists the other operations.
 *   <dt>Allocation
 *   <dd>None after the first call of each operation, apart from what the endpoint allocates.
 *   <dt>Threading
 *   <dd>Used by the thread that owns the endpoint. Several collectives may take turns on one endpoint or on its groups.
 *   <dt>Failure
 *   <dd>See {@link Collective}. Invalid arguments fail with {@link IllegalArgumentException} before anything is sent.
 * </dl>
 */
public final class RingCollective implements Collective {

    private final World world;
    private final RingAllReduce ringAllReduce;
    private final OneShotAllReduce oneShotAllReduce;
    private final RingReduceScatter reduceScatter;
    private final RingAllGather allGather;
    private final PipelinedRingBroadcast broadcast;
    private final DisseminationBarrier barrier;

    /**
     * Creates the collectives of one rank, with the kernels that {@link FastKernels} chooses.
     *
     * @param endpoint borrowed, not closed
     */
    public RingCollective(Endpoint endpoint) {
        this(endpoint, FastKernels.choose());
    }

    /**
     * Creates the collectives of one rank.
     *
     * @param endpoint borrowed, not closed
     * @param kernels used by this rank only
     */
    public RingCollective(Endpoint endpoint, Kernels kernels) {
        world = endpoint.world();
        RingPass ring = new RingPass(endpoint, kernels);
        ringAllReduce = new RingAllReduce(ring);
        oneShotAllReduce = new OneShotAllReduce(endpoint, kernels);
        reduceScatter = new RingReduceScatter(ring);
        allGather = new RingAllGather(ring);
        broadcast = new PipelinedRingBroadcast(endpoint);
        barrier = new DisseminationBarrier(endpoint);
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        Elements.check(data, type);
        data.enter("all-reduce");
        try {
            if (world.size() == 1) {
                return;
            }
            if (OneShotAllReduce.suits(world.size(), data.byteLength())) {
                oneShotAllReduce.run(data, type, op, step, bucket);
            } else {
                ringAllReduce.run(data, type, op, step, bucket);
            }
        } finally {
            data.exit();
        }
    }

    @Override
    public void reduceScatter(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        Elements.check(data, type);
        data.enter("reduce-scatter");
        try {
            if (world.size() > 1) {
                reduceScatter.run(data, type, op, step, bucket);
            }
        } finally {
            data.exit();
        }
    }

    @Override
    public void allGather(Region data, ElementType type, long step, int bucket) {
        Elements.check(data, type);
        data.enter("all-gather");
        try {
            if (world.size() > 1) {
                allGather.run(data, type, step, bucket);
            }
        } finally {
            data.exit();
        }
    }

    @Override
    public void broadcast(Region data, int root, long step, int bucket) {
        world.checkRank(root);
        data.enter("broadcast");
        try {
            if (world.size() > 1) {
                broadcast.run(data, root, step, bucket);
            }
        } finally {
            data.exit();
        }
    }

    @Override
    public void barrier(long step) {
        barrier.run(step);
    }

    /** Private memory: messages gain nothing from shared memory. */
    @Override
    public MemoryBox allocate(String name, long byteLength) {
        return MemoryBox.ofOneRank(name, byteLength);
    }

    @Override
    public void close() {
        // The network belongs to the endpoint.
    }
}
