package io.gyre.transport;

import static io.aeron.protocol.HeaderFlyweight.HDR_TYPE_ERR;
import static io.aeron.protocol.HeaderFlyweight.HDR_TYPE_NAK;
import static io.aeron.protocol.HeaderFlyweight.HDR_TYPE_RTTM;
import static io.aeron.protocol.HeaderFlyweight.HDR_TYPE_SETUP;
import static io.aeron.protocol.HeaderFlyweight.HDR_TYPE_SM;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.aeron.protocol.DataHeaderFlyweight;
import io.aeron.protocol.HeaderFlyweight;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Frames of Aeron's protocol as an attacker would send who knows stream, session and position. */
final class ForgedFrames {

    private static final int DATA_FLAGS = DataHeaderFlyweight.BEGIN_AND_END_FLAGS;
    private static final int END_OF_STREAM = DataHeaderFlyweight.BEGIN_END_AND_EOS_FLAGS;

    private final int stream;
    private final int session;

    ForgedFrames(int stream, int session) {
        this.stream = stream;
        this.session = session;
    }

    /** One of each kind that has ever done harm. */
    List<byte[]> all() {
        List<byte[]> frames = new ArrayList<>();
        frames.add(frame(HDR_TYPE_SETUP, 0, 40, 40, 0));
        for (int length : new int[] {128, 0x4000_0000, -5, 100_000, 0}) {
            frames.add(frame(HeaderFlyweight.HDR_TYPE_DATA, DATA_FLAGS, length, 128, 0));
        }
        frames.add(frame(HeaderFlyweight.HDR_TYPE_DATA, DATA_FLAGS, 128, 128, 1 << 30));
        frames.add(frame(HeaderFlyweight.HDR_TYPE_DATA, END_OF_STREAM, 0, 32, 0));
        frames.add(frame(HeaderFlyweight.HDR_TYPE_PAD, DATA_FLAGS, 1 << 16, 32, 0));
        frames.add(frame(HDR_TYPE_NAK, 0, 28, 28, 0));
        frames.add(frame(HDR_TYPE_SM, 0, 36, 36, 0));
        frames.add(frame(HDR_TYPE_ERR, 0, 60, 60, 0));
        frames.add(frame(HDR_TYPE_RTTM, 0, 40, 40, 0));
        return frames;
    }

    private byte[] frame(int type, int flags, int claimedLength, int length, int offset) {
        ByteBuffer frame = ByteBuffer.allocate(length).order(LITTLE_ENDIAN);
        frame.putInt(0, claimedLength);
        frame.put(5, (byte) flags);
        frame.putShort(6, (short) type);
        boolean data = type == HeaderFlyweight.HDR_TYPE_DATA || type == HeaderFlyweight.HDR_TYPE_PAD;
        if (data || type == HDR_TYPE_SETUP) {
            frame.putInt(8, offset);
            frame.putInt(12, session);
            frame.putInt(16, stream);
        } else {
            frame.putInt(8, session);
            frame.putInt(12, stream);
        }
        return frame.array();
    }
}
