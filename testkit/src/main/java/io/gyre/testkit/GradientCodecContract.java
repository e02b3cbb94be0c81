package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.kernel.GradientCodec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The contract of a {@link GradientCodec} that encodes each element by itself. Extend it for each of them. */
public abstract class GradientCodecContract {

    /** Around zero, and around the block sizes of implementations. */
    private static final List<Integer> LENGTHS =
            List.of(0, 1, 2, 3, 5, 64, 1023, 1024, 1025, 2047, 2048, 2049, 2050, 4095, 4096, 4097, 16_384, 20_001);

    private static final int MARGIN = 64;
    private static final byte UNTOUCHED = 0x55;

    private GradientCodec codec;

    /** The codec to be tested. */
    protected abstract GradientCodec codec();

    /** What a float is after it was encoded and decoded, by definition. */
    protected abstract float rounded(float value);

    /** Values at the borders of the codec's ranges. */
    protected abstract float[] borders();

    @BeforeEach
    final void createCodec() {
        codec = codec();
    }

    @Test
    final void everyElementIsRoundedByItself() {
        for (int length : LENGTHS) {
            check(randomBits(length));
        }
    }

    @Test
    final void bordersOfTheRangesAreRoundedAsDefined() {
        float[] borders = borders();
        float[] values = new float[borders.length * 6];
        for (int i = 0; i < borders.length; i++) {
            values[6 * i] = borders[i];
            values[6 * i + 1] = Math.nextUp(borders[i]);
            values[6 * i + 2] = Math.nextDown(borders[i]);
            values[6 * i + 3] = -borders[i];
            values[6 * i + 4] = -Math.nextUp(borders[i]);
            values[6 * i + 5] = -Math.nextDown(borders[i]);
        }
        check(values);
    }

    @Test
    final void whatIsNotFiniteStaysSo() {
        float[] values = {
            Float.NaN,
            Float.intBitsToFloat(0x7f80_0001),
            Float.intBitsToFloat(0xffff_ffff),
            1,
            Float.POSITIVE_INFINITY,
            Float.NEGATIVE_INFINITY
        };
        check(values);
    }

    /** Encodes and decodes, at several places in memory, and compares each bit, except for those of NaNs. */
    private void check(float[] values) {
        int bytes = values.length * Float.BYTES;
        int encodedBytes = codec.encodedBytes(values.length);
        for (int shift : new int[] {0, Float.BYTES}) {
            ByteBuffer floats = untouched(bytes + 2 * MARGIN);
            ByteBuffer encoded = untouched(encodedBytes + 2 * MARGIN);
            ByteBuffer decoded = untouched(bytes + 2 * MARGIN);
            for (int i = 0; i < values.length; i++) {
                floats.putFloat(MARGIN + shift + i * Float.BYTES, values[i]);
            }

            codec.encode(floats, MARGIN + shift, values.length, encoded, MARGIN);
            codec.decode(encoded, MARGIN, values.length, decoded, MARGIN + shift);

            for (int i = 0; i < values.length; i++) {
                float expected = rounded(values[i]);
                float actual = decoded.getFloat(MARGIN + shift + i * Float.BYTES);
                assertThat(Float.floatToIntBits(actual))
                        .as("%s as %s, element %d of %d", values[i], codec.name(), i, values.length)
                        .isEqualTo(Float.floatToIntBits(expected));
            }
            checkUntouched(encoded, MARGIN, encodedBytes);
            checkUntouched(decoded, MARGIN + shift, bytes);
        }
    }

    private static ByteBuffer untouched(int bytes) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        byte[] pattern = new byte[bytes];
        Arrays.fill(pattern, UNTOUCHED);
        return buffer.put(0, pattern);
    }

    private static void checkUntouched(ByteBuffer buffer, int from, int length) {
        for (int i = 0; i < buffer.capacity(); i++) {
            if (i < from || i >= from + length) {
                assertThat(buffer.get(i)).as("byte %d, outside", i).isEqualTo(UNTOUCHED);
            }
        }
    }

    private static float[] randomBits(int length) {
        SplittableRandom random = new SplittableRandom(length);
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = Float.intBitsToFloat(random.nextInt());
        }
        return values;
    }
}
