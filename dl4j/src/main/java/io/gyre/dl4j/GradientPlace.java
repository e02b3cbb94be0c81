package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.World;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.training.BucketPlan;
import io.gyre.training.HostAccess;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a model's gradient vector is, and how the ranks get at it. A replica has one place for life. The defaults suit
 * a vector in the host's memory.
 *
 * <p>In a step {@link #beginPass} comes first, if hooks report during the pass, then {@link #beginReduction}, the
 * reduction of each bucket through a {@link HostAccess}, and {@link #endReduction}. All are called on the thread that
 * runs the passes, except {@link #accessOfAnotherThread}.
 */
interface GradientPlace extends AutoCloseable {

    /**
     * Chooses the place for a model on its backend, once: on the device, in a box that the ranks of a host share, or in
     * the model's own memory. HALF is copied to floats in the box.
     *
     * @param world of all ranks that train; names this rank in the log, and decides which rank logs for all
     * @param box as long as the gradients; borrowed
     * @param source access to the device, if they are on one; borrowed
     */
    static GradientPlace choose(
            TrainedModel network,
            BucketPlan plan,
            World world,
            MemoryBox box,
            DeviceGradients.@Nullable Source source) {
        INDArray gradients = network.gradients();
        if (gradients.dataType() == DataType.FLOAT16) {
            if (source != null) {
                throw new IllegalArgumentException("the model's data type is HALF, which is trained on CPUs only: use"
                        + " dataType(DataType.FLOAT) on a GPU");
            }
            return new WidenedGradients(gradients, box.region(), plan);
        }
        if (source != null) {
            return new DeviceGradients(world.rank(), source, gradients, box.region(), plan);
        }
        INDArray shared = SharedGradients.arrayOver(box.region(), gradients);
        if (shared != null) {
            return new SharedGradients(network, box.region(), shared);
        }
        if (world.isRoot()) {
            Logger log = LoggerFactory.getLogger(GradientPlace.class);
            log.info(
                    "gradients of {} bytes are copied for each exchange: ND4J cannot use the memory in which ranks"
                            + " reduce them",
                    box.region().byteLength());
        }
        return new HostGradients(gradients);
    }

    /** The memory on the host in which ranks reduce the gradients. May be another after {@link #replaced}. */
    Region region();

    /** The model has allocated a new vector; it may have another one when this returns. */
    void replaced(INDArray gradients);

    /** Whether the gradients are copied to {@link #region} and back in each step. */
    default boolean isStaged() {
        return false;
    }

    /** A pass begins in which buckets are reduced. */
    default void beginPass() {}

    /** Starts to make a complete bucket readable on the host, while others are being computed. */
    default void beginReduction(int bucket) {}

    /** Starts to make all buckets, which are complete, readable on the host. */
    void beginReduction();

    /** Access for the thread that runs the passes, for exchanges after a pass. */
    default HostAccess access() {
        return HostAccess.DIRECT;
    }

    /** Access for the calling thread, for exchanges during a pass. The caller closes it. */
    default HostAccess accessOfAnotherThread() {
        return HostAccess.DIRECT;
    }

    /** Makes the current values of a part readable on the host, outside of any exchange. */
    default void fetch(long byteOffset, long byteLength) {}

    /** Whether the gradients, as ND4J has them, hold no NaN and no infinity. */
    boolean areFinite();

    /** As {@link #areFinite()}, of at least one part of them. */
    default boolean areFinite(Chunk part) {
        return areFinite();
    }

    /** A sum over the passes of a batch, where they are computed. */
    default EarlierPasses earlierPasses() {
        return new EarlierPasses.InArray();
    }

    /** Returns the gradients, reduced, to ND4J. */
    void endReduction();

    /** Restores the model's own memory. */
    @Override
    void close();
}
