package io.gyre.training;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;

/** A short part of a vector of floats or doubles, as an array of doubles to compute with. */
final class ElementBlock {

    /** Elements of a block: two such arrays are in the first-level cache. */
    static final int LENGTH = 1_024;

    final double[] values = new double[LENGTH];
    private final float[] floats = new float[LENGTH];

    /** How many of the wanted elements from {@code element} on are one block of the region's memory. */
    static int length(Region region, ElementType type, long element, long wanted) {
        long most = Math.min(LENGTH, wanted) * type.bytes();
        return region.contiguous(element * type.bytes(), most) / type.bytes();
    }

    /** Reads elements that are one block. */
    void read(Region region, ElementType type, long element, int n) {
        if (type == ElementType.FLOAT64) {
            doubles(region, element, n).get(values, 0, n);
            return;
        }
        floats(region, element, n).get(floats, 0, n);
        for (int i = 0; i < n; i++) {
            values[i] = floats[i];
        }
    }

    /** Writes elements that are one block, rounded to the type. */
    void write(Region region, ElementType type, long element, int n) {
        if (type == ElementType.FLOAT64) {
            doubles(region, element, n).put(values, 0, n);
            return;
        }
        for (int i = 0; i < n; i++) {
            floats[i] = (float) values[i];
        }
        floats(region, element, n).put(floats, 0, n);
    }

    private static FloatBuffer floats(Region region, long element, int n) {
        return bytes(region, element * Float.BYTES, n * Float.BYTES).asFloatBuffer();
    }

    private static DoubleBuffer doubles(Region region, long element, int n) {
        return bytes(region, element * Double.BYTES, n * Double.BYTES).asDoubleBuffer();
    }

    private static ByteBuffer bytes(Region region, long offset, int length) {
        ByteBuffer window = region.window(offset);
        return window.slice(region.windowOffset(offset), length).order(window.order());
    }
}
