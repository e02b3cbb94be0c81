package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;

/** Sends frames about one shard to a rank with which there are others: their header names the shard. */
final class ShardSender implements FrameSender {

    private final int shard;
    private final FrameSender sender;

    ShardSender(int shard, FrameSender sender) {
        this.shard = shard;
        this.sender = sender;
    }

    @Override
    public int maxPayload() {
        return sender.maxPayload();
    }

    @Override
    public boolean offer(Frame frame, Region source, long offset) {
        return sender.offer(named(frame), source, offset);
    }

    @Override
    public boolean offer(Frame frame, ByteBuffer source, int offset) {
        return sender.offer(named(frame), source, offset);
    }

    private Frame named(Frame frame) {
        return frame.set(frame.kind(), frame.step(), shard, frame.chunk(), frame.vectorBytes(), frame.length());
    }
}
