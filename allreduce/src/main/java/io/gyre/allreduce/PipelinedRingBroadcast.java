package io.gyre.allreduce;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;

/**
 * Broadcast along a chain: the ring, cut to the left of the root. The vector is sent in segments of one frame, and each
 * rank forwards a segment as soon as it arrives, so all links are busy at once.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>For N ranks, S bytes and segments of s bytes: S bytes sent per rank except the last, in the time of S/s + N - 2
 *       segments. No extra memory.
 *   <dt>Result
 *   <dd>Bytes are copied without interpretation.
 * </dl>
 *
 * @see <a href="https://doi.org/10.1002/cpe.1206">Chan, Heimlich, Purkayastha and van de Geijn, Collective
 *     communication: theory, practice, and experience, CCPE 19(13), 2007</a>
 */
final class PipelinedRingBroadcast {

    private static final int SEND_BURST = 2;
    private static final int POLL_LIMIT = 4;
    private static final Region NOTHING = Region.allocate("nothing", 0);

    private final Endpoint endpoint;
    private final World world;
    private final Member left;
    private final Member right;
    private final Frame outgoing = new Frame();
    private final Activity activity = new Activity();
    private final FrameReceiver.Handler handler = this::onFrame;

    private Region data = NOTHING;
    private int root;
    private long step;
    private int bucket;
    private long received;
    private boolean receiving;
    private long sent;
    private boolean sending;

    PipelinedRingBroadcast(Endpoint endpoint) {
        this.endpoint = endpoint;
        world = endpoint.world();
        left = endpoint.member(world.left());
        right = endpoint.member(world.right());
    }

    void run(Region data, int root, long step, int bucket) {
        this.data = data;
        this.root = root;
        this.step = step;
        this.bucket = bucket;
        receiving = world.rank() != root;
        sending = world.right() != root;
        received = receiving ? 0 : data.byteLength();
        sent = 0;
        activity.begin("broadcast (pipelined ring)", step, bucket, 0);
        while (receiving || sending) {
            activity.waitingFor(receiving ? left : right, 0);
            int work = receiving ? endpoint.receiver(world.left()).poll(handler, POLL_LIMIT) : 0;
            work += sending ? send(endpoint.sender(world.right())) : 0;
            endpoint.await(work, activity);
        }
        endpoint.flush(activity);
        this.data = NOTHING;
    }

    private int send(FrameSender sender) {
        int frames = 0;
        while (sending && frames < SEND_BURST) {
            int length = (int) Math.min(sender.maxPayload(), received - sent);
            if (length == 0 && receiving) {
                return frames;
            }
            outgoing.set(Frame.Kind.BROADCAST, step, bucket, root, data.byteLength(), length);
            if (!sender.offer(outgoing, data, sent)) {
                return frames;
            }
            frames++;
            sent += length;
            sending = sent < data.byteLength();
        }
        return frames;
    }

    private boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
        frame.expect(
                Frame.Kind.BROADCAST, step, bucket, root, data.byteLength(), data.byteLength() - received, activity);
        data.copyFrom(received, payload, offset, frame.length());
        received += frame.length();
        receiving = received < data.byteLength();
        return receiving;
    }
}
