package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.util.function.LongFunction;

/**
 * A vector that all ranks in step hold alike.
 *
 * @param name as errors call it
 * @param memory live
 * @param names what its elements are
 */
record ReplicaPart(String name, Region memory, ElementType type, LongFunction<String> names) {

    /** An element, as whoever built the model knows it. */
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

    /** An element, for people: with its bits, which tell NaNs apart. */
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
