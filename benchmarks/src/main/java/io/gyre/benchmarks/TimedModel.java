package io.gyre.benchmarks;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.memory.Region;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import io.gyre.training.StepModel;
import io.gyre.training.StepSummary;
import java.util.Collections;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Parameters and gradients without a model: both begin as zeros, and every {@value #STRIDE}th gradient of a rank is
 * known, so that parameters show which gradients were applied, and how often.
 *
 * <p>The others stay zero: like a GPU, which writes gradients itself, this costs the processor nothing.
 */
final class TimedModel implements StepModel {

    /** Distance between known elements. */
    static final int STRIDE = 1_024;

    /** Number of different values, so that misplaced gradients are detected. */
    private static final int PATTERN = 7;

    private final Region parameters;
    private final Region gradients;
    private final BucketPlan plan;

    /**
     * Creates the model of one rank.
     *
     * @param gradients borrowed
     * @param plan how they are divided
     */
    TimedModel(Region gradients, BucketPlan plan) {
        this.gradients = gradients;
        this.plan = plan;
        parameters = Region.allocate("parameters", gradients.byteLength());
    }

    /** As for gradients of small layers: each bucket has its maximum length. */
    static BucketPlan plan(long bytes, long bucketBytes) {
        long elements = bytes / Float.BYTES;
        long most = bucketBytes / Float.BYTES;
        // In whole strides, so that the first element of each bucket is a known one.
        return BucketPlan.of(List.of(elements), Math.max(STRIDE, most / STRIDE * STRIDE));
    }

    @Override
    public ElementType elementType() {
        return ElementType.FLOAT32;
    }

    @Override
    public Region gradients() {
        return gradients;
    }

    @Override
    public BucketPlan bucketPlan() {
        return plan;
    }

    @Override
    public Region parameters() {
        return parameters;
    }

    @Override
    public int epoch() {
        return 0;
    }

    @Override
    public List<Region> state() {
        return Collections.singletonList(parameters);
    }

    /** Writes a rank's gradients of one bucket. */
    void compute(Bucket bucket, int rank) {
        for (long i = firstKnown(bucket.offset()); i < bucket.offset() + bucket.length(); i += STRIDE) {
            gradients.putFloat(i * Float.BYTES, gradient(i) * (rank + 1));
        }
    }

    /** Rank 0's gradient at a known element. */
    private static float gradient(long element) {
        return 1 + (int) (element / STRIDE % PATTERN);
    }

    private static long firstKnown(long from) {
        return (from + STRIDE - 1) / STRIDE * STRIDE;
    }

    /** Gradient descent with the current gradients. */
    @Override
    public void update(StepSummary total) {
        for (long at = 0; at < parameters.byteLength(); at += (long) STRIDE * Float.BYTES) {
            parameters.putFloat(at, parameters.getFloat(at) - gradients.getFloat(at));
        }
    }

    @Override
    public void averageGradients(StepSummary total) {
        // Each rank has one example.
    }

    /**
     * Checks all known parameters.
     *
     * @param gradientsOfRankZero how many times the gradient of rank 0 must have been subtracted; larger gradients of
     *     other ranks count as multiples of it
     * @throws GyreException naming the first that is wrong
     */
    void check(long gradientsOfRankZero) {
        for (long i = 0; i < plan.elements(); i += STRIDE) {
            float expected = -gradient(i) * gradientsOfRankZero;
            float found = parameters.getFloat(i * Float.BYTES);
            if (found != expected) {
                throw new GyreException("parameter %,d of %,d is %s after the last step, not %s: gradients were lost or"
                                .formatted(i, plan.elements(), found, expected)
                        + " counted twice");
            }
        }
    }

    /** Checksum of the known parameters, to compare ranks. */
    long checksum() {
        CRC32C crc = new CRC32C();
        for (long at = 0; at < parameters.byteLength(); at += (long) STRIDE * Float.BYTES) {
            int bits = Float.floatToIntBits(parameters.getFloat(at));
            for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
                crc.update((bits >>> shift) & 0xff);
            }
        }
        return crc.getValue();
    }
}
