package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.kernel.Float16Codec;
import io.gyre.kernel.GradientCodec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class Float16CodecTest extends GradientCodecContract {

    private static final double LEAST = 0x1p-24;
    private static final int LEAST_EXPONENT = -14;
    private static final int SIGNIFICANT_BITS = 11;
    private static final double LARGEST = 65_504;

    @Override
    protected GradientCodec codec() {
        return new Float16Codec();
    }

    /** The nearest multiple of the unit in the last place, by {@link Math#rint}, which rounds half to even. */
    @Override
    protected float rounded(float value) {
        if (Float.isNaN(value) || Float.isInfinite(value) || value == 0) {
            return value;
        }
        int exponent = Math.max(LEAST_EXPONENT, Math.getExponent(value));
        double unit = Math.scalb(1.0, exponent - SIGNIFICANT_BITS + 1);
        double nearest = Math.rint(value / unit) * unit;
        return (float) (Math.abs(nearest) > LARGEST ? Math.copySign(Double.POSITIVE_INFINITY, value) : nearest);
    }

    @Override
    protected float[] borders() {
        return new float[] {
            0,
            1,
            Float.MIN_VALUE,
            (float) (LEAST / 2),
            (float) LEAST,
            (float) (1.5 * LEAST),
            (float) (2.5 * LEAST),
            0x1p-14f,
            (float) (0x1p-14 - LEAST / 2),
            1 + 0x1p-11f,
            1 + 3 * 0x1p-11f,
            65_504,
            65_519,
            65_520,
            65_536,
            Float.MAX_VALUE
        };
    }

    @Test
    void everyNumberOfSixteenBitsIsDecodedToItself() {
        int count = 1 << Short.SIZE;
        ByteBuffer encoded = direct(count * Short.BYTES);
        ByteBuffer floats = direct(count * Float.BYTES);
        ByteBuffer again = direct(count * Short.BYTES);
        for (int i = 0; i < count; i++) {
            boolean nan = (i & 0x7c00) == 0x7c00 && (i & 0x3ff) != 0;
            encoded.putShort(i * Short.BYTES, (short) (nan ? 0x7e00 : i));
        }
        GradientCodec codec = codec();

        codec.decode(encoded, 0, count, floats, 0);
        codec.encode(floats, 0, count, again, 0);

        assertThat(again).isEqualTo(encoded);
    }

    @Test
    void aScaleKeepsSmallNumbersAndIsUndone() {
        Float16Codec codec = new Float16Codec();
        codec.scale(0x1p16f);
        float[] values = {1e-9f, -3e-12f, 0, -0f, 0.5f, 2};
        float[] expected = {rounded(1e-9f * 0x1p16f) * 0x1p-16f, rounded(-3e-12f * 0x1p16f) * 0x1p-16f, 0, -0f, 0.5f};
        ByteBuffer floats = direct(values.length * Float.BYTES);
        floats.asFloatBuffer().put(values);
        ByteBuffer encoded = direct(codec.encodedBytes(values.length));

        codec.encode(floats, 0, values.length, encoded, 0);
        codec.decode(encoded, 0, values.length, floats, 0);

        float[] decoded = new float[values.length];
        floats.asFloatBuffer().get(decoded);
        assertThat(decoded).startsWith(expected).endsWith(Float.POSITIVE_INFINITY);
        assertThat(decoded[0]).isNotZero();
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}
