package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.ProtocolException;
import io.gyre.kernel.ArrayKernels;
import io.gyre.kernel.Bfloat16Codec;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PushCodecTest {

    private static final int LONG = 2 * PushCodec.SEGMENT + 7;
    private static final long FIRST = 1_000;
    private static final long STEP = 3;

    static List<String> words() {
        return List.of("bf16", "fp16", "int8", "int8:64", "onebit", "topk:0.1", "randomk:0.1", "threshold:0.5");
    }

    static PushCodec codec(String word) {
        return new PushCodec(GradientCodecs.of(word).get(), new ArrayKernels());
    }

    static Region drawn(long seed, int elements) {
        SplittableRandom random = new SplittableRandom(seed);
        Region region = Region.allocate("drawn", 4L * elements);
        for (int i = 0; i < elements; i++) {
            region.putFloat(4L * i, (float) (2 * random.nextDouble() - 1));
        }
        return region;
    }

    /** What is left of a gradient on its way. */
    static Region sent(PushCodec from, PushCodec to, Region gradient, long first, long step) {
        Region encoded = encoded(from, gradient, first, step);
        Region decoded = Region.allocate("decoded", gradient.byteLength());
        to.decode(encoded, first, step, decoded);
        return decoded;
    }

    static Region encoded(PushCodec codec, Region gradient, long first, long step) {
        Region encoded = Region.allocate("encoded", codec.mostBytes(gradient.byteLength() / Float.BYTES));
        return encoded.slice(0, codec.encode(gradient, first, step, encoded));
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    @ParameterizedTest
    @MethodSource("words")
    void aServerDecodesWhatTheCodecMakesOfEachSegment(String word) {
        Region gradient = drawn(1, LONG);

        Region decoded = sent(codec(word), codec(word), gradient, FIRST, STEP);

        GradientCodec codec = GradientCodecs.of(word).get();
        for (int from = 0; from < LONG; from += PushCodec.SEGMENT) {
            int n = Math.min(PushCodec.SEGMENT, LONG - from);
            ByteBuffer floats = direct(4 * n);
            ByteBuffer piece = direct(codec.encodedBytes(n));
            gradient.copyTo(4L * from, floats, 0, 4 * n);
            codec.piece(STEP, FIRST + from, false);
            codec.encode(floats, 0, n, piece, 0);
            codec.decode(piece, 0, n, floats, 0);
            for (int i = 0; i < n; i++) {
                assertThat(decoded.getFloat(4L * (from + i))).as("%d", from + i).isEqualTo(floats.getFloat(4 * i));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"bf16, 2", "fp16, 2", "int8, 1.016", "onebit, 0.13", "topk:0.01, 0.06", "randomk:0.01, 0.04"})
    void itTakesTheBytesThatTheCodecPromises(String word, double bytesOfFloat) {
        int elements = 4 * PushCodec.SEGMENT;
        PushCodec codec = codec(word);

        assertThat((double) encoded(codec, drawn(1, elements), 0, 0).byteLength() / elements)
                .isCloseTo(bytesOfFloat, within(0.002));
        assertThat(codec.mostBytes(elements)).isLessThanOrEqualTo((long) (1.02 * elements * bytesOfFloat));
    }

    /** What the servers have got, and what they would get with an all-reduce's error feedback, are the same sum. */
    @ParameterizedTest
    @ValueSource(strings = {"onebit", "topk:0.1", "randomk:0.1", "threshold:0.5"})
    void whatIsLostIsSentLater(String word) {
        int elements = 100;
        int steps = 200;
        GradientCodec codec = GradientCodecs.of(word).get();
        PushCodec worker = new PushCodec(codec, new ArrayKernels());
        PushCodec server = codec(word);
        double[] missing = new double[elements];
        for (int step = 0; step < steps; step++) {
            Region gradient = drawn(step, elements);
            Region decoded = sent(worker, server, gradient, FIRST, step);
            for (int i = 0; i < elements; i++) {
                missing[i] += gradient.getFloat(4L * i) - decoded.getFloat(4L * i);
            }
        }

        ByteBuffer residual = direct(4 * elements);
        codec.residual().read(FIRST, elements, residual, 0);
        double lost = 0;
        for (int i = 0; i < elements; i++) {
            assertThat(missing[i]).as("%d", i).isEqualTo(residual.getFloat(4 * i), within(1e-3));
            lost += Math.abs(missing[i]);
        }
        assertThat(lost).as("something is lost at all").isPositive();
    }

    @ParameterizedTest
    @MethodSource("words")
    void aShardMayBeEmptyOrShort(String word) {
        for (int elements : new int[] {0, 1, 2, 33}) {
            Region gradient = drawn(elements, elements);
            Region decoded = sent(codec(word), codec(word), gradient, 0, 0);
            assertThat(decoded.byteLength()).isEqualTo(gradient.byteLength());
        }
        assertThat(codec(word).mostBytes(0)).isZero();
    }

    @ParameterizedTest
    @MethodSource("words")
    void whatIsNotFiniteIsNotFiniteOnTheServer(String word) {
        for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            Region gradient = drawn(1, 100);
            gradient.putFloat(4 * 71, value);

            Region decoded = sent(codec(word), codec(word), gradient, 0, 0);

            int notFinite = 0;
            for (int i = 0; i < 100; i++) {
                notFinite += Float.isFinite(decoded.getFloat(4L * i)) ? 0 : 1;
            }
            assertThat(notFinite).isPositive();
        }
    }

    @ParameterizedTest
    @MethodSource("words")
    void bytesOfAnotherLengthAreRefused(String word) {
        PushCodec codec = codec(word);
        Region encoded = encoded(codec(word), drawn(1, LONG), 0, 0);
        Region into = Region.allocate("into", 4L * LONG);
        for (long bytes : new long[] {0, 3, 8, encoded.byteLength() / 2, encoded.byteLength() - 4}) {
            assertThatThrownBy(() -> codec.decode(encoded.slice(0, bytes), 0, 0, into))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContainingAll("elements", codec.name(), "bytes are there", "the same codec");
        }
        Region longer = Region.allocate("longer", encoded.byteLength() + 4);
        Vectors.copy(longer, encoded);
        assertThatThrownBy(() -> codec.decode(longer, 0, 0, into))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContainingAll("a push of " + longer.byteLength() + " bytes", codec.name());
    }

    @Test
    void aVariableLengthIsNotBelieved() {
        PushCodec codec = codec("threshold:0.5");
        Region into = Region.allocate("into", 4L * 100);
        for (int length : new int[] {Integer.MIN_VALUE, -1, 0, 4_000, Integer.MAX_VALUE}) {
            Region encoded = encoded(codec("threshold:0.5"), drawn(1, 100), 0, 0);
            ByteBuffer bytes = direct(Integer.BYTES).putInt(0, length);
            encoded.copyFrom(0, bytes, 0, Integer.BYTES);
            assertThatThrownBy(() -> codec.decode(encoded, 0, 0, into))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining(length + " bytes");
        }
    }

    @Test
    void aFormThatNeedsMoreBytesThanThereAreIsRefused() {
        int dense = -1;
        for (int form : new int[] {dense, 1, 25, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
            Region encoded = Region.allocate("encoded", GradientCodec.LENGTH_BYTES);
            ByteBuffer words = direct(GradientCodec.LENGTH_BYTES).putInt(0, 8).putInt(4, form);
            encoded.copyFrom(0, words, 0, GradientCodec.LENGTH_BYTES);
            assertThatThrownBy(() -> codec("threshold:0.5").decode(encoded, 0, 0, Region.allocate("into", 4L * 100)))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("of threshold:0.5");
        }
    }

    @Test
    void aCodecWithoutResidualKeepsNothing() {
        PushCodec codec = new PushCodec(new Bfloat16Codec(), new ArrayKernels());
        Region gradient = drawn(1, 100);

        Region once = sent(codec, codec, gradient, 0, 0);

        assertThat(codec.hasResidual()).isFalse();
        Region twice = sent(codec, codec, gradient, 0, 1);
        for (int i = 0; i < 100; i++) {
            assertThat(twice.getFloat(4L * i)).isEqualTo(once.getFloat(4L * i));
        }
    }
}
