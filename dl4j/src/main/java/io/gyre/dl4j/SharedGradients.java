package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.kernel.FiniteScan;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Gradients in memory that the ranks of a host share: Deeplearning4j writes them there and the collective reduces them
 * in place, without copies. Closing this restores the model's own memory.
 */
final class SharedGradients implements GradientPlace {

    private static final String USER = "Deeplearning4j's gradient vector";

    private final TrainedModel network;
    private final Region region;
    private final INDArray own;
    private final INDArray shared;
    private final FiniteScan scan = new FiniteScan();
    private boolean closed;

    /**
     * Moves a model's gradients.
     *
     * @param region shared by the ranks; in use until this is closed
     * @param shared {@link #arrayOver} the region
     */
    SharedGradients(TrainedModel network, Region region, INDArray shared) {
        this.network = network;
        this.region = region;
        this.shared = shared;
        own = network.gradients();
        region.enter(USER);
        network.moveGradients(shared);
    }

    /** An array over this memory with the shape of another; null if the backend or the memory do not allow it. */
    static @Nullable INDArray arrayOver(Region memory, INDArray shape) {
        boolean inOnePiece =
                memory.byteLength() > 0 && memory.contiguous(0, memory.byteLength()) == memory.byteLength();
        if (!inOnePiece || !Nd4j.getEnvironment().isCPU()) {
            return null;
        }
        ByteBuffer window = memory.window(0);
        Pointer pointer = switch (HostMemory.elementType(shape)) {
            case FLOAT32 -> new FloatPointer(window.asFloatBuffer());
            case FLOAT64 -> new DoublePointer(window.asDoubleBuffer());
        };
        return Nd4j.create(
                Nd4j.createBuffer(pointer, shape.length(), shape.dataType()),
                shape.shape(),
                shape.stride(),
                0,
                shape.ordering());
    }

    @Override
    public Region region() {
        return region;
    }

    /** Gives the model the shared array again. */
    @Override
    public void replaced(INDArray newGradients) {
        network.moveGradients(shared);
    }

    @Override
    public void beginReduction() {
        HostMemory.beginUse(shared);
    }

    @Override
    public boolean areFinite() {
        return areFinite(new Chunk(0, shared.length()));
    }

    @Override
    public boolean areFinite(Chunk part) {
        return scan.isFinite(region, part, HostMemory.elementType(shared));
    }

    @Override
    public void endReduction() {
        HostMemory.endUse(shared);
    }

    /** Restores the model's own memory, with the current contents. A second call does nothing. */
    @Override
    @SuppressWarnings("ReferenceEquality") // Arrays with equal contents are different memory.
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (network.gradients() == shared) {
            own.assign(shared);
            network.moveGradients(own);
        }
        region.exit();
    }
}
