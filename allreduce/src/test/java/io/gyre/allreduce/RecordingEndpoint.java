package io.gyre.allreduce;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.memory.MemoryBoxes;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Wraps an endpoint, and records the frames that its rank sends. Its frames can be short, so that short vectors have
 * many segments.
 */
final class RecordingEndpoint implements Endpoint {

    private final Endpoint endpoint;
    private final int maxPayload;
    private final Runnable atWait;
    private final List<Sent> sent = new ArrayList<>();

    /** A frame that a link has taken. */
    record Sent(int to, Frame.Kind kind, int chunk, int bytes) {}

    /**
     * Wraps an endpoint.
     *
     * @param maxPayload longest payload of a frame in bytes
     */
    RecordingEndpoint(Endpoint endpoint, int maxPayload) {
        this(endpoint, maxPayload, () -> {});
    }

    /**
     * Wraps an endpoint.
     *
     * @param maxPayload longest payload of a frame in bytes
     * @param atWait called in each turn of a waiting loop without work
     */
    RecordingEndpoint(Endpoint endpoint, int maxPayload, Runnable atWait) {
        this.endpoint = endpoint;
        this.maxPayload = maxPayload;
        this.atWait = atWait;
    }

    /** The frames sent so far, in order. */
    List<Sent> sent() {
        return List.copyOf(sent);
    }

    @Override
    public World world() {
        return endpoint.world();
    }

    @Override
    public Member member(int rank) {
        return endpoint.member(rank);
    }

    @Override
    public FrameSender sender(int peer) {
        FrameSender sender = endpoint.sender(peer);
        return new FrameSender() {
            @Override
            public int maxPayload() {
                return maxPayload;
            }

            @Override
            public boolean offer(Frame frame, Region source, long offset) {
                return record(peer, frame, sender.offer(frame, source, offset));
            }

            @Override
            public boolean offer(Frame frame, ByteBuffer source, int offset) {
                return record(peer, frame, sender.offer(frame, source, offset));
            }
        };
    }

    private boolean record(int peer, Frame frame, boolean taken) {
        if (taken) {
            sent.add(new Sent(peer, frame.kind(), frame.chunk(), frame.length()));
        }
        return taken;
    }

    @Override
    public FrameReceiver receiver(int peer) {
        return endpoint.receiver(peer);
    }

    @Override
    public void await(int workDone, Activity activity) {
        if (workDone == 0) {
            atWait.run();
        }
        endpoint.await(workDone, activity);
    }

    @Override
    public void flush(Activity activity) {
        endpoint.flush(activity);
    }

    @Override
    public MemoryBoxes boxes() {
        return endpoint.boxes();
    }
}
