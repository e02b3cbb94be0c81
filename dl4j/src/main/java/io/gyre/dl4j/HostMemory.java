package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J's arrays as host memory: the only class that knows their addresses.
 *
 * <p>On a CPU backend {@link #beginUse} and {@link #endUse} do nothing. On a GPU backend they copy the array between
 * the device and the host, with ND4J's own copies; gradients go through {@link DeviceGradients} instead. No GPU backend
 * has been tried yet.
 */
final class HostMemory {

    /** The length of the windows that {@link Region} allocates. */
    private static final long WINDOW_BYTES = 1L << 30;

    private HostMemory() {}

    /** Type in which the elements of an array are reduced: HALF is added up in FLOAT32. Fails for other types. */
    static ElementType reducedType(INDArray array) {
        return array.dataType() == DataType.FLOAT16 ? ElementType.FLOAT32 : elementType(array);
    }

    /** Type of an array's elements; fails for types that are not reduced as they are. */
    static ElementType elementType(INDArray array) {
        return switch (array.dataType()) {
            case FLOAT -> ElementType.FLOAT32;
            case DOUBLE -> ElementType.FLOAT64;
            default ->
                throw new IllegalArgumentException("the model's data type is " + array.dataType()
                        + "; FLOAT and DOUBLE can be trained with every strategy, and HALF with allreduce. Set it with"
                        + " NeuralNetConfiguration.Builder.dataType(DataType.FLOAT).");
        };
    }

    /**
     * The memory of an array, without a copy. The region keeps the array's buffer reachable, and is valid as long as
     * that is.
     *
     * @param array dense: its elements are contiguous in memory
     */
    static Region region(String name, INDArray array) {
        return region(name, array, WINDOW_BYTES);
    }

    /**
     * As {@link #region(String, INDArray)}, with short windows, so that tests cross window borders with little memory.
     */
    static Region region(String name, INDArray array, long windowBytes) {
        if (array.elementWiseStride() != 1) {
            throw new IllegalStateException(name + " is not contiguous in memory: " + array.shapeInfoToString());
        }
        beginUse(array);
        long bytes = array.length() * array.dataType().width();
        List<ByteBuffer> windows = new ArrayList<>();
        BytePointer memory = new BytePointer(array.data().addressPointer());
        for (long at = 0; at < bytes; at += windowBytes) {
            BytePointer window = memory.getPointer(at).capacity(Math.min(windowBytes, bytes - at));
            windows.add(window.asByteBuffer().order(ByteOrder.nativeOrder()));
        }
        return Region.of(name, array, windows);
    }

    /**
     * The memory of an array of any type of fixed width, without a copy.
     *
     * @param array dense, in row-major order; stays reachable while the region is used
     */
    static Region bytes(INDArray array) {
        return Region.of("rows", array, windows(array));
    }

    /**
     * Passes the memory of an array of any type in order, in pieces.
     *
     * @param array dense; reachable until this returns
     */
    static void eachWindow(INDArray array, Consumer<ByteBuffer> action) {
        try {
            windows(array).forEach(action);
        } finally {
            Reference.reachabilityFence(array);
        }
    }

    private static List<ByteBuffer> windows(INDArray array) {
        beginUse(array);
        long bytes = array.length() * array.dataType().width();
        List<ByteBuffer> windows = new ArrayList<>();
        BytePointer memory = new BytePointer(array.data().addressPointer());
        for (long at = 0; at < bytes; at += WINDOW_BYTES) {
            windows.add(memory.getPointer(at)
                    .capacity(Math.min(WINDOW_BYTES, bytes - at))
                    .asByteBuffer()
                    .order(ByteOrder.nativeOrder()));
        }
        return windows;
    }

    /** A small cache of arrays over memory owned by others: one for each range, the oldest is evicted. */
    static final class Views {

        private static final int ENTRIES = 16;

        private final Map<Long, INDArray> views = new LinkedHashMap<>();

        /**
         * The region as a vector, without a copy.
         *
         * @param region in one window; stays open as long as it is used through the array
         */
        INDArray of(Region region, ElementType type) {
            long bytes = region.byteLength();
            if (region.contiguous(0, bytes) < bytes) {
                throw new IllegalArgumentException(
                        region + " spans several windows of memory: use more servers, so that shards are shorter");
            }
            BytePointer pointer = new BytePointer(region.window(0)).getPointer(region.windowOffset(0));
            long key = pointer.address() * 31 + bytes;
            INDArray known = views.get(key);
            if (known == null) {
                long length = bytes / type.bytes();
                known = Nd4j.create(
                        type == ElementType.FLOAT32
                                ? Nd4j.createBuffer(new FloatPointer(pointer), length, DataType.FLOAT)
                                : Nd4j.createBuffer(new DoublePointer(pointer), length, DataType.DOUBLE),
                        new long[] {length});
                views.put(key, known);
                if (views.size() > ENTRIES) {
                    views.remove(views.keySet().iterator().next());
                }
            }
            return known;
        }
    }

    /** Waits for the operations that write to the array, and copies it to the host if needed. */
    static void beginUse(INDArray array) {
        Nd4j.getExecutioner().commit();
        Nd4j.getAffinityManager().ensureLocation(array, Location.HOST);
    }

    /** Marks the host's copy as written. */
    static void endUse(INDArray array) {
        Nd4j.getAffinityManager().tagLocation(array, Location.HOST);
    }
}
