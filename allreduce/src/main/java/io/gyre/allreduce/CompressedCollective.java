package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.network.Endpoint;
import io.gyre.openblas.FastKernels;

/**
 * Collectives by messages that reduce gradients, the sums of {@link ElementType#FLOAT32}, in the numbers of a
 * {@link GradientCodec}. All other operations and types are exact, as in {@link RingCollective}.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>For N ranks and vectors of E bytes when encoded, an all-reduce of gradients sends 2E(N-1)/N bytes per rank, in
 *       2 hops, for any length.
 *   <dt>Allocation
 *   <dd>None after the first reduction of the longest vector, apart from what the endpoint and the codec allocate.
 *   <dt>Threading, failure
 *   <dd>As {@link RingCollective}.
 * </dl>
 */
public final class CompressedCollective extends DelegatingCollective {

    private final CompressedAllReduce compressed;

    /**
     * Creates the collectives of one rank, with the kernels that {@link FastKernels} chooses.
     *
     * @param endpoint borrowed, not closed
     * @param codec used by this rank only; the same kind on all ranks
     */
    public CompressedCollective(Endpoint endpoint, GradientCodec codec) {
        this(endpoint, codec, FastKernels.choose());
    }

    CompressedCollective(Endpoint endpoint, GradientCodec codec, Kernels kernels) {
        super(new RingCollective(endpoint, kernels));
        compressed = new CompressedAllReduce(endpoint, codec, kernels);
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        if (type != ElementType.FLOAT32 || op != ReduceOp.SUM) {
            exact.allReduce(data, type, op, step, bucket);
            return;
        }
        Elements.check(data, type);
        data.enter("all-reduce");
        try {
            if (world().size() > 1) {
                compressed.run(data, step, bucket);
            }
        } finally {
            data.exit();
        }
    }
}
