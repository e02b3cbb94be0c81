package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.Kernels;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.openblas.FastKernels;
import org.jspecify.annotations.Nullable;

/**
 * Collectives for several hosts with the same number of ranks each: shared memory inside a host, messages between
 * hosts.
 *
 * <dl>
 *   <dt>All-reduce
 *   <dd>Inside each host, rank i reduces chunk i of the vector. The ranks i of all hosts reduce their chunks on a ring,
 *       all rings at once. Inside each host the chunks are then read back. For S bytes on H hosts with m ranks each, a
 *       rank sends 2(S/m)(H-1)/H bytes to other hosts: a host sends as much as if it were one rank. Vectors of up to 16
 *       KiB are reduced inside each host by all its ranks, then between hosts by all columns alike: one meeting and one
 *       exchange. With a codec, sums of floats are exchanged by {@link CompressedCollective} instead of on rings.
 *   <dt>Broadcast
 *   <dd>From the root along its own column to the other hosts, then inside each host.
 *   <dt>Reduce-scatter, all-gather
 *   <dd>On one ring of all ranks: the chunks are those of the whole world, and training uses neither operation.
 *   <dt>Result
 *   <dd>Bit-identical on every rank: each element is reduced once and read back, or reduced by all columns in the same
 *       order.
 *   <dt>Allocation
 *   <dd>None after the first reduction of each vector.
 *   <dt>Threading, failure
 *   <dd>As {@link RingCollective} and {@link DirectCollective}.
 * </dl>
 *
 * <p>After Jia et al., <i>Highly Scalable Deep Learning Training System with Mixed-Precision</i>, 2018, with parallel
 * rings instead of one leader for each host.
 */
public final class HierarchicalCollective implements Collective {

    private final World world;
    private final Hosts hosts;
    private final int place;
    private final DirectCollective inside;
    private final Collective between;
    private final RingCollective whole;
    private final ChunkSlices chunks;

    /**
     * Creates the collectives of one rank. All ranks of the world call it together.
     *
     * @param endpoint borrowed, not closed
     */
    public HierarchicalCollective(Endpoint endpoint) {
        this(endpoint, Hosts.of(endpoint, new RingCollective(endpoint)), FastKernels.choose(), null);
    }

    /**
     * Creates the collectives of one rank.
     *
     * @param codec of gradients between hosts; null if they are sent as they are
     */
    HierarchicalCollective(Endpoint endpoint, Hosts hosts, Kernels kernels, @Nullable GradientCodec codec) {
        if (hosts.ranksEach() == 0) {
            throw new IllegalArgumentException(
                    "the hosts have different numbers of ranks, " + hosts.ranksByHost() + ": use another collective");
        }
        this.hosts = hosts;
        world = endpoint.world();
        place = hosts.placeOf(world.rank());
        inside = new DirectCollective(endpoint.group(hosts.host(hosts.hostOf(world.rank()))), kernels);
        Endpoint column = endpoint.group(hosts.column(place));
        between =
                codec == null ? new RingCollective(column, kernels) : new CompressedCollective(column, codec, kernels);
        whole = new RingCollective(endpoint, kernels);
        chunks = new ChunkSlices(place, hosts.ranksEach());
    }

    @Override
    public World world() {
        return world;
    }

    /** A memory box that the ranks of this host share. */
    @Override
    public MemoryBox allocate(String name, long byteLength) {
        return inside.allocate(name, byteLength);
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        Elements.check(data, type);
        if (data.byteLength() <= ShortAllReduce.MAX_BYTES) {
            inside.allReduce(data, type, op, step, bucket);
            between.allReduce(data, type, op, step, bucket);
            return;
        }
        data.enter("all-reduce");
        try {
            inside.reduceScatter(data, type, op, step, bucket);
            between.allReduce(chunks.of(data, type), type, op, step, bucket);
            inside.allGather(data, type, step, bucket);
        } finally {
            data.exit();
        }
    }

    @Override
    public void reduceScatter(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        whole.reduceScatter(data, type, op, step, bucket);
    }

    @Override
    public void allGather(Region data, ElementType type, long step, int bucket) {
        whole.allGather(data, type, step, bucket);
    }

    @Override
    public void broadcast(Region data, int root, long step, int bucket) {
        world.checkRank(root);
        int column = hosts.placeOf(root);
        if (place == column) {
            between.broadcast(data, hosts.hostOf(root), step, bucket);
        }
        inside.broadcast(data, column, step, bucket);
    }

    @Override
    public void barrier(long step) {
        inside.barrier(step);
        between.barrier(step);
        inside.barrier(step);
    }

    @Override
    public void close() {
        inside.close();
    }
}
