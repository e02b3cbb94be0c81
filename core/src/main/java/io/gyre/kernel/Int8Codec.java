package io.gyre.kernel;

import java.nio.ByteBuffer;
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
    private static final int HEADER = Reinterpreted.HEADER;

    /** Words of a column of a block: its floats and integers fit into a first-level cache. */
    private static final int COLUMN = 1024;

    /** The greatest of 256 magnitudes is found in four rows. */
    private static final int ROWS = 4;

    private static final int ROW = 64;

    /** Whether the compiler vectorises a loop that finds a greatest integer. */
    private static final boolean FINDS_GREATEST = Runtime.version().feature() >= 25;

    private final String name;
    /** Elements that share a scale. */
    private final int scaled;

    /** Of a block, by scale: the bits of the greatest magnitude, and the factor, or zero for what becomes zero. */
    private final int[] greatest = new int[LARGEST / LEAST_BLOCK];

    private final float[] factors = new float[LARGEST / LEAST_BLOCK];
    private final int[] bits = new int[COLUMN];
    private final int[] maxima = new int[COLUMN];
    private final float[] values = new float[COLUMN];
    private final int[] words = new int[COLUMN];
    /** A column's part of each quarter, shifted. */
    private final int[] shifted = new int[Integer.BYTES * COLUMN];

    private final Reinterpreted reinterpreted = new Reinterpreted(COLUMN);

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
        findGreatest(intViews.of(floats, offset % Float.BYTES), offset / Float.BYTES, n);
        for (int i = 0; i * scaled < n; i++) {
            into.putFloat(intoOffset + i * Float.BYTES, scale(i));
        }
        FloatBuffer elements = floatViews.of(floats, offset % Float.BYTES);
        int quarter = words(n);
        int to = intoOffset + scaleBytes(n);
        IntBuffer encoded = intViews.of(into, to % Integer.BYTES);
        for (int column = 0; column < quarter; column += COLUMN) {
            int width = Math.min(COLUMN, quarter - column);
            for (int i = 0; i < Integer.BYTES; i++) {
                int begin = Math.min(n, i * quarter + column);
                int there = Math.min(width, n - begin);
                elements.get(offset / Float.BYTES + begin, values, 0, there);
                quantise(begin, there);
                Arrays.fill(values, there, width, SHIFT);
                reinterpreted.toInts(values, shifted, i * COLUMN, width);
            }
            pack(shifted, words, width);
            encoded.put(to / Integer.BYTES + column, words, 0, width);
        }
    }

    private void findGreatest(IntBuffer source, int at, int n) {
        Arrays.fill(greatest, 0);
        for (int done = 0; done < n; done += COLUMN) {
            int there = Math.min(COLUMN, n - done);
            source.get(at + done, bits, 0, there);
            for (int begin = 0; begin < there; ) {
                int index = (done + begin) / scaled;
                int end = Math.min(there, (index + 1) * scaled - done);
                greatest[index] = Math.max(greatest[index], greatestMagnitude(begin, end));
                begin = end;
            }
        }
    }

    private int greatestMagnitude(int begin, int end) {
        if (FINDS_GREATEST) {
            return greatest(bits, begin, end);
        }
        int result = 0;
        int i = begin;
        for (; i + ROWS * ROW <= end; i += ROWS * ROW) {
            raise(bits, i, maxima);
            result = Math.max(result, greatest(maxima, i, i + ROW / 4));
        }
        return Math.max(result, greatest(bits, i, end));
    }

    private static int greatest(int[] bits, int begin, int end) {
        int result = 0;
        for (int i = begin; i < end; i++) {
            result = Math.max(result, bits[i] & MAGNITUDE);
        }
        return result;
    }

    /** Of four rows, and then of four parts of the row of maxima. */
    private static void raise(int[] bits, int first, int[] maxima) {
        // So the compiler knows that sums do not overflow.
        int begin = first & (COLUMN - 1);
        for (int i = begin; i < begin + ROW; i++) {
            maxima[i] = greater(
                    greater(bits[i] & MAGNITUDE, bits[i + ROW] & MAGNITUDE),
                    greater(bits[i + 2 * ROW] & MAGNITUDE, bits[i + 3 * ROW] & MAGNITUDE));
        }
        for (int i = begin; i < begin + ROW / 4; i++) {
            maxima[i] = greater(
                    greater(maxima[i], maxima[i + ROW / 4]), greater(maxima[i + ROW / 2], maxima[i + ROW / 4 * 3]));
        }
    }

    /** Without {@link Math#max}, which the compiler does not vectorise before Java 20. */
    private static int greater(int a, int b) {
        int more = a - b;
        return b + (more & ~(more >> 31));
    }

    /** Returns the scale for a greatest magnitude, and keeps its inverse. */
    private float scale(int index) {
        float magnitude = Float.intBitsToFloat(greatest[index]);
        if (greatest[index] >= INFINITY || magnitude < LEAST_MAGNITUDE) {
            factors[index] = 0;
            return greatest[index] >= INFINITY ? Float.NaN : 0;
        }
        factors[index] = LARGEST_INTEGER / magnitude;
        return magnitude / LARGEST_INTEGER;
    }

    /** Multiplies values by the factors of their blocks, and shifts them. */
    private void quantise(int first, int n) {
        for (int done = 0; done < n; ) {
            int index = (first + done) / scaled;
            int end = Math.min(n, (index + 1) * scaled - first);
            if (factors[index] == 0) {
                Arrays.fill(values, done, end, SHIFT);
            } else {
                shift(values, done, end, factors[index]);
            }
            done = end;
        }
    }

    private static void shift(float[] values, int begin, int end, float factor) {
        for (int i = begin; i < end; i++) {
            values[i] = values[i] * factor + SHIFT;
        }
    }

    private static void pack(int[] shifted, int[] into, int n) {
        for (int i = 0; i < n; i++) {
            into[i] = (shifted[i] & BYTE)
                    | ((shifted[i + COLUMN] & BYTE) << 8)
                    | ((shifted[i + 2 * COLUMN] & BYTE) << 16)
                    | (shifted[i + 3 * COLUMN] << 24);
        }
    }

    @Override
    void decodeBlock(ByteBuffer encoded, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        int quarter = words(n);
        int from = offset + scaleBytes(n);
        IntBuffer source = intViews.of(encoded, from % Integer.BYTES);
        FloatBuffer decoded = floatViews.of(into, intoOffset % Float.BYTES);
        for (int column = 0; column < quarter; column += COLUMN) {
            int width = Math.min(COLUMN, quarter - column);
            source.get(from / Integer.BYTES + column, words, 0, width);
            for (int i = 0; i < Integer.BYTES; i++) {
                int begin = Math.min(n, i * quarter + column);
                int there = Math.min(width, n - begin);
                unpack(words, i * Byte.SIZE, reinterpreted.ints, there);
                multiply(encoded, offset, begin, there);
                decoded.put(intoOffset / Float.BYTES + begin, values, 0, there);
            }
        }
    }

    private static void unpack(int[] words, int shift, IntBuffer into, int n) {
        int left = Integer.SIZE - Byte.SIZE - shift;
        int end = Math.min(n, COLUMN);
        for (int i = 0; i < end; i++) {
            into.put(i + HEADER, SHIFT_BITS + ((words[i] << left) >> (Integer.SIZE - Byte.SIZE)));
        }
    }

    /** The reverse of {@link #quantise}. */
    private void multiply(ByteBuffer scales, int offset, int first, int n) {
        for (int done = 0; done < n; ) {
            int index = (first + done) / scaled;
            int end = Math.min(n, (index + 1) * scaled - first);
            unshift(reinterpreted.floats, values, done, end, scales.getFloat(offset + index * Float.BYTES));
            done = end;
        }
    }

    private static void unshift(FloatBuffer from, float[] into, int begin, int end, float scale) {
        int limit = Math.min(end, COLUMN);
        for (int i = begin & (COLUMN - 1); i < limit; i++) {
            into[i] = (from.get(i + HEADER) - SHIFT) * scale;
        }
    }
}
