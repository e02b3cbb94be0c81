package io.gyre.kernel;

/**
 * Branch-free conversion between floats and 16 bits, so that the time does not depend on the data. {@link HalfFormat}
 * defines the results.
 */
final class HalfArrays {

    /** Bits of an infinity shifted left by one, which drops the sign: those of NaN are larger. */
    private static final int INFINITY_WITHOUT_SIGN = 0xff00_0000;

    private static final float TWO_TO_112 = 0x1p112f;
    private static final float TWO_TO_MINUS_110 = 0x1p-110f;
    private static final float TWO_TO_MINUS_112 = 0x1p-112f;

    private HalfArrays() {}

    static void narrow(HalfFormat format, float[] from, short[] into, int count) {
        switch (format) {
            case FP16 -> {
                for (int i = 0; i < count; i++) {
                    into[i] = toFp16(from[i]);
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    into[i] = toBf16(Float.floatToRawIntBits(from[i]));
                }
            }
        }
    }

    static void widen(HalfFormat format, short[] from, float[] into, int count) {
        switch (format) {
            case FP16 -> {
                for (int i = 0; i < count; i++) {
                    into[i] = fromFp16(from[i]);
                }
            }
            case BF16 -> {
                for (int i = 0; i < count; i++) {
                    into[i] = Float.intBitsToFloat(from[i] << 16);
                }
            }
        }
    }

    /**
     * Uses the floating-point adder for rounding: adding a power of two 2<sup>13</sup> times that of the number leaves
     * exactly the places to be kept. Scaling up and down first turns overflow into infinity.
     */
    private static short toFp16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int doubled = bits << 1;
        float scaled = Math.abs(value) * TWO_TO_112 * TWO_TO_MINUS_110;
        // Subnormal results all use the exponent of the smallest normal number.
        int exponent = Math.max(doubled >>> 24, 0x71);
        int sum = Float.floatToRawIntBits(Float.intBitsToFloat((exponent << 23) + 0x0780_0000) + scaled);
        int magnitude = ((sum >>> 13) & 0x7c00) + (sum & 0x0fff);
        int nan = Integer.compareUnsigned(doubled, INFINITY_WITHOUT_SIGN) > 0 ? -1 : 0;
        return (short) (((bits >>> 16) & 0x8000) | (magnitude & ~nan) | (0x7e00 & nan));
    }

    /**
     * A multiplication adjusts the exponent of a normal number. The bits of a subnormal one are put into the low bits
     * of 0.5, which is then subtracted.
     */
    private static float fromFp16(short half) {
        int doubled = half << 17;
        float normal = Float.intBitsToFloat((doubled >>> 4) + 0x7000_0000) * TWO_TO_MINUS_112;
        float subnormal = Float.intBitsToFloat((doubled >>> 17) | 0x3f00_0000) - 0.5f;
        float magnitude = (doubled >>> 27) == 0 ? subnormal : normal;
        return Float.intBitsToFloat(Float.floatToRawIntBits(magnitude) | (half & 0x8000) << 16);
    }

    private static short toBf16(int bits) {
        int rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
        // All ones for NaN: without the sign, its bits are above those of infinity.
        int nan = (0x7f80_0000 - (bits & 0x7fff_ffff)) >> 31;
        return (short) ((rounded & ~nan) | ((((bits >>> 16) & 0x8000) | 0x7fc0) & nan));
    }
}
