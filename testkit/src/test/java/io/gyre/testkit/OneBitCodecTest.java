package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.OneBitCodec;
import org.junit.jupiter.api.Test;

class OneBitCodecTest extends PieceCodecContract {

    private static final int BLOCK = 16_384;

    @Override
    protected GradientCodec codec() {
        return new OneBitCodec();
    }

    /** Each element becomes the mean of those with its sign in an eighth of its block, in whole words of signs. */
    @Override
    protected void check(float[] values, float[] decoded) {
        for (int block = 0; block < values.length; block += BLOCK) {
            int n = Math.min(BLOCK, values.length - block);
            int eighth = (n + 31) / 32 * 4;
            for (int begin = 0; begin < n; begin += eighth) {
                checkGroup(values, decoded, block + begin, block + Math.min(n, begin + eighth));
            }
        }
    }

    private static void checkGroup(float[] values, float[] decoded, int begin, int end) {
        double[] sums = new double[2];
        int[] counts = new int[2];
        for (int i = begin; i < end; i++) {
            int sign = values[i] < 0 ? 1 : 0;
            sums[sign] += values[i];
            counts[sign]++;
        }
        for (int i = begin; i < end; i++) {
            int sign = values[i] < 0 ? 1 : 0;
            assertThat(decoded[i]).as("element %d", i).isCloseTo((float) (sums[sign] / counts[sign]), within(1e-6f));
        }
    }

    @Test
    void oneBitIsSentForAnElementAndEightBytesForTwoMeans() {
        assertThat(new OneBitCodec().encodedBytes(2 * BLOCK)).isEqualTo(2 * (BLOCK / 8 + 64));
        assertThat(new OneBitCodec().encodedBytes(33)).isEqualTo(64 + 8);
    }
}
