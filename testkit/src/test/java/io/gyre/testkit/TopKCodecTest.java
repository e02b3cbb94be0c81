package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.TopKCodec;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TopKCodecTest extends PieceCodecContract {

    private static final int BLOCK = 16_384;
    private static final double FRACTION = 0.03;

    @Override
    protected GradientCodec codec() {
        return new TopKCodec(FRACTION);
    }

    /** By sorting, which keeps the order of equal magnitudes. */
    @Override
    protected void check(float[] values, float[] decoded) {
        float[] expected = new float[values.length];
        for (int begin = 0; begin < values.length; begin += BLOCK) {
            int n = Math.min(BLOCK, values.length - begin);
            IntStream.range(begin, begin + n)
                    .boxed()
                    .sorted(Comparator.comparingDouble(i -> -Math.abs(values[i])))
                    .limit(Math.max(1, Math.round(n * FRACTION)))
                    .forEach(i -> expected[i] = values[i]);
        }
        assertThat(decoded).isEqualTo(expected);
    }

    @Test
    void ofEqualMagnitudesTheFirstAreSent() {
        float[] values = new float[1000];
        Arrays.fill(values, -2);
        values[500] = 3;
        float[] expected = new float[1000];
        Arrays.fill(expected, 0, 29, -2);
        expected[500] = 3;

        assertThat(decoded(codec(), values)).isEqualTo(expected);
    }

    @Test
    void allAreSentIfTheFractionIsOne() {
        float[] values = {0, -1, Float.MIN_VALUE, 3, 2, 5, 6};

        assertThat(decoded(new TopKCodec(1), values)).isEqualTo(values);
    }

    @Test
    void sixBytesAreSentForAnElement() {
        assertThat(new TopKCodec(0.01).encodedBytes(BLOCK)).isEqualTo(164 * 6);
    }

    @Test
    void fractionsOutsideOfTheirRangeAreRejected() {
        for (double fraction : new double[] {-0.1, 0, 1.1, Double.NaN}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new TopKCodec(fraction))
                    .withMessageContainingAll("a fraction of " + fraction, "more than 0 and at most 1", "topk:0.01");
        }
    }
}
