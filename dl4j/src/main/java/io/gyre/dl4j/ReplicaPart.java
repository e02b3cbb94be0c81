package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.util.function.LongFunction;

/**
 * A vector that is equal on all ranks in step.
 *
 * @param name for errors
 * @param memory live
 * @param names describes an element, by its index
 */
record ReplicaPart(String name, Region memory, ElementType type, LongFunction<String> names) {

    /** Name of an element, in terms of the model's layers and parameters. */
    String nameOf(long element) {
        return names.apply(element);
    }

    long elements() {
        return memory.byteLength() / type.bytes();
    }

    /** The memory of some elements. */
    Region slice(long from, long length) {
        return memory.slice(from * type.bytes(), length * type.bytes());
    }

    /** An element as text, with its bits, which distinguish NaNs. */
    String show(long element) {
        long at = element * type.bytes();
        return switch (type) {
            case FLOAT32 -> {
                float value = memory.getFloat(at);
                yield String.format("%s (%08x)", value, Float.floatToRawIntBits(value));
            }
            case FLOAT64 -> {
                double value = memory.getDouble(at);
                yield String.format("%s (%016x)", value, Double.doubleToRawLongBits(value));
            }
        };
    }
}
