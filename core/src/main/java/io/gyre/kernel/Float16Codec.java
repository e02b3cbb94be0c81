package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * IEEE 754 binary16 of each float times a scale, rounded to nearest even: 11 significant bits for magnitudes from
 * 0.00006 to 65,504. Smaller ones lose bits, below 0.00000003 all; larger ones become infinite.
 *
 * <p>Giesen, <i>float_to_half_fast3_rtne</i>, 2012, without branches. The reverse has none either: Java 17 has no
 * instruction for it. A magnitude becomes a float whose exponent is 111 too great, so that infinity and NaN are such
 * without a test; and of its half and what is left without the leading bit, the lesser is right.
 */
public final class Float16Codec extends SixteenBitCodec implements ScaledCodec {

    /** The name on the command line. */
    public static final String NAME = "fp16";

    /** Bits of a float: its sign in 16 bits, its magnitude, infinity. */
    private static final int SIGN_16 = 0x8000;

    private static final int MAGNITUDE = 0x7fff_ffff;
    private static final int INFINITY = 0x7f80_0000;

    /** Least normal number, and least magnitude that is infinite for its exponent, as bits of a float. */
    private static final int LEAST_NORMAL = 0x3880_0000;

    private static final int LEAST_INFINITE = 0x4780_0000;

    /** Makes infinity NaN, in 16 bits, and what brings the sign of a difference there. */
    private static final int QUIET_16 = 0x0200;

    private static final int SIGN_TO_QUIET = 22;
    private static final int LOST_BITS = 13;
    private static final int HALF_UNIT = 0xfff;
    private static final int BIAS_DIFFERENCE = 112 << 23;

    /** Added to a magnitude, leaves a multiple of the least subnormal number in the lowest bits. */
    private static final float SUBNORMAL_SHIFT = 0.5f;

    private static final int SUBNORMAL_SHIFT_BITS = 0x3f00_0000;

    /** A half's bits in the place of a float's, but for its sign, and what then makes infinity's exponent a float's. */
    private static final int LEFT_TO_WIDE = Short.SIZE - LOST_BITS;

    private static final int WIDE_MAGNITUDE = 0x7fff << LOST_BITS;
    private static final int WIDE_BIAS = 224 << 23;

    /** Leading bit of a magnitude with the least exponent, and what undoes the excess of all exponents. */
    private static final float WIDE_LEADING = 0x1p97f;

    private static final int WIDE_UNIT_BITS = (127 - 111) << 23;
    private static final int SIGN = 0x8000_0000;
    private static final int HEADER = Reinterpreted.HEADER;

    private final float[] floats = new float[WORDS];
    private final float[] shifts = new float[WORDS];
    private final int[] low = new int[WORDS];
    private final int[] high = new int[WORDS];
    private final int[] shifted = new int[WORDS];
    private final Reinterpreted wide = new Reinterpreted(WORDS);
    /** 2<sup>-111</sup> with the sign of each element. */
    private final Reinterpreted units = new Reinterpreted(WORDS);

    private final ViewCache<FloatBuffer> floatViews = new ViewCache<>(ByteBuffer::asFloatBuffer);
    private final ViewCache<IntBuffer> intViews = new ViewCache<>(ByteBuffer::asIntBuffer);
    private float scale = 1;
    private float inverse = 1;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public void scale(float powerOfTwo) {
        scale = powerOfTwo;
        inverse = 1 / powerOfTwo;
    }

    @Override
    void round(ByteBuffer source, int offset, int n, int elements) {
        roundHalf(source, offset, n, low);
        roundHalf(source, offset + n * Float.BYTES, elements - n, high);
        for (int i = 0; i < n; i++) {
            words[i] = low[i] | (high[i] << Short.SIZE);
        }
    }

    private void roundHalf(ByteBuffer source, int offset, int n, int[] bits) {
        floatViews.of(source, offset % Float.BYTES).get(offset / Float.BYTES, floats, 0, n);
        if (scale == 1) {
            intViews.of(source, offset % Float.BYTES).get(offset / Float.BYTES, bits, 0, n);
        } else {
            multiply(floats, scale, n);
            wide.toInts(floats, bits, 0, n);
        }
        for (int i = 0; i < n; i++) {
            shifts[i] = Math.abs(floats[i]) + SUBNORMAL_SHIFT;
        }
        wide.toInts(shifts, shifted, 0, n);
        for (int i = 0; i < n; i++) {
            int x = bits[i] & MAGNITUDE;
            int excess = LEAST_INFINITE - x;
            int nan = ((INFINITY - x) >>> SIGN_TO_QUIET) & QUIET_16;
            int clamped = x + (excess & (excess >> 31));
            int subnormal = (clamped - LEAST_NORMAL) >> 31;
            int normal = (clamped - BIAS_DIFFERENCE + HALF_UNIT + ((clamped >>> LOST_BITS) & 1)) >>> LOST_BITS;
            int magnitude = normal ^ ((normal ^ (shifted[i] - SUBNORMAL_SHIFT_BITS)) & subnormal);
            bits[i] = ((bits[i] >>> Short.SIZE) & SIGN_16) | magnitude | nan;
        }
    }

    private static void multiply(float[] values, float factor, int n) {
        for (int i = 0; i < n; i++) {
            values[i] *= factor;
        }
    }

    @Override
    void widen(int n, int elements, ByteBuffer target, int offset) {
        widen(words, Short.SIZE, wide.ints, units.ints, n);
        putHalf(n, target, offset);
        widen(words, 0, wide.ints, units.ints, elements - n);
        putHalf(elements - n, target, offset + n * Float.BYTES);
    }

    private static void widen(int[] words, int left, IntBuffer magnitudes, IntBuffer signs, int n) {
        int end = Math.min(n, WORDS);
        for (int i = 0; i < end; i++) {
            magnitudes.put(i + HEADER, (((words[i] << left) >>> LEFT_TO_WIDE) & WIDE_MAGNITUDE) + WIDE_BIAS);
        }
        for (int i = 0; i < end; i++) {
            signs.put(i + HEADER, ((words[i] << left) & SIGN) | WIDE_UNIT_BITS);
        }
    }

    private void putHalf(int n, ByteBuffer target, int offset) {
        unwiden(wide.floats, units.floats, floats, n);
        if (inverse != 1) {
            multiply(floats, inverse, n);
        }
        floatViews.of(target, offset % Float.BYTES).put(offset / Float.BYTES, floats, 0, n);
    }

    private static void unwiden(FloatBuffer magnitudes, FloatBuffer signs, float[] into, int n) {
        int end = Math.min(n, WORDS);
        for (int i = 0; i < end; i++) {
            float magnitude = magnitudes.get(i + HEADER);
            into[i] = Math.min(magnitude * 0.5f, magnitude - WIDE_LEADING) * signs.get(i + HEADER);
        }
    }
}
