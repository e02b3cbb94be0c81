package io.gyre.kernel;

/**
 * 16-bit formats that represent a float on the wire. Conversion rounds to nearest, ties to even. Overflow gives
 * infinity. NaN stays NaN, quiet, with its sign.
 */
public enum HalfFormat {
    /** IEEE 754 binary16: 11 bits of precision, up to 65,504, with subnormal numbers down to 2<sup>-24</sup>. */
    FP16 {
        @Override
        public short narrow(float value) {
            int sign = (Float.floatToRawIntBits(value) >>> 16) & 0x8000;
            if (Float.isNaN(value)) {
                return (short) (sign | 0x7e00);
            }
            double magnitude = Math.abs(value);
            if (magnitude >= 65_520) { // half a unit beyond the largest
                return (short) (sign | 0x7c00);
            }
            int exponent = Math.max(-14, Math.getExponent(value));
            // In units of the last place, which is exact; rounding up to the next power of two carries into the
            // exponent.
            int significand = (int) Math.rint(Math.scalb(magnitude, 10 - exponent));
            return (short) (sign | (((exponent + 14) << 10) + significand));
        }

        @Override
        public float widen(short half) {
            int exponent = (half >>> 10) & 0x1f;
            int fraction = half & 0x3ff;
            float magnitude;
            if (exponent == 0x1f) {
                magnitude = fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
            } else {
                magnitude = Math.scalb(
                        exponent == 0 ? (float) fraction : (float) (0x400 | fraction), Math.max(1, exponent) - 25);
            }
            return Float.intBitsToFloat(Float.floatToRawIntBits(magnitude) | (half & 0x8000) << 16);
        }
    },

    /** The upper half of a float: its full range, with 8 bits of precision. */
    BF16 {
        @Override
        public short narrow(float value) {
            int bits = Float.floatToRawIntBits(value);
            if (Float.isNaN(value)) {
                return (short) (((bits >>> 16) & 0x8000) | 0x7fc0);
            }
            int odd = (bits >>> 16) & 1;
            return (short) ((bits + 0x7fff + odd) >>> 16);
        }

        @Override
        public float widen(short half) {
            return Float.intBitsToFloat(half << 16);
        }
    };

    /** Size of one number. */
    public static final int BYTES = Short.BYTES;

    /** Converts to the nearest number in this format. */
    public abstract short narrow(float value);

    /** Converts to a float, which is exact. */
    public abstract float widen(short half);
}
