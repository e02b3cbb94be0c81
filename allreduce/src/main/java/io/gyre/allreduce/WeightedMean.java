package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.network.Collective;

/**
 * Weighted mean of the ranks' data. Each rank scales its data by its share of the total weight before the sum: one pass
 * over the data instead of two, and no intermediate value overflows unless the result does.
 */
final class WeightedMean {

    private final Collective collective;
    private final Kernels kernels;
    private final Region totalWeight = Region.allocate("total weight", Double.BYTES);

    WeightedMean(Collective collective, Kernels kernels) {
        this.collective = collective;
        this.kernels = kernels;
    }

    void run(Region data, ElementType type, double weight, long step, int bucket) {
        if (!(weight >= 0) || Double.isInfinite(weight)) {
            throw new IllegalArgumentException("weight " + weight + " of rank "
                    + collective.world().rank() + " for bucket " + bucket + ", step " + step
                    + ": must be finite and not negative");
        }
        Elements.check(data, type);
        data.enter("weighted mean");
        try {
            totalWeight.putDouble(0, weight);
            collective.allReduce(totalWeight, ElementType.FLOAT64, ReduceOp.SUM, step, bucket);
            kernels.scale(type, data, weight == 0 ? 0 : weight / totalWeight.getDouble(0));
            collective.allReduce(data, type, ReduceOp.SUM, step, bucket);
        } finally {
            data.exit();
        }
    }
}
