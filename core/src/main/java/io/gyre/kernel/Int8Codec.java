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
    /** Elements that share a scale. */
    private final int scaled;

    private final float[] values = new float[LARGEST];
    private final int[] bits = new int[LARGEST];
    /** The compiler vectorises no loop that reads one array at four places. */
    private final int[][] quarters = new int[Integer.BYTES][LARGEST / Integer.BYTES];

    private final int[] words = new int[LARGEST / Integer.BYTES];
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
        super(LARGEST);
        if (block < LEAST_BLOCK || block > LARGEST) {
            throw new IllegalArgumentException("blocks of " + block + " elements: give " + NAME + " from " + LEAST_BLOCK
                    + " to " + LARGEST + ", such as " + NAME + ":" + BLOCK);
        }
        name = block == BLOCK ? NAME : NAME + ":" + block;
        scaled = block;
        ByteBuffer scratch = ByteBuffer.allocateDirect(LARGEST * Float.BYTES).order(ByteOrder.nativeOrder());
        ints = scratch.asIntBuffer();
        asFloats = scratch.asFloatBuffer();
    }

    /** Words of four integers. */
    private static int words(int n) {
        return (n + Integer.BYTES - 1) / Integer.BYTES;
    }

    private int scaleBytes(int n) {
        return (n + scaled - 1) / scaled * Float.BYTES;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    int blockBytes(int n) {
        return scaleBytes(n) + words(n) * Integer.BYTES;
    }

    /** Scales, and then words: each holds an integer of every quarter of the elements. */
    @Override
    void encodeBlock(ByteBuffer floats, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        intViews.of(floats, offset % Float.BYTES).get(offset / Float.BYTES, bits, 0, n);
        floatViews.of(floats, offset % Float.BYTES).get(offset / Float.BYTES, values, 0, n);
        for (int begin = 0; begin < n; begin += scaled) {
            int end = Math.min(n, begin + scaled);
            into.putFloat(intoOffset + begin / scaled * Float.BYTES, scale(begin, end));
        }
        int quarter = words(n);
        Arrays.fill(values, n, Integer.BYTES * quarter, SHIFT);
        // Through memory: the compiler does not vectorise Float.floatToRawIntBits.
        asFloats.put(0, values, 0, Integer.BYTES * quarter);
        for (int i = 0; i < Integer.BYTES; i++) {
            ints.get(i * quarter, quarters[i], 0, quarter);
        }
        pack(quarters[0], quarters[1], quarters[2], quarters[3], quarter);
        int to = intoOffset + scaleBytes(n);
        intViews.of(into, to % Integer.BYTES).put(to / Integer.BYTES, words, 0, quarter);
    }

    /** Divides the elements of a block by its scale, and shifts them; returns the scale. */
    private float scale(int begin, int end) {
        int greatest = greatestMagnitude(begin, end);
        float magnitude = Float.intBitsToFloat(greatest);
        if (greatest >= INFINITY || magnitude < LEAST_MAGNITUDE) {
            Arrays.fill(values, begin, end, SHIFT);
            return greatest >= INFINITY ? Float.NaN : 0;
        }
        float factor = LARGEST_INTEGER / magnitude;
        for (int i = begin; i < end; i++) {
            values[i] = values[i] * factor + SHIFT;
        }
        return magnitude / LARGEST_INTEGER;
    }

    /** Four at a time: none waits for the one before it. */
    private int greatestMagnitude(int begin, int end) {
        int a = 0;
        int b = 0;
        int c = 0;
        int d = 0;
        int i = begin;
        for (; i + 3 < end; i += 4) {
            a = Math.max(a, bits[i] & MAGNITUDE);
            b = Math.max(b, bits[i + 1] & MAGNITUDE);
            c = Math.max(c, bits[i + 2] & MAGNITUDE);
            d = Math.max(d, bits[i + 3] & MAGNITUDE);
        }
        for (; i < end; i++) {
            a = Math.max(a, bits[i] & MAGNITUDE);
        }
        return Math.max(Math.max(a, b), Math.max(c, d));
    }

    private void pack(int[] a, int[] b, int[] c, int[] d, int n) {
        for (int i = 0; i < n; i++) {
            words[i] = (a[i] & BYTE) | ((b[i] & BYTE) << 8) | ((c[i] & BYTE) << 16) | (d[i] << 24);
        }
    }

    @Override
    void decodeBlock(ByteBuffer encoded, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        int quarter = words(n);
        int from = offset + scaleBytes(n);
        intViews.of(encoded, from % Integer.BYTES).get(from / Integer.BYTES, words, 0, quarter);
        for (int i = 0; i < Integer.BYTES; i++) {
            unpack(i * Byte.SIZE, quarters[i], quarter);
            ints.put(i * quarter, quarters[i], 0, quarter);
        }
        asFloats.get(0, values, 0, n);
        for (int begin = 0; begin < n; begin += scaled) {
            float scale = encoded.getFloat(offset + begin / scaled * Float.BYTES);
            int end = Math.min(n, begin + scaled);
            for (int i = begin; i < end; i++) {
                values[i] = (values[i] - SHIFT) * scale;
            }
        }
        floatViews.of(into, intoOffset % Float.BYTES).put(intoOffset / Float.BYTES, values, 0, n);
    }

    private void unpack(int shift, int[] into, int n) {
        int left = Integer.SIZE - Byte.SIZE - shift;
        for (int i = 0; i < n; i++) {
            into[i] = SHIFT_BITS + ((words[i] << left) >> (Integer.SIZE - Byte.SIZE));
        }
    }
}
