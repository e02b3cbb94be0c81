package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * Off-heap memory of a few kilobytes through which floats become ints with the same bits, or the reverse: the compiler
 * does not vectorise {@link Float#floatToRawIntBits}. A loop may write here what it reads from arrays, or the reverse.
 */
final class Reinterpreted {

    /**
     * Elements before the first, as long as an array's header. Java 17 vectorises a loop over this memory and arrays if
     * both begin equally far behind a vector's border, and if it knows that offsets are small: let a loop begin at a
     * masked number, end at a minimum with a constant, and have no other summand in its index.
     */
    static final int HEADER = 16 / Integer.BYTES;

    final IntBuffer ints;
    final FloatBuffer floats;

    /** Allocates room for the header and so many elements. */
    Reinterpreted(int elements) {
        ByteBuffer memory =
                ByteBuffer.allocateDirect((HEADER + elements) * Integer.BYTES).order(ByteOrder.nativeOrder());
        ints = memory.asIntBuffer();
        floats = memory.asFloatBuffer();
    }

    /** Copies the bits of floats to ints, from an index on. */
    void toInts(float[] from, int[] into, int first, int n) {
        floats.put(0, from, 0, n);
        ints.get(0, into, first, n);
    }
}
