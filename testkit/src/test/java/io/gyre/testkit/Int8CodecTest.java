package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.Int8Codec;
import org.junit.jupiter.api.Test;

class Int8CodecTest extends PieceCodecContract {

    @Override
    protected GradientCodec codec() {
        return new Int8Codec();
    }

    /** Half of a 127th of the block's greatest magnitude, and a rounding error of the product. */
    @Override
    protected void check(float[] values, float[] decoded) {
        for (int begin = 0; begin < values.length; begin += Int8Codec.BLOCK) {
            int end = Math.min(values.length, begin + Int8Codec.BLOCK);
            float greatest = 0;
            for (int i = begin; i < end; i++) {
                greatest = Math.max(greatest, Math.abs(values[i]));
            }
            for (int i = begin; i < end; i++) {
                assertThat(decoded[i]).as("element %d", i).isCloseTo(values[i], within(greatest / 254 * 1.0001f));
            }
        }
    }

    @Test
    void oneByteIsSentForAnElementAndFourForABlock() {
        assertThat(new Int8Codec().encodedBytes(1024)).isEqualTo(1024 + 4 * 4);
        assertThat(new Int8Codec(64).encodedBytes(65)).isEqualTo(2 * 4 + 68);
    }

    @Test
    void blocksOfUnsuitableLengthsAreRejected() {
        for (int block : new int[] {-1, 0, 31, 16_385}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new Int8Codec(block))
                    .withMessageContainingAll("blocks of " + block, "from 32 to 16384", "int8:256");
        }
    }
}
