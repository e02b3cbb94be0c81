package io.gyre.testkit;

import io.gyre.kernel.Bfloat16Codec;
import io.gyre.kernel.GradientCodec;

class Bfloat16CodecTest extends GradientCodecContract {

    private static final int LOST = 0x1_0000;

    @Override
    protected GradientCodec codec() {
        return new Bfloat16Codec();
    }

    /** The nearer of the two neighbours; of two equally near ones, that whose last bit is 0. */
    @Override
    protected float rounded(float value) {
        if (Float.isNaN(value)) {
            return value;
        }
        int bits = Float.floatToIntBits(value);
        int down = bits & -LOST;
        int lost = bits - down;
        boolean up = lost > LOST / 2 || (lost == LOST / 2 && (down & LOST) != 0);
        return Float.intBitsToFloat(up ? down + LOST : down);
    }

    @Override
    protected float[] borders() {
        return new float[] {
            0,
            1,
            Float.MIN_VALUE,
            Float.MIN_NORMAL,
            Float.MAX_VALUE,
            Float.intBitsToFloat(0x3f80_8000),
            Float.intBitsToFloat(0x3f81_8000),
            Float.intBitsToFloat(0x7f7f_8000),
            Float.intBitsToFloat(0x0000_8000),
            Float.intBitsToFloat(0x0001_8000)
        };
    }
}
