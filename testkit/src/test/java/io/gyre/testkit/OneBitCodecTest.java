package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.OneBitCodec;
import org.junit.jupiter.api.Test;

class OneBitCodecTest extends PieceCodecContract {

    private static final int BLOCK = 2048;

    @Override
    protected GradientCodec codec() {
        return new OneBitCodec();
    }

    /** Each element becomes the mean of those of its block with its sign. */
    @Override
    protected void check(float[] values, float[] decoded) {
        for (int begin = 0; begin < values.length; begin += BLOCK) {
            int end = Math.min(values.length, begin + BLOCK);
            double[] sums = new double[2];
            int[] counts = new int[2];
            for (int i = begin; i < end; i++) {
                int sign = values[i] < 0 ? 1 : 0;
                sums[sign] += values[i];
                counts[sign]++;
            }
            for (int i = begin; i < end; i++) {
                int sign = values[i] < 0 ? 1 : 0;
                assertThat(decoded[i])
                        .as("element %d", i)
                        .isCloseTo((float) (sums[sign] / counts[sign]), within(1e-6f));
            }
        }
    }

    @Test
    void oneBitIsSentForAnElementAndEightBytesForABlock() {
        assertThat(new OneBitCodec().encodedBytes(2 * BLOCK)).isEqualTo(2 * (BLOCK / 8 + 8));
        assertThat(new OneBitCodec().encodedBytes(33)).isEqualTo(8 + 8);
    }
}
