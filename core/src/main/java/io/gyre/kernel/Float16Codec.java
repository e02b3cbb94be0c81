package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * IEEE 754 binary16 of each float times a scale, rounded to nearest even: 11 significant bits for magnitudes from
 * 0.00006 to 65,504. Smaller ones lose bits, below 0.00000003 all; larger ones become infinite.
 *
 * <p>Giesen, <i>float_to_half_fast3_rtne</i> and <i>half_to_float_fast</i>, 2012, without branches.
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

    /** Exponent and mantissa in 16 bits. */
    private static final int MAGNITUDE_16 = 0x7fff;

    private static final int INFINITY_16 = 0x7c00;
    private static final int QUIET_16 = 0x0200;
    private static final int LOST_BITS = 13;
    private static final int HALF_UNIT = 0xfff;
    private static final int BIAS_DIFFERENCE = 112 << 23;
    private static final int EXPONENT_UNIT = 1 << 23;

    /** Added to a magnitude, leaves a multiple of the least subnormal number in the lowest bits. */
    private static final float SUBNORMAL_SHIFT = 0.5f;

    private static final int SUBNORMAL_SHIFT_BITS = 0x3f00_0000;

    private final float[] floats = new float[WORDS];
    private final float[] shifts = new float[WORDS];
    private final float[] signs = new float[WORDS];
    private final int[] bits = new int[WORDS];
    private final int[] shifted = new int[WORDS];
    private final IntBuffer ints;
    private final FloatBuffer asFloats;
    private final ViewCache<FloatBuffer> views = new ViewCache<>(ByteBuffer::asFloatBuffer);
    private float scale = 1;
    private int inverseBits = Float.floatToRawIntBits(1);

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
        inverseBits = Float.floatToRawIntBits(1 / powerOfTwo);
    }

    @Override
    void round(ByteBuffer source, int offset, int n, int[] into) {
        views.of(source, offset % Float.BYTES).get(offset / Float.BYTES, floats, 0, n);
        for (int i = 0; i < n; i++) {
            floats[i] *= scale;
        }
        toBits(floats, n, bits);
        for (int i = 0; i < n; i++) {
            floats[i] = Math.abs(floats[i]) + SUBNORMAL_SHIFT;
        }
        toBits(floats, n, shifted);
        for (int i = 0; i < n; i++) {
            int x = bits[i] & MAGNITUDE;
            int subnormal = (x - LEAST_NORMAL) >> 31;
            int infinite = (LEAST_INFINITE - 1 - x) >> 31;
            int nan = (INFINITY - x) >> 31;
            int normal = (x - BIAS_DIFFERENCE + HALF_UNIT + ((x >>> LOST_BITS) & 1)) >>> LOST_BITS;
            int finite = ((shifted[i] - SUBNORMAL_SHIFT_BITS) & subnormal) | (normal & ~subnormal);
            into[i] = ((bits[i] >>> 16) & SIGN_16) | (finite & ~infinite) | (INFINITY_16 & infinite) | (QUIET_16 & nan);
        }
    }

    @Override
    void widen(int[] values, int n, ByteBuffer target, int offset) {
        for (int i = 0; i < n; i++) {
            int x = (values[i] & MAGNITUDE_16) << LOST_BITS;
            int exponent = x & (INFINITY_16 << LOST_BITS);
            int subnormal = (exponent - 1) >> 31;
            int infinite = ((INFINITY_16 << LOST_BITS) - 1 - exponent) >> 31;
            bits[i] = x + BIAS_DIFFERENCE + (BIAS_DIFFERENCE & infinite) + (EXPONENT_UNIT & subnormal);
            shifted[i] = LEAST_NORMAL & subnormal;
            values[i] = ((values[i] & SIGN_16) << 16) | inverseBits;
        }
        toFloats(bits, n, floats);
        toFloats(shifted, n, shifts);
        toFloats(values, n, signs);
        for (int i = 0; i < n; i++) {
            floats[i] = (floats[i] - shifts[i]) * signs[i];
        }
        views.of(target, offset % Float.BYTES).put(offset / Float.BYTES, floats, 0, n);
    }

    /** Through memory: the compiler does not vectorise {@link Float#floatToRawIntBits}. */
    private void toBits(float[] from, int n, int[] to) {
        asFloats.put(0, from, 0, n);
        ints.get(0, to, 0, n);
    }

    private void toFloats(int[] from, int n, float[] to) {
        ints.put(0, from, 0, n);
        asFloats.get(0, to, 0, n);
    }
}
