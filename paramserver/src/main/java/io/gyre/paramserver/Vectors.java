package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.memory.Region;

/** Copies of whole regions, and single elements of them. */
final class Vectors {

    private Vectors() {}

    /** Copies all of {@code from} to the start of {@code into}. */
    static void copy(Region into, Region from) {
        for (long done = 0; done < from.byteLength(); ) {
            int n = from.contiguous(done, from.byteLength() - done);
            into.copyFrom(done, from.window(done), from.windowOffset(done), n);
            done += n;
        }
    }

    /** Reads one element of any type. */
    static double get(ElementType type, Region region, long index) {
        return type == ElementType.FLOAT32
                ? region.getFloat(index * Float.BYTES)
                : region.getDouble(index * Double.BYTES);
    }

    /** Writes one element, rounded to its type. */
    static void put(ElementType type, Region region, long index, double value) {
        if (type == ElementType.FLOAT32) {
            region.putFloat(index * Float.BYTES, (float) value);
        } else {
            region.putDouble(index * Double.BYTES, value);
        }
    }
}
