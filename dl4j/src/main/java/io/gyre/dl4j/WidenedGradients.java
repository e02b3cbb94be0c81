package io.gyre.dl4j;

import io.gyre.memory.Region;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import io.gyre.training.HostAccess;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Gradients of a HALF model: ranks add them up in FLOAT32, and round the sums to HALF once. Each bucket is copied to
 * floats before it is reduced, and back afterwards; where ranks share memory, the floats are in a box that they share.
 */
final class WidenedGradients implements GradientPlace {

    private static final String USER = "the gradient vector in floats";

    private final BucketPlan plan;
    private final INDArray wide;
    private final Region region;
    private final boolean inBox;
    private final INDArray[] wideParts;
    private final INDArray[] parts;
    private final HostAccess access = new Rounding();
    private INDArray gradients;
    private Region memory;
    private boolean closed;

    /**
     * Creates the place.
     *
     * @param gradients the model's
     * @param box room for as many floats, shared by the ranks; in use until the place is closed
     */
    WidenedGradients(INDArray gradients, Region box, BucketPlan plan) {
        this.plan = plan;
        INDArray own = Nd4j.createUninitializedDetached(DataType.FLOAT, gradients.length());
        INDArray shared = SharedGradients.arrayOver(box, own);
        inBox = shared != null;
        wide = shared == null ? own : shared;
        region = shared == null ? HostMemory.region("gradients in floats", own) : box;
        region.enter(USER);
        wideParts = new INDArray[plan.buckets().size()];
        parts = new INDArray[wideParts.length];
        this.gradients = gradients;
        memory = HostMemory.region("gradients", gradients);
        split(plan, wide, wideParts);
        split(plan, gradients, parts);
    }

    private static void split(BucketPlan plan, INDArray vector, INDArray[] into) {
        INDArray flat = vector.reshape(vector.length());
        for (Bucket bucket : plan.buckets()) {
            into[bucket.index()] = flat.get(NDArrayIndex.interval(bucket.offset(), bucket.offset() + bucket.length()));
        }
    }

    @Override
    public Region region() {
        return region;
    }

    @Override
    public void replaced(INDArray newGradients) {
        memory.close();
        gradients = newGradients;
        memory = HostMemory.region("gradients", newGradients);
        split(plan, newGradients, parts);
    }

    @Override
    public boolean isStaged() {
        return true;
    }

    @Override
    public void beginReduction(int bucket) {
        wideParts[bucket].assign(parts[bucket]);
    }

    @Override
    public void beginReduction() {
        for (int bucket = 0; bucket < parts.length; bucket++) {
            beginReduction(bucket);
        }
    }

    @Override
    public HostAccess access() {
        return access;
    }

    @Override
    public HostAccess accessOfAnotherThread() {
        return access;
    }

    /** Rounds the sums of a bucket. Its floats were written by the thread of the pass, before it handed it over. */
    private final class Rounding implements HostAccess {

        @Override
        public void await(int bucket) {
            // Nothing is under way.
        }

        @Override
        public void copyBack(int bucket) {
            parts[bucket].assign(wideParts[bucket]);
        }

        @Override
        public void close() {
            // The arrays belong to the place.
        }
    }

    @Override
    public void fetch(long byteOffset, long byteLength) {
        var part = NDArrayIndex.interval(byteOffset / Float.BYTES, (byteOffset + byteLength) / Float.BYTES);
        wide.get(part).assign(gradients.reshape(gradients.length()).get(part));
    }

    /** In HALF: a sum that is finite in FLOAT may not be so any more. */
    @Override
    public boolean areFinite() {
        return !NotFinite.isInHalves(memory);
    }

    @Override
    public void endReduction() {
        // All sums have been copied back.
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        region.exit();
        memory.close();
        if (!inBox) {
            region.close();
        }
    }
}
