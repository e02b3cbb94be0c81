package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;

/** The connection between a rank's client and the server in the same rank: frames are handed over without a copy. */
final class LocalLink implements FrameSender {

    private static final int MAX_PAYLOAD = 1 << 20;

    private final FrameReceiver.Handler receiver;

    LocalLink(FrameReceiver.Handler receiver) {
        this.receiver = receiver;
    }

    @Override
    public int maxPayload() {
        return MAX_PAYLOAD;
    }

    @Override
    public boolean offer(Frame frame, Region source, long offset) {
        receiver.onFrame(frame, source.window(offset), source.windowOffset(offset));
        return true;
    }

    @Override
    public boolean offer(Frame frame, ByteBuffer source, int offset) {
        receiver.onFrame(frame, source, offset);
        return true;
    }
}
