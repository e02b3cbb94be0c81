package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.gyre.ProtocolException;
import io.gyre.network.Frame;
import io.gyre.testkit.ParserContract;
import java.util.zip.CRC32C;
import org.agrona.concurrent.UnsafeBuffer;

/** Frames. The first byte decides whether checksum and sequence number are right, which no fuzzer would find. */
class FrameFuzzTest {

    private static final long RUN = 0x0123456789abcdefL;
    private static final int GENERATION = 3;
    private static final int SOURCE = 5;

    @FuzzTest
    void admit(byte[] bytes) {
        if (bytes.length < 1 + Long.BYTES) {
            return;
        }
        UnsafeBuffer buffer = new UnsafeBuffer(bytes);
        int at = 1 + Long.BYTES;
        int length = bytes.length - at;
        CRC32C crc = new CRC32C();
        crc.update(bytes, at, length);
        int checksum = (int) crc.getValue();
        long stamp = bytes[0] >= 0 ? FrameHeader.stamp(checksum, 0) : buffer.getLong(1);
        Frame frame = new Frame();

        Boolean admitted = ParserContract.parse(
                length,
                () -> new FrameGuard(RUN, GENERATION, SOURCE).admit(buffer, at, length, stamp, checksum, frame),
                ProtocolException.class);

        if (Boolean.TRUE.equals(admitted)) {
            assertThat(frame.length()).isEqualTo(length - FrameHeader.BYTES);
            UnsafeBuffer written = new UnsafeBuffer(new byte[FrameHeader.BYTES]);
            FrameHeader.write(written, 0, frame, RUN, GENERATION, SOURCE);
            Frame again = new Frame();
            FrameHeader.read(written, 0, again);
            assertThat(again).hasToString(frame.toString());
        }
    }
}
