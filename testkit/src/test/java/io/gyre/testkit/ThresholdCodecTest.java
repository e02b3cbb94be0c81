package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.ThresholdCodec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class ThresholdCodecTest extends PieceCodecContract {

    private static final float THRESHOLD = 0.02f;

    @Override
    protected GradientCodec codec() {
        return new ThresholdCodec(THRESHOLD);
    }

    @Override
    protected void check(float[] values, float[] decoded) {
        for (int i = 0; i < values.length; i++) {
            float expected = Math.abs(values[i]) < THRESHOLD ? 0 : Math.copySign(THRESHOLD, values[i]);
            assertThat(decoded[i]).as("%s, element %d", values[i], i).isEqualTo(expected);
        }
    }

    @Test
    void sumsAreMultiples() {
        ThresholdCodec codec = new ThresholdCodec(0.25f);

        assertThat(roundTrip(codec, true, 0.3f, -0.9f, 0.24f, 31.75f, 1000, 0))
                .containsExactly(0.25f, -0.75f, 0, 31.75f, 31.75f, 0);
        assertThat(roundTrip(codec, false, 0.3f, -0.9f, 0.24f, 31.75f, 1000, 0))
                .containsExactly(0.25f, -0.25f, 0, 0.25f, 0.25f, 0);
    }

    @Test
    void fewElementsTakeFourBytesEachAndManyOneByteEach() {
        ThresholdCodec codec = new ThresholdCodec(1);
        float[] values = new float[1000];
        for (int i = 0; i < 250; i++) {
            values[4 * i] = 2;
        }
        assertThat(length(codec, values)).isEqualTo(8 + 4 * 250);
        values[1] = -2;
        assertThat(length(codec, values)).isEqualTo(8 + 1000);
        assertThat(roundTrip(codec, false, values)).startsWith(1, -1, 0, 0, 1).endsWith(1, 0, 0, 0);
        assertThat(length(codec, new float[1000])).isEqualTo(8);
    }

    @Test
    void thresholdsOutsideOfTheirRangeAreRejected() {
        for (float threshold : new float[] {-1, 0, Float.NaN, Float.POSITIVE_INFINITY}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new ThresholdCodec(threshold))
                    .withMessageContainingAll("a threshold of " + threshold, "above 0", "threshold:0.001");
        }
    }

    private static int length(ThresholdCodec codec, float[] values) {
        ByteBuffer encoded = buffer(codec.encodedBytes(values.length));
        codec.encode(floats(values), 0, values.length, encoded, 0);
        return codec.bytesOf(encoded, 0, values.length);
    }

    private static float[] roundTrip(ThresholdCodec codec, boolean ofSum, float... values) {
        ByteBuffer floats = floats(values);
        ByteBuffer encoded = buffer(codec.encodedBytes(values.length));
        codec.piece(0, 0, ofSum);
        codec.encode(floats, 0, values.length, encoded, 0);
        codec.decode(encoded, 0, values.length, floats, 0);
        float[] decoded = new float[values.length];
        floats.asFloatBuffer().get(decoded);
        return decoded;
    }

    private static ByteBuffer floats(float... values) {
        ByteBuffer floats = buffer(values.length * Float.BYTES);
        floats.asFloatBuffer().put(values);
        return floats;
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}
