package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ProtocolException;
import io.gyre.network.Frame;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.agrona.concurrent.UnsafeBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FrameGuardTest {

    private static final long RUN = 0x0123456789abcdefL;
    private static final int GENERATION = 3;
    private static final int SOURCE = 5;
    private static final int PAYLOAD_BYTES = 48;

    /** Offset of the frames in these tests' buffer: not 0, as in a log. */
    private static final int AT = 32;

    private final UnsafeBuffer buffer = new UnsafeBuffer(ByteBuffer.allocateDirect(4_096));
    private final FrameGuard guard = new FrameGuard(RUN, GENERATION, SOURCE);
    private final Frame frame = new Frame();

    @Test
    void aFrameArrivesAsItWasSent() {
        long stamp = write(0);

        assertThat(admit(FrameHeader.BYTES + PAYLOAD_BYTES, stamp)).isTrue();

        assertThat(frame.kind()).isEqualTo(Frame.Kind.ALL_GATHER);
        assertThat(frame.step()).isEqualTo(-7);
        assertThat(frame.bucket()).isEqualTo(11);
        assertThat(frame.chunk()).isEqualTo(13);
        assertThat(frame.vectorBytes()).isEqualTo(1L << 40);
        assertThat(frame.length()).isEqualTo(PAYLOAD_BYTES);
    }

    @Test
    void theBytesOnTheWireNeverChange() {
        write(0);
        byte[] header = new byte[FrameHeader.BYTES];
        buffer.getBytes(AT, header);

        assertThat(HexFormat.of().formatHex(header))
                .isEqualTo("45525947" + "01" + "03" + "0000" + "efcdab8967452301" + "03000000" + "05000000"
                        + "f9ffffffffffffff" + "0b000000" + "0d000000" + "0000000000010000" + "30000000"
                        + "000000000000000000000000");
    }

    @Test
    void everyFlippedBitIsFound() {
        int length = FrameHeader.BYTES + PAYLOAD_BYTES;
        long stamp = write(0);
        for (int bit = 0; bit < length * Byte.SIZE; bit++) {
            flip(bit);
            assertThatThrownBy(() -> admit(length, stamp))
                    .as("bit %d of the frame", bit)
                    .isInstanceOf(ProtocolException.class);
            flip(bit);
        }
        for (int bit = 0; bit < Long.SIZE; bit++) {
            long damaged = stamp ^ 1L << bit;
            assertThatThrownBy(() -> admit(length, damaged))
                    .as("bit %d of the stamp", bit)
                    .isInstanceOf(ProtocolException.class);
        }
        assertThat(admit(length, stamp)).as("the frame itself").isTrue();
    }

    private void flip(int bit) {
        int at = AT + bit / Byte.SIZE;
        buffer.putByte(at, (byte) (buffer.getByte(at) ^ 1 << bit % Byte.SIZE));
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2})
    void noiseIsRefused(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 10_000; i++) {
            byte[] noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);
            buffer.putBytes(AT, noise);
            assertThatThrownBy(() -> admit(noise.length, random.nextLong())).isInstanceOf(ProtocolException.class);
        }
    }

    @Test
    void aFrameThatIsRepeatedIsRefused() {
        long first = write(0);
        admit(FrameHeader.BYTES + PAYLOAD_BYTES, first);

        assertThatThrownBy(() -> admit(FrameHeader.BYTES + PAYLOAD_BYTES, first))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("frame number 0 where number 1 was due");
    }

    @Test
    void aGapIsRefused() {
        long second = write(1);

        assertThatThrownBy(() -> admit(FrameHeader.BYTES + PAYLOAD_BYTES, second))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("frame number 1 where number 0 was due");
    }

    @Test
    void aFrameOfAnotherRunIsRefused() {
        long stamp = write(0, RUN + 1, GENERATION, SOURCE);

        assertThatThrownBy(() -> admit(FrameHeader.BYTES + PAYLOAD_BYTES, stamp))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("a frame of run 123456789abcdf0, this is run 123456789abcdef");
    }

    @Test
    void aFrameOfAnotherRankIsRefused() {
        long stamp = write(0, RUN, GENERATION, SOURCE + 1);

        assertThatThrownBy(() -> admit(FrameHeader.BYTES + PAYLOAD_BYTES, stamp))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("a frame of rank 6 on the stream of rank 5");
    }

    @Test
    void framesOfEarlierGenerationsAreDroppedAndCounted() {
        long old = write(0, RUN, GENERATION - 1, SOURCE);
        assertThat(admit(FrameHeader.BYTES + PAYLOAD_BYTES, old)).isFalse();
        assertThat(guard.outdated()).isOne();

        long current = write(0);

        assertThat(admit(FrameHeader.BYTES + PAYLOAD_BYTES, current)).isTrue();
        assertThat(guard.outdated()).isOne();
    }

    @Test
    void aFrameOfALaterGenerationIsRefused() {
        long stamp = write(0, RUN, GENERATION + 1, SOURCE);

        assertThatThrownBy(() -> admit(FrameHeader.BYTES + PAYLOAD_BYTES, stamp))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("a frame of generation 4, this is generation 3");
    }

    @Test
    void aLengthThatIsNotThereIsRefused() {
        long stamp = write(0);

        for (int length :
                new int[] {0, FrameHeader.BYTES - 1, FrameHeader.BYTES, FrameHeader.BYTES + PAYLOAD_BYTES + 32}) {
            assertThatThrownBy(() -> admit(length, stamp))
                    .as("%d bytes", length)
                    .isInstanceOf(ProtocolException.class);
        }
    }

    private long write(long sequence) {
        return write(sequence, RUN, GENERATION, SOURCE);
    }

    private long write(long sequence, long run, int generation, int source) {
        frame.set(Frame.Kind.ALL_GATHER, -7, 11, 13, 1L << 40, PAYLOAD_BYTES);
        FrameHeader.write(buffer, AT, frame, run, generation, source);
        for (int i = 0; i < PAYLOAD_BYTES; i++) {
            buffer.putByte(AT + FrameHeader.BYTES + i, (byte) (i * 37));
        }
        return FrameHeader.stamp(checksum(FrameHeader.BYTES + PAYLOAD_BYTES), sequence);
    }

    private boolean admit(int length, long stamp) {
        return guard.admit(buffer, AT, length, stamp, checksum(length), frame);
    }

    private int checksum(int length) {
        CRC32C crc = new CRC32C();
        crc.update(buffer.byteBuffer().duplicate().limit(AT + length).position(AT));
        return (int) crc.getValue();
    }
}
