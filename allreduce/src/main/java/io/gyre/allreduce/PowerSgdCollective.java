package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Collectives that reduce gradients by {@link PowerSgd}: the sums of {@link ElementType#FLOAT32} in buckets from 0 on.
 * All other operations, types and buckets are those of the collectives around which it is.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>For a matrix of m rows and n columns two all-reduces, of r m and r n floats, instead of one of m n; and four
 *       passes over it, each with 2 r m n operations. A bucket's matrices, and all else in it, go together.
 *   <dt>Result
 *   <dd>Bit-identical on every rank. The elements of a bucket that belong to no matrix are exact sums.
 *   <dt>Shape
 *   <dd>Buckets are cut from the gradient vector by {@link Region#slice}, and none cuts a matrix.
 *   <dt>Allocation
 *   <dd>None after the first reduction of each bucket, apart from that of the collectives inside.
 *   <dt>Threading, failure
 *   <dd>As the collectives inside.
 * </dl>
 */
public final class PowerSgdCollective extends DelegatingCollective {

    private static final Logger LOG = LoggerFactory.getLogger(PowerSgdCollective.class);

    private final PowerSgd state;
    private final FloatCopies copies = new FloatCopies();
    private final List<LowRankBucket> buckets = new ArrayList<>();
    private Region memory = Region.allocate("factors", 0);

    /**
     * Creates the collectives of one rank.
     *
     * @param exact reduces the factors; owned, and closed with this
     * @param state of this rank
     */
    public PowerSgdCollective(Collective exact, PowerSgd state) {
        super(exact);
        this.state = state;
    }

    /**
     * Returns collectives that reduce gradients by {@link PowerSgd}, unless all ranks share memory: then they sum them
     * as they are, and the log says so.
     *
     * @param exact owned by what is returned
     */
    public static Collective over(Collective exact, PowerSgd state) {
        if (!(exact instanceof DirectCollective)) {
            return new PowerSgdCollective(exact, state);
        }
        if (exact.world().isRoot()) {
            LOG.info("gradients are not sent as factors by {}: all ranks share memory", state.name());
        }
        return exact;
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        boolean ofGradients = type == ElementType.FLOAT32 && op == ReduceOp.SUM && bucket >= 0;
        if (!ofGradients || world().size() == 1) {
            exact.allReduce(data, type, op, step, bucket);
            return;
        }
        Elements.check(data, type);
        LowRankBucket lowRank = lowRank(data, bucket);
        if (!lowRank.hasMatrices()) {
            exact.allReduce(data, type, op, step, bucket);
            return;
        }
        data.enter("all-reduce");
        try {
            lowRank.run(data, memory, copies, step, bucket);
        } finally {
            data.exit();
        }
    }

    private LowRankBucket lowRank(Region data, int bucket) {
        while (buckets.size() <= bucket) {
            buckets.add(new LowRankBucket(exact, state, data));
        }
        LowRankBucket lowRank = buckets.get(bucket);
        if (!lowRank.suits(data)) {
            lowRank = new LowRankBucket(exact, state, data);
            buckets.set(bucket, lowRank);
        }
        if (memory.byteLength() < lowRank.bytes()) {
            memory = Region.allocate("factors", lowRank.bytes());
        }
        return lowRank;
    }
}
