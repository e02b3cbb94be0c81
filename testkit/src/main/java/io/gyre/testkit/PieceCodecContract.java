package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.SparseCodec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * The contract of a {@link GradientCodec} that encodes elements together, so that what one becomes depends on its
 * neighbours. Extend it for each of them.
 */
public abstract class PieceCodecContract {

    /** Around zero, and around the block sizes of implementations. */
    private static final List<Integer> LENGTHS = List.of(
            0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 255, 256, 257, 2047, 2048, 2049, 4097, 16_383, 16_384, 16_385, 40_001);

    private static final int MARGIN = 64;
    private static final byte UNTOUCHED = 0x55;

    /** A new codec. */
    protected abstract GradientCodec codec();

    /** Fails if a piece may not be decoded like this. */
    protected abstract void check(float[] values, float[] decoded);

    @Test
    final void piecesOfEveryLengthAreDecodedAsDefined() {
        for (int length : LENGTHS) {
            float[] values = values(length, length);

            check(values, decoded(codec(), values, 0));
        }
    }

    @Test
    final void everyCodecAndPlaceInMemoryGivesTheSameBits() {
        GradientCodec used = codec();
        for (int length : LENGTHS) {
            float[] values = values(length, 7);

            float[] first = decoded(used, values, 0);

            assertThat(decoded(used, values, Float.BYTES)).isEqualTo(first);
            assertThat(decoded(codec(), values, 0)).isEqualTo(first);
        }
    }

    @Test
    final void whatIsNotFiniteIsNoticedWhereverItIs() {
        SplittableRandom random = new SplittableRandom(3);
        for (int length : LENGTHS.subList(1, LENGTHS.size())) {
            for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                float[] values = values(length, 1);
                values[random.nextInt(length)] = bad;

                float[] decoded = decoded(codec(), values, 0);

                assertThat(allFinite(decoded))
                        .as("%s among %d elements", bad, length)
                        .isFalse();
            }
        }
    }

    @Test
    final void zerosStayZeros() {
        for (int length : LENGTHS) {
            assertThat(decoded(codec(), new float[length], 0)).isEqualTo(new float[length]);
        }
    }

    /** Otherwise error feedback would grow without a bound. */
    @Test
    final void theErrorIsNoLongerThanTheVector() {
        for (int length : LENGTHS) {
            float[] values = values(length, 5);

            float[] decoded = decoded(codec(), values, 0);

            double error = 0;
            double norm = 0;
            for (int i = 0; i < length; i++) {
                error += Math.pow(values[i] - decoded[i], 2);
                norm += Math.pow(values[i], 2);
            }
            assertThat(error).isLessThanOrEqualTo(norm * (1 + 1e-6));
        }
    }

    @Test
    final void addingIsDecodingAndAdding() {
        if (!(codec() instanceof SparseCodec codec)) {
            return;
        }
        for (int length : LENGTHS) {
            float[] values = values(length, 9);
            float[] decoded = decoded(codec, values, 0);
            ByteBuffer floats = buffer(length * Float.BYTES);
            ByteBuffer encoded = buffer(codec.encodedBytes(length));
            ByteBuffer sum = buffer(length * Float.BYTES);
            floats.asFloatBuffer().put(values);
            sum.asFloatBuffer().put(values);

            codec.piece(4, 100, false);
            codec.encode(floats, 0, length, encoded, 0);
            codec.add(encoded, 0, length, sum, 0);

            for (int i = 0; i < length; i++) {
                assertThat(sum.getFloat(i * Float.BYTES)).isEqualTo(values[i] + decoded[i]);
            }
        }
    }

    /** Encodes and decodes. */
    protected static float[] decoded(GradientCodec codec, float[] values) {
        return decoded(codec, values, 0);
    }

    /** Encodes and decodes, and checks that nothing outside is touched, and what the lengths say. */
    private static float[] decoded(GradientCodec codec, float[] values, int shift) {
        int bytes = values.length * Float.BYTES;
        int most = codec.encodedBytes(values.length);
        ByteBuffer floats = untouched(bytes + 2 * MARGIN);
        ByteBuffer encoded = untouched(most + 2 * MARGIN);
        ByteBuffer decoded = untouched(bytes + 2 * MARGIN);
        for (int i = 0; i < values.length; i++) {
            floats.putFloat(MARGIN + shift + i * Float.BYTES, values[i]);
        }

        codec.piece(4, 100, false);
        codec.encode(floats, MARGIN + shift, values.length, encoded, MARGIN);
        int length = values.length == 0 ? 0 : codec.bytesOf(encoded, MARGIN, values.length);
        codec.decode(encoded, MARGIN, values.length, decoded, MARGIN + shift);

        assertThat(length).isBetween(0, most);
        checkUntouched(encoded, MARGIN, length);
        checkUntouched(decoded, MARGIN + shift, bytes);
        float[] result = new float[values.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = decoded.getFloat(MARGIN + shift + i * Float.BYTES);
        }
        return result;
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    private static ByteBuffer untouched(int bytes) {
        byte[] pattern = new byte[bytes];
        Arrays.fill(pattern, UNTOUCHED);
        return buffer(bytes).put(0, pattern);
    }

    private static void checkUntouched(ByteBuffer buffer, int from, int length) {
        for (int i = 0; i < buffer.capacity(); i++) {
            if (i < from || i >= from + length) {
                assertThat(buffer.get(i)).as("byte %d, outside", i).isEqualTo(UNTOUCHED);
            }
        }
    }

    private static boolean allFinite(float[] values) {
        for (float value : values) {
            if (!Float.isFinite(value)) {
                return false;
            }
        }
        return true;
    }

    /** As gradients are: most of them small, of many magnitudes. */
    private static float[] values(int length, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            double magnitude = Math.pow(random.nextDouble(), 4) * 0.1;
            values[i] = (float) (random.nextBoolean() ? magnitude : -magnitude);
        }
        return values;
    }
}
