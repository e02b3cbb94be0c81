package io.gyre.benchmarks;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.util.Arrays;

/**
 * The lower bound of an all-reduce on one host: all ranks concurrently read their own vector and write it back, the
 * minimum memory traffic. If the vectors fit into caches, cache bandwidth is the bound.
 *
 * <p>Between hosts the floor is the wire, which is not measured here.
 */
final class MemoryFloor {

    private static final int SAMPLES = 5;
    private static final long SAMPLE_NANOS = 10_000_000;

    private final Collective collective;
    private final Kernels kernels;
    private final Region slowest = Region.allocate("time of a pass", Double.BYTES);

    /**
     * Creates it for one rank.
     *
     * @param collective for the barrier, and to find the slowest rank; borrowed
     * @param kernels those of the all-reduce; borrowed
     */
    MemoryFloor(Collective collective, Kernels kernels) {
        this.collective = collective;
        this.kernels = kernels;
    }

    /**
     * The median over a few samples of the slowest rank's time. All ranks call it together; the vector's sign may
     * change.
     */
    double nanos(Region vector) {
        double[] samples = new double[SAMPLES];
        for (int i = 0; i < SAMPLES; i++) {
            collective.barrier(i);
            slowest.putDouble(0, pass(vector));
            collective.allReduce(slowest, ElementType.FLOAT64, ReduceOp.MAX, i, 0);
            samples[i] = slowest.getDouble(0);
        }
        Arrays.sort(samples);
        return samples[SAMPLES / 2];
    }

    private double pass(Region vector) {
        long begin = System.nanoTime();
        int passes = 0;
        while (System.nanoTime() - begin < SAMPLE_NANOS) {
            kernels.scale(ElementType.FLOAT32, vector, -1);
            passes++;
        }
        return (double) (System.nanoTime() - begin) / passes;
    }
}
