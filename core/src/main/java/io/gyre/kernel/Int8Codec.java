package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * Integers of 8 bits with a scale for each block: the greatest magnitude of a block becomes 127, all others are rounded
 * to the nearest multiple of a 127th of it. A block whose greatest magnitude is below 10<sup>-30</sup> becomes zero;
 * one with an element that is not finite becomes NaN.
 *
 * <p>Dettmers, <i>8-Bit Approximations for Parallelism in Deep Learning</i>, ICLR 2016, with linear quantisation. As
 * there, no error feedback.
 */
public final class Int8Codec extends BlockCodec {

    /** The name on the command line. */
    public static final String NAME = "int8";

    /** Elements of a block, unless told otherwise. */
    public static final int BLOCK = 256;

    private static final int LEAST_BLOCK = 32;
    private static final float LARGEST_INTEGER = 127;
    private static final float LEAST_MAGNITUDE = 1e-30f;
    private static final int MAGNITUDE = 0x7fff_ffff;
    private static final int INFINITY = 0x7f80_0000;

    /** Added to a small number, leaves its nearest integer in the lowest bits. */
    private static final float SHIFT = 0x1.8p23f;

    private static final int SHIFT_BITS = 0x4b40_0000;
    private static final int BYTE = 0xff;

    private final String name;
    private final float[] values;
    private final int[] bits;
    private final int[] words;
    private final IntBuffer ints;
    private final FloatBuffer asFloats;
    private final ViewCache<FloatBuffer> floatViews = new ViewCache<>(ByteBuffer::asFloatBuffer);
    private final ViewCache<IntBuffer> intViews = new ViewCache<>(ByteBuffer::asIntBuffer);

    /** Creates the codec with blocks of {@link #BLOCK} elements. */
    public Int8Codec() {
        this(BLOCK);
    }

    /**
     * Creates the codec.
     *
     * @param block elements that share a scale, from 32 to 16,384
     */
    public Int8Codec(int block) {
        super(block);
        if (block < LEAST_BLOCK || block > LARGEST) {
            throw new IllegalArgumentException("blocks of " + block + " elements: give " + NAME + " from " + LEAST_BLOCK
                    + " to " + LARGEST + ", such as " + NAME + ":" + BLOCK);
        }
        name = block == BLOCK ? NAME : NAME + ":" + block;
        int padded = 4 * words(block);
        values = new float[padded];
        bits = new int[padded];
        words = new int[words(block)];
        ByteBuffer scratch =
                ByteBuffer.allocateDirect(padded * Float.BYTES).order(ByteOrder.nativeOrder());
        ints = scratch.asIntBuffer();
        asFloats = scratch.asFloatBuffer();
    }

    /** Words of four integers. */
    private static int words(int n) {
        return (n + 3) / 4;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    int blockBytes(int n) {
        return Float.BYTES + words(n) * Integer.BYTES;
    }

    @Override
    void encodeBlock(ByteBuffer floats, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        int quarter = words(n);
        intViews.of(floats, offset % Float.BYTES).get(offset / Float.BYTES, bits, 0, n);
        int greatest = 0;
        for (int i = 0; i < n; i++) {
            greatest = Math.max(greatest, bits[i] & MAGNITUDE);
        }
        float magnitude = Float.intBitsToFloat(greatest);
        boolean finite = greatest < INFINITY;
        boolean zero = !finite || magnitude < LEAST_MAGNITUDE;
        into.putFloat(intoOffset, !finite ? Float.NaN : zero ? 0 : magnitude / LARGEST_INTEGER);
        if (zero) {
            Arrays.fill(words, 0, quarter, 0);
        } else {
            floatViews.of(floats, offset % Float.BYTES).get(offset / Float.BYTES, values, 0, n);
            round(n, quarter, LARGEST_INTEGER / magnitude);
        }
        int to = intoOffset + Float.BYTES;
        intViews.of(into, to % Integer.BYTES).put(to / Integer.BYTES, words, 0, quarter);
    }

    private void round(int n, int quarter, float factor) {
        Arrays.fill(values, n, 4 * quarter, 0);
        for (int i = 0; i < 4 * quarter; i++) {
            values[i] = values[i] * factor + SHIFT;
        }
        // Through memory: the compiler does not vectorise Float.floatToRawIntBits.
        asFloats.put(0, values, 0, 4 * quarter);
        ints.get(0, bits, 0, 4 * quarter);
        for (int i = 0; i < quarter; i++) {
            words[i] = (bits[i] & BYTE)
                    | ((bits[quarter + i] & BYTE) << 8)
                    | ((bits[2 * quarter + i] & BYTE) << 16)
                    | (bits[3 * quarter + i] << 24);
        }
    }

    @Override
    void decodeBlock(ByteBuffer encoded, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        int quarter = words(n);
        float scale = encoded.getFloat(offset);
        int from = offset + Float.BYTES;
        intViews.of(encoded, from % Integer.BYTES).get(from / Integer.BYTES, words, 0, quarter);
        for (int i = 0; i < quarter; i++) {
            bits[i] = SHIFT_BITS + ((words[i] << 24) >> 24);
            bits[quarter + i] = SHIFT_BITS + ((words[i] << 16) >> 24);
            bits[2 * quarter + i] = SHIFT_BITS + ((words[i] << 8) >> 24);
            bits[3 * quarter + i] = SHIFT_BITS + (words[i] >> 24);
        }
        ints.put(0, bits, 0, n);
        asFloats.get(0, values, 0, n);
        for (int i = 0; i < n; i++) {
            values[i] = (values[i] - SHIFT) * scale;
        }
        floatViews.of(into, intoOffset % Float.BYTES).put(intoOffset / Float.BYTES, values, 0, n);
    }
}
