package io.gyre.dl4j;

import io.gyre.memory.Region;
import java.util.function.LongFunction;
import org.bytedeco.javacpp.indexer.HalfIndexer;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A vector that is equal on all ranks in step.
 *
 * @param name for errors
 * @param memory live
 * @param type HALF, FLOAT or DOUBLE
 * @param names describes an element, by its index
 */
record ReplicaPart(String name, Region memory, DataType type, LongFunction<String> names) {

    /** Name of an element, in terms of the model's layers and parameters. */
    String nameOf(long element) {
        return names.apply(element);
    }

    long elements() {
        return memory.byteLength() / type.width();
    }

    /** The memory of some elements. */
    Region slice(long from, long length) {
        return memory.slice(from * type.width(), length * type.width());
    }

    /** An element as text, with its bits, which distinguish NaNs. */
    String show(long element) {
        long at = element * type.width();
        return switch (type) {
            case HALF -> {
                int bits = memory.window(at).getShort(memory.windowOffset(at)) & 0xffff;
                yield String.format("%s (%04x)", HalfIndexer.toFloat(bits), bits);
            }
            case FLOAT -> {
                float value = memory.getFloat(at);
                yield String.format("%s (%08x)", value, Float.floatToRawIntBits(value));
            }
            case DOUBLE -> {
                double value = memory.getDouble(at);
                yield String.format("%s (%016x)", value, Double.doubleToRawLongBits(value));
            }
            default -> throw new IllegalStateException("no model has parameters of type " + type);
        };
    }
}
