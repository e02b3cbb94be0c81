package io.gyre.allreduce;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.Member;
import io.gyre.ReduceOp;
import io.gyre.World;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;

/**
 * The hops that all ring algorithms consist of.
 *
 * <p>In hop {@code h}, counted from 0, rank {@code r} sends chunk {@code r - 1 - h} to its right and receives chunk
 * {@code r - 2 - h} from its left, both modulo the world's size N. What a rank receives in one hop it sends in the
 * next. During the first N - 1 hops, a received chunk is reduced into the local one, so that afterwards chunk {@code r}
 * is complete on rank {@code r}. During the following N - 1 hops, complete chunks overwrite the local ones.
 *
 * <p>Chunks are sent in <em>segments</em> of one frame. A segment is forwarded as soon as it is in place, so all links
 * of the ring are busy at once, and a hop does not wait for the end of the previous one. Sending and receiving
 * alternate, and neither blocks the other: a rank whose right neighbour is slow continues to drain its left one, so a
 * cycle of full links cannot form. A byte of a complete chunk may overwrite the local one at once: it can exist only
 * because the local one has been sent.
 *
 * <p>Every hop sends at least one frame, even if it is empty, so that even ranks with vectors of different lengths
 * always meet.
 */
final class RingPass {

    /** Frames sent before polling, and frames polled before sending again. */
    private static final int SEND_BURST = 2;

    private static final int POLL_LIMIT = 4;

    private static final Region NOTHING = Region.allocate("nothing", 0);

    private final Endpoint endpoint;
    private final Kernels kernels;
    private final World world;
    private final Member left;
    private final Member right;
    private final Frame outgoing = new Frame();
    private final Activity activity = new Activity();
    private final FrameReceiver.Handler handler = this::onFrame;

    private Region data = NOTHING;
    private ElementType type = ElementType.FLOAT32;
    private ReduceOp op = ReduceOp.SUM;
    private long step;
    private int bucket;
    private int firstHop;
    private int endHop;

    private int sendHop;
    private long sendAt;
    private long sendEnd;
    private int receiveHop;
    private long receiveAt;
    private long receiveEnd;

    RingPass(Endpoint endpoint, Kernels kernels) {
        this.endpoint = endpoint;
        this.kernels = kernels;
        world = endpoint.world();
        left = endpoint.member(world.left());
        right = endpoint.member(world.right());
    }

    /** Number of hops after which every chunk is complete on one rank; as many more bring it to all. */
    int halfway() {
        return world.size() - 1;
    }

    /**
     * Makes the hops from {@code firstHop} up to but excluding {@code endHop}.
     *
     * @param operation their name in errors
     * @param op how chunks are reduced before {@link #halfway}; unused after it
     */
    void run(
            String operation,
            int firstHop,
            int endHop,
            Region data,
            ElementType type,
            ReduceOp op,
            long step,
            int bucket) {
        this.data = data;
        this.type = type;
        this.op = op;
        this.step = step;
        this.bucket = bucket;
        this.firstHop = firstHop;
        this.endHop = endHop;
        activity.begin(operation, step, bucket, endHop - firstHop);
        startSending(firstHop);
        startReceiving(firstHop);
        move(endpoint.sender(world.right()), endpoint.receiver(world.left()));
        endpoint.flush(activity);
        this.data = NOTHING;
    }

    private void move(FrameSender sender, FrameReceiver receiver) {
        while (sendHop < endHop || receiveHop < endHop) {
            int work = send(sender);
            if (receiveHop < endHop) {
                work += receiver.poll(handler, POLL_LIMIT);
            } else {
                activity.waitingFor(right, sendHop - firstHop + 1);
            }
            endpoint.await(work, activity);
        }
    }

    private int send(FrameSender sender) {
        int sent = 0;
        while (sent < SEND_BURST && sendHop < endHop) {
            long ready = readyToSend();
            int length = (int) Math.min(sender.maxPayload(), ready);
            if (length == 0 && sendAt < sendEnd) {
                return sent;
            }
            outgoing.set(kindOf(sendHop), step, bucket, chunkSentIn(sendHop), data.byteLength(), length);
            if (!sender.offer(outgoing, data, sendAt)) {
                return sent;
            }
            sent++;
            sendAt += length;
            if (sendAt == sendEnd) {
                startSending(sendHop + 1);
            }
        }
        return sent;
    }

    /**
     * Bytes from {@code sendAt} that may be sent: all of a chunk that is complete here, otherwise what the previous hop
     * has received.
     */
    private long readyToSend() {
        boolean complete = sendHop == firstHop || receiveHop >= sendHop;
        if (complete) {
            return sendEnd - sendAt;
        }
        return receiveHop == sendHop - 1 ? receiveAt - sendAt : 0;
    }

    private boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
        int chunk = chunkSentIn(receiveHop + 1);
        frame.expect(kindOf(receiveHop), step, bucket, chunk, data.byteLength(), receiveEnd - receiveAt, activity);
        frame.expectWhole(type, activity);
        int length = frame.length();
        if (receiveHop < halfway()) {
            kernels.reduce(op, type, data, receiveAt, payload, offset, length);
        } else {
            data.copyFrom(receiveAt, payload, offset, length);
        }
        receiveAt += length;
        if (receiveAt == receiveEnd) {
            startReceiving(receiveHop + 1);
        }
        return receiveHop < endHop;
    }

    private void startSending(int hop) {
        sendHop = hop;
        int chunk = chunkSentIn(hop);
        sendAt = border(chunk);
        sendEnd = border(chunk + 1);
    }

    private void startReceiving(int hop) {
        receiveHop = hop;
        int chunk = chunkSentIn(hop + 1);
        receiveAt = border(chunk);
        receiveEnd = border(chunk + 1);
        if (hop < endHop) {
            activity.waitingFor(left, hop - firstHop + 1);
        }
    }

    private Frame.Kind kindOf(int hop) {
        return hop < halfway() ? Frame.Kind.REDUCE_SCATTER : Frame.Kind.ALL_GATHER;
    }

    private int chunkSentIn(int hop) {
        return Math.floorMod(world.rank() - 1 - hop, world.size());
    }

    /** Start of a chunk, in bytes. */
    private long border(int chunk) {
        return Chunk.offset(chunk, world.size(), data.byteLength() / type.bytes()) * type.bytes();
    }
}
