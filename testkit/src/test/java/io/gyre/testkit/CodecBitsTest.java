package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.kernel.Float16Codec;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checksums of encoded and decoded vectors. They change with the format, and never with the speed, of a codec. */
class CodecBitsTest {

    private static final int[] LENGTHS = {1, 2, 31, 257, 1000, 2047, 4096, 5000, 16_383, 16_384, 40_001};

    /** Sign and significand. */
    private static final int SUBNORMAL_BITS = 0x807f_ffff;

    @ParameterizedTest
    @CsvSource({
        "bf16, f05fbb65",
        "fp16, ebb33e1d",
        "fp16*65536, 690fc654",
        "int8, 4962c0ce",
        "int8:100, cef17591",
        "int8:16384, dd9d28ac",
        "onebit, e984787e",
        "topk:0.01, 8bdc4aed",
        "topk:0.03, b27b65b2",
        "topk:0.5, 9bc628f7",
        "randomk:0.01, 314c6254",
        "threshold:2.5, 95224d7a",
        "threshold:0.5, 8be11a9f"
    })
    void areThoseOfTheFirstVersion(String word, String expected) {
        assertThat(checksum(word, Values.NORMAL, Values.WIDE, Values.EQUAL, Values.NOT_FINITE))
                .isEqualTo(expected);
    }

    /** Among them subnormal numbers, and NaNs of all kinds: what vectors and single instructions could round apart. */
    @ParameterizedTest
    @CsvSource({
        "bf16, c796fc0b",
        "fp16, 443490b9",
        "fp16*65536, 92afcff",
        "int8, 9168d0a5",
        "int8:100, c8eaec19",
        "int8:16384, 328f063c",
        "onebit, 414737f6",
        "topk:0.01, 2a80ad7c",
        "randomk:0.01, 740f7ff1",
        "threshold:2.5, be27c220"
    })
    void areTheSameOnEveryJavaForAnyFloats(String word, String expected) {
        assertThat(checksum(word, Values.SUBNORMAL, Values.ANY)).isEqualTo(expected);
    }

    private static String checksum(String word, Values... kinds) {
        CRC32 bits = new CRC32();
        for (int length : LENGTHS) {
            for (Values values : kinds) {
                add(codec(word), length, values, bits);
            }
        }
        return Long.toHexString(bits.getValue());
    }

    private static GradientCodec codec(String word) {
        if (word.equals("fp16*65536")) {
            Float16Codec scaled = new Float16Codec();
            scaled.scale(65_536);
            return scaled;
        }
        return GradientCodecs.of(word).get();
    }

    /** Processors differ in the bits of a NaN. */
    private static void add(GradientCodec codec, int length, Values values, CRC32 bits) {
        ByteBuffer floats = vector(length, values);
        ByteBuffer encoded = direct(codec.encodedBytes(length));
        codec.piece(length, 0, length % 2 == 0);
        codec.encode(floats, 0, length, encoded, 0);
        codec.decode(encoded, 0, length, floats, 0);
        if (values != Values.NOT_FINITE && values != Values.ANY) {
            bits.update(encoded.limit(codec.bytesOf(encoded, 0, length)));
        }
        for (int i = 0; i < length; i++) {
            floats.putInt(i * Float.BYTES, Float.floatToIntBits(floats.getFloat(i * Float.BYTES)));
        }
        bits.update(floats);
    }

    private enum Values {
        /** As gradients are, roughly. */
        NORMAL,
        /** Of all magnitudes, with zeros of either sign. */
        WIDE,
        /** Few different ones. */
        EQUAL,
        /** With some that are not finite. */
        NOT_FINITE,
        /** Numbers below the normal ones, among normal ones. */
        SUBNORMAL,
        /** Random bits. */
        ANY
    }

    private static ByteBuffer vector(int length, Values values) {
        SplittableRandom random = new SplittableRandom(length);
        ByteBuffer floats = direct(length * Float.BYTES);
        for (int i = 0; i < length; i++) {
            floats.putFloat(i * Float.BYTES, value(i, random, values));
        }
        return floats;
    }

    private static float value(int i, SplittableRandom random, Values values) {
        float sum = -6;
        for (int term = 0; term < 12; term++) {
            sum += (random.nextInt() >>> 8) * 0x1p-24f;
        }
        return switch (values) {
            case NORMAL -> sum;
            case WIDE -> i % 7 == 0 ? sum * 0 : Math.scalb(sum, random.nextInt(-48, 20));
            case EQUAL -> i % 3 - 1;
            case SUBNORMAL -> random.nextInt(4) > 0 ? Float.intBitsToFloat(random.nextInt() & SUBNORMAL_BITS) : sum;
            case ANY -> Float.intBitsToFloat(random.nextInt());
            case NOT_FINITE -> random.nextInt(3000) > 0 ? sum : Float.intBitsToFloat(random.nextInt() | 0x7f80_0000);
        };
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }
}
