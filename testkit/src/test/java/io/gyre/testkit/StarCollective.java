package io.gyre.testkit;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.kernel.ScalarKernels;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;

/**
 * The simplest possible collectives, through rank 0: it receives everything, reduces it in rank order, and sends the
 * result back. Shows that the contract requires no particular algorithm, and is the base of {@link FaultyCollective}.
 */
class StarCollective implements Collective {

    private final Endpoint endpoint;
    private final World world;
    private final ScalarKernels kernels = new ScalarKernels();
    private final Activity activity = new Activity();
    private Frame.Kind kind = Frame.Kind.DATA;
    private long step;
    private int bucket;

    StarCollective(Endpoint endpoint) {
        this.endpoint = endpoint;
        world = endpoint.world();
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public MemoryBox allocate(String name, long byteLength) {
        return MemoryBox.ofOneRank(name, byteLength);
    }

    @Override
    public void close() {
        // It owns nothing.
    }

    @Override
    public void allReduce(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        check(data, type);
        begin("all-reduce (star)", Frame.Kind.ALL_REDUCE, step, bucket);
        if (world.isRoot()) {
            for (int peer = 1; peer < world.size(); peer++) {
                receive(
                        peer,
                        data,
                        (frame, payload, offset, at) ->
                                kernels.reduce(op, type, data, at, payload, offset, frame.length()));
            }
        }
        spread(data);
    }

    @Override
    public void reduceScatter(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        allReduce(data, type, op, step, bucket);
    }

    @Override
    public void allGather(Region data, ElementType type, long step, int bucket) {
        check(data, type);
        begin("all-gather (star)", Frame.Kind.ALL_GATHER, step, bucket);
        if (world.isRoot()) {
            for (int peer = 1; peer < world.size(); peer++) {
                Chunk chunk = Chunk.of(peer, world.size(), data.byteLength() / type.bytes());
                long from = chunk.offset() * type.bytes();
                long to = from + chunk.length() * type.bytes();
                receive(peer, data, (frame, payload, offset, at) -> {
                    for (int i = 0; i < frame.length(); i++) {
                        if (at + i >= from && at + i < to) {
                            data.copyFrom(at + i, payload, offset + i, 1);
                        }
                    }
                });
            }
        }
        spread(data);
    }

    /** The root, after its own part, sends the result to all; the others send their data and receive it. */
    private void spread(Region data) {
        if (world.isRoot()) {
            for (int peer = 1; peer < world.size(); peer++) {
                send(peer, data);
            }
        } else {
            send(0, data);
            receive(0, data, (frame, payload, offset, at) -> data.copyFrom(at, payload, offset, frame.length()));
        }
    }

    @Override
    public void broadcast(Region data, int root, long step, int bucket) {
        world.checkRank(root);
        begin("broadcast (star)", Frame.Kind.BROADCAST, step, bucket);
        if (world.rank() != root) {
            receive(root, data, (frame, payload, offset, at) -> data.copyFrom(at, payload, offset, frame.length()));
            return;
        }
        for (int peer = 0; peer < world.size(); peer++) {
            if (peer != root) {
                send(peer, data);
            }
        }
    }

    @Override
    public void barrier(long step) {
        allReduce(Region.allocate("nothing", 0), ElementType.FLOAT32, ReduceOp.SUM, step, -1);
    }

    private static void check(Region data, ElementType type) {
        if (data.byteLength() % type.bytes() != 0 || data.windowOffset(0) % type.bytes() != 0) {
            throw new IllegalArgumentException(data + " does not hold " + type);
        }
        data.enter("star");
        data.exit();
    }

    private void begin(String operation, Frame.Kind kind, long step, int bucket) {
        this.kind = kind;
        this.step = step;
        this.bucket = bucket;
        activity.begin(operation, step, bucket, 0);
    }

    private void send(int peer, Region data) {
        FrameSender sender = endpoint.sender(peer);
        activity.waitingFor(endpoint.member(peer), 0);
        Frame frame = new Frame();
        long sent = 0;
        do {
            int length = (int) Math.min(sender.maxPayload(), data.byteLength() - sent);
            frame.set(kind, step, bucket, 0, data.byteLength(), length);
            while (!sender.offer(frame, data, sent)) {
                endpoint.await(0, activity);
            }
            endpoint.await(1, activity);
            sent += length;
        } while (sent < data.byteLength());
        endpoint.flush(activity);
    }

    private interface Sink {
        void take(Frame frame, ByteBuffer payload, int offset, long at);
    }

    private void receive(int peer, Region data, Sink sink) {
        FrameReceiver receiver = endpoint.receiver(peer);
        activity.waitingFor(endpoint.member(peer), 0);
        long total = data.byteLength();
        long[] received = {-1};
        while (received[0] < total) {
            int frames = receiver.poll(
                    (frame, payload, offset) -> {
                        long at = Math.max(0, received[0]);
                        frame.expect(kind, step, bucket, 0, total, total - at, activity);
                        sink.take(frame, payload, offset, at);
                        received[0] = at + frame.length();
                        return received[0] < total;
                    },
                    1);
            endpoint.await(frames, activity);
        }
    }
}
