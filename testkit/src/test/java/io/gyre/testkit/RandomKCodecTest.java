package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.RandomKCodec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class RandomKCodecTest extends PieceCodecContract {

    private static final int BLOCK = 16_384;
    private static final double FRACTION = 0.03;

    @Override
    protected GradientCodec codec() {
        return new RandomKCodec(FRACTION);
    }

    /** As many as the fraction says are as they were, and the others are zero. */
    @Override
    protected void check(float[] values, float[] decoded) {
        for (int begin = 0; begin < values.length; begin += BLOCK) {
            int n = Math.min(BLOCK, values.length - begin);
            int sent = 0;
            for (int i = begin; i < begin + n; i++) {
                if (decoded[i] != 0) {
                    assertThat(decoded[i]).isEqualTo(values[i]);
                    sent++;
                }
            }
            assertThat(sent).isEqualTo((int) Math.max(1, Math.round(n * FRACTION)));
        }
    }

    @Test
    void stepPositionAndSeedDecideWhichAreSent() {
        assertThat(drawn(0, 3, 0)).isEqualTo(drawn(0, 3, 0));
        assertThat(drawn(0, 4, 0)).isNotEqualTo(drawn(0, 3, 0));
        assertThat(drawn(0, 3, BLOCK)).isNotEqualTo(drawn(0, 3, 0));
        assertThat(drawn(1, 3, 0)).isNotEqualTo(drawn(0, 3, 0));
    }

    /** 3 % of 1,000 steps are 30 times on average, with a standard deviation of 5.4. */
    @Test
    void everyElementIsSentAboutAsOften() {
        int[] times = new int[1000];
        for (int step = 0; step < 1000; step++) {
            float[] drawn = drawn(7, step, 0);
            for (int i = 0; i < times.length; i++) {
                times[i] += drawn[i] == 0 ? 0 : 1;
            }
        }
        assertThat(Arrays.stream(times).sum()).isEqualTo(30_000);
        assertThat(Arrays.stream(times).min().orElseThrow()).isGreaterThan(5);
        assertThat(Arrays.stream(times).max().orElseThrow()).isLessThan(60);
    }

    private static float[] drawn(long seed, long step, long element) {
        RandomKCodec codec = new RandomKCodec(FRACTION);
        codec.seed(seed);
        codec.piece(step, element, false);
        ByteBuffer ones = ByteBuffer.allocateDirect(1000 * Float.BYTES).order(ByteOrder.nativeOrder());
        ByteBuffer encoded = ByteBuffer.allocateDirect(codec.encodedBytes(1000)).order(ByteOrder.nativeOrder());
        for (int i = 0; i < 1000; i++) {
            ones.putFloat(i * Float.BYTES, 1);
        }
        codec.encode(ones, 0, 1000, encoded, 0);
        codec.decode(encoded, 0, 1000, ones, 0);
        float[] drawn = new float[1000];
        ones.asFloatBuffer().get(drawn);
        return drawn;
    }

    @Test
    void fourBytesAreSentForAnElement() {
        assertThat(new RandomKCodec(0.01).encodedBytes(BLOCK)).isEqualTo(164 * 4);
    }
}
