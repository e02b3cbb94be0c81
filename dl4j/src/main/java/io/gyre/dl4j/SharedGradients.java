package io.gyre.dl4j;

import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model's gradients in memory that the ranks of a host share: Deeplearning4j writes them there and the collective
 * reduces them in place, without copies. Closing this restores the model's own memory.
 */
final class SharedGradients implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SharedGradients.class);
    private static final String USER = "Deeplearning4j's gradient vector";

    private final Network network;
    private final MemoryBox box;
    private final INDArray home;
    private final @Nullable INDArray away;
    private boolean closed;

    /**
     * Moves a model's gradients, if that is possible on its backend.
     *
     * @param box as long as the gradients; owned from now on
     * @param onDevice whether they stay on a device, and are copied to the box only for reduction
     * @param speaks whether this rank logs what is the same on all ranks
     */
    SharedGradients(Network network, MemoryBox box, boolean onDevice, boolean speaks) {
        this.network = network;
        this.box = box;
        home = network.gradients();
        away = onDevice ? null : arrayOver(box.region(), home);
        if (away != null) {
            box.region().enter(USER);
            network.moveGradients(away);
        } else if (!onDevice && speaks) {
            LOG.info(
                    "gradients of {} bytes are copied for each exchange: ND4J cannot use the memory that ranks combine them in",
                    box.region().byteLength());
        }
    }

    /** An array over this memory with the shape of another; null if that is impossible. */
    private static @Nullable INDArray arrayOver(Region memory, INDArray shape) {
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

    /** Installs the shared array again after the model has allocated a new one; does nothing if there is none. */
    void reinstall() {
        if (away != null) {
            network.moveGradients(away);
        }
    }

    /** The memory of an array, if it is the shared one; else null. */
    @SuppressWarnings("ReferenceEquality") // Arrays with equal contents are different memory.
    @Nullable Region region(INDArray gradients) {
        return gradients == away ? box.region() : null;
    }

    /** Restores the model's own memory, with the current contents. A second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (away != null) {
            if (network.gradients() == away) {
                home.assign(away);
                network.moveGradients(home);
            }
            box.region().exit();
        }
        box.close();
    }
}
