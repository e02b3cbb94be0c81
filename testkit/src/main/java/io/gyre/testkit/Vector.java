package io.gyre.testkit;

import static org.assertj.core.api.Assertions.fail;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.util.function.LongToDoubleFunction;

/**
 * A vector for tests: elements by index, with guard bytes before and after them that no operation may touch.
 *
 * @param region the elements
 * @param type their type
 * @param fenced the elements and both fences
 */
record Vector(Region region, ElementType type, Region fenced) {

    /** A multiple of every element's size. */
    private static final int FENCE_BYTES = 64;

    private static final float FENCE = 12345.5f;

    static Vector of(ElementType type, long length) {
        long bytes = length * type.bytes();
        return in(Region.allocate("vector of " + length + " " + type, bytes + 2 * FENCE_BYTES), 0, type, length);
    }

    /** A vector in existing memory, from {@code offset} in bytes, including its fences. */
    static Vector in(Region memory, long offset, ElementType type, long length) {
        long bytes = length * type.bytes();
        Region fenced = memory.slice(offset, bytes + 2 * FENCE_BYTES);
        for (int i = 0; i < FENCE_BYTES; i += Float.BYTES) {
            fenced.putFloat(i, FENCE);
            fenced.putFloat(FENCE_BYTES + bytes + i, FENCE);
        }
        return new Vector(fenced.slice(FENCE_BYTES, bytes), type, fenced);
    }

    long length() {
        return region.byteLength() / type.bytes();
    }

    double get(long index) {
        return switch (type) {
            case FLOAT32 -> region.getFloat(index * Float.BYTES);
            case FLOAT64 -> region.getDouble(index * Double.BYTES);
        };
    }

    void put(long index, double value) {
        switch (type) {
            case FLOAT32 -> region.putFloat(index * Float.BYTES, (float) value);
            case FLOAT64 -> region.putDouble(index * Double.BYTES, value);
        }
    }

    Vector fill(LongToDoubleFunction values) {
        return fill(0, length(), values);
    }

    Vector fill(long from, long to, LongToDoubleFunction values) {
        for (long i = from; i < to; i++) {
            put(i, values.applyAsDouble(i));
        }
        return this;
    }

    /** Fails unless all elements are as expected, including NaN and the sign of zeros, and the fences are intact. */
    void check(String what, LongToDoubleFunction expected) {
        check(what, 0, length(), expected);
    }

    void check(String what, long from, long to, LongToDoubleFunction expected) {
        checkWithin(what, from, to, expected, i -> 0);
    }

    /** As {@link #check}, but finite elements may be off by the {@code tolerance} at their index. */
    void checkWithin(String what, long from, long to, LongToDoubleFunction expected, LongToDoubleFunction tolerance) {
        for (long i = from; i < to; i++) {
            double want = expected.applyAsDouble(i);
            double got = get(i);
            if (Double.compare(got, want) != 0 && !(Math.abs(got - want) <= tolerance.applyAsDouble(i) && want != 0)) {
                fail("%s: element %d of %d %s is %s, not %s", what, i, length(), type, got, want);
            }
        }
        long end = fenced.byteLength();
        for (int i = 0; i < FENCE_BYTES; i += Float.BYTES) {
            if (fenced.getFloat(i) != FENCE || fenced.getFloat(end - FENCE_BYTES + i) != FENCE) {
                fail("%s of %d %s wrote outside of its vector", what, length(), type);
            }
        }
    }

    /** The elements' bytes. */
    ByteBuffer copyOfBytes() {
        ByteBuffer copy = ByteBuffer.allocate(Math.toIntExact(region.byteLength()));
        region.copyTo(0, copy, 0, copy.capacity());
        return copy;
    }
}
