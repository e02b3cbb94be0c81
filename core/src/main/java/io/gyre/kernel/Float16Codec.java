package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * IEEE 754 binary16 of each float times a scale, rounded to nearest even: 11 significant bits for magnitudes from
 * 0.00006 to 65,504. Smaller ones lose bits, below 0.00000003 all; larger ones become infinite.
 *
 * <p>Giesen, <i>float_to_half_fast3_rtne</i>, 2012, without branches. The reverse is a table: Java 17 has no
 * instruction for it, and its compiler no vectors whose elements change between {@code int} and {@code float}.
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

    private final float[] floats = new float[WORDS];
    private final float[] shifts = new float[WORDS];
    private final float[] highFloats = new float[WORDS];
    private final int[] low = new int[WORDS];
    private final int[] high = new int[WORDS];
    private final int[] shifted = new int[WORDS];
    private final IntBuffer ints;
    private final FloatBuffer asFloats;
    private final ViewCache<FloatBuffer> floatViews = new ViewCache<>(ByteBuffer::asFloatBuffer);
    private final ViewCache<IntBuffer> intViews = new ViewCache<>(ByteBuffer::asIntBuffer);
    private float scale = 1;
    private float inverse = 1;

    /** Creates the codec, with the scale 1. */
    public Float16Codec() {
        ByteBuffer scratch = ByteBuffer.allocateDirect(WORDS * Float.BYTES).order(ByteOrder.nativeOrder());
        ints = scratch.asIntBuffer();
        asFloats = scratch.asFloatBuffer();
    }

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
            toBits(floats, n, bits);
        }
        for (int i = 0; i < n; i++) {
            shifts[i] = Math.abs(floats[i]) + SUBNORMAL_SHIFT;
        }
        toBits(shifts, n, shifted);
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

    /** Through memory: the compiler does not vectorise {@link Float#floatToRawIntBits}. */
    private void toBits(float[] from, int n, int[] to) {
        asFloats.put(0, from, 0, n);
        ints.get(0, to, 0, n);
    }

    @Override
    void widen(int n, int elements, ByteBuffer target, int offset) {
        float[] table = Table.FLOATS;
        for (int i = 0; i < n; i++) {
            floats[i] = table[words[i] & LOW_HALF];
            highFloats[i] = table[words[i] >>> Short.SIZE];
        }
        putScaled(floats, n, target, offset);
        putScaled(highFloats, elements - n, target, offset + n * Float.BYTES);
    }

    private void putScaled(float[] values, int n, ByteBuffer target, int offset) {
        if (inverse != 1) {
            multiply(values, inverse, n);
        }
        floatViews.of(target, offset % Float.BYTES).put(offset / Float.BYTES, values, 0, n);
    }

    /** The floats of all numbers of 16 bits: 256 KiB, of which gradients use the exponents that they have. */
    private static final class Table {

        private static final int EXPONENT = 0x1f;
        private static final int EXPONENT_SHIFT = 10;
        private static final int MANTISSA = 0x3ff;
        private static final int UNIT_OF_LEAST = -24;
        private static final float[] FLOATS = new float[1 << Short.SIZE];

        static {
            for (int half = 0; half < FLOATS.length; half++) {
                float magnitude = magnitude((half >>> EXPONENT_SHIFT) & EXPONENT, half & MANTISSA);
                FLOATS[half] = half < SIGN_16 ? magnitude : -magnitude;
            }
        }

        private static float magnitude(int exponent, int mantissa) {
            if (exponent == EXPONENT) {
                return mantissa == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
            }
            return exponent == 0
                    ? Math.scalb((float) mantissa, UNIT_OF_LEAST)
                    : Math.scalb((float) (mantissa | (MANTISSA + 1)), UNIT_OF_LEAST + exponent - 1);
        }
    }
}
