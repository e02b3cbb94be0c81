package io.gyre.allreduce;

import io.gyre.ElementType;
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
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * All-reduce of a short vector in a small world: every rank sends its whole vector to all others, and each reduces all
 * vectors itself.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>For N ranks and S bytes: 1 hop and S(N-1) bytes sent per rank, against 2(N-1) hops and 2S(N-1)/N bytes for
 *       {@link RingAllReduce}. Every pair of ranks needs a link.
 *   <dt>Memory
 *   <dd>A copy of this rank's vector, because it is still needed after the sum of the lower ranks has overwritten it.
 *   <dt>Result
 *   <dd>In place, and bit-identical on every rank: all reduce in rank order.
 * </dl>
 *
 * @see <a href="https://doi.org/10.1177/1094342005051521">Thakur, Rabenseifner and Gropp, Optimization of collective
 *     communication operations in MPICH, IJHPCA 19(1), 2005</a>, on the trade-off between bytes and hops
 */
final class OneShotAllReduce {

    /** In larger worlds, links between all pairs cost more than the hops they save. */
    private static final int MAX_WORLD = 4;

    /** Most bytes that a rank sends: the measured break-even with the ring, approximately. */
    private static final int MAX_SENT_BYTES = 16 << 10;

    private static final int POLL_LIMIT = 4;
    private static final int ALL_SENT = -1;
    private static final Region NOTHING = Region.allocate("nothing", 0);

    private final Endpoint endpoint;
    private final Kernels kernels;
    private final World world;
    private final ByteBuffer own = ByteBuffer.allocateDirect(MAX_SENT_BYTES).order(ByteOrder.nativeOrder());
    private final int[] sentTo;
    private final Frame outgoing = new Frame();
    private final Activity activity = new Activity();
    private final FrameReceiver.Handler handler = this::onFrame;

    private Region data = NOTHING;
    private ElementType type = ElementType.FLOAT32;
    private ReduceOp op = ReduceOp.SUM;
    private long step;
    private int bucket;
    private int length;
    private int unsent;
    private int turn;
    private int received;

    OneShotAllReduce(Endpoint endpoint, Kernels kernels) {
        this.endpoint = endpoint;
        this.kernels = kernels;
        world = endpoint.world();
        sentTo = new int[world.size()];
    }

    /**
     * Whether this algorithm is faster. The result is the same on all ranks, since it depends only on values they
     * share.
     */
    static boolean suits(int worldSize, long byteLength) {
        return worldSize <= MAX_WORLD && byteLength * (worldSize - 1) <= MAX_SENT_BYTES;
    }

    void run(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        this.data = data;
        this.type = type;
        this.op = op;
        this.step = step;
        this.bucket = bucket;
        length = (int) data.byteLength();
        data.copyTo(0, own, 0, length);
        Arrays.fill(sentTo, 0);
        sentTo[world.rank()] = ALL_SENT;
        unsent = world.size() - 1;
        activity.begin("all-reduce (one-shot)", step, bucket, 0);
        startTurn(0);
        while (unsent > 0 || turn < world.size()) {
            int work = send();
            if (turn < world.size()) {
                work += endpoint.receiver(turn).poll(handler, POLL_LIMIT);
            }
            endpoint.await(work, activity);
        }
        endpoint.flush(activity);
        this.data = NOTHING;
    }

    /** Sends one frame to each peer that has not been sent all, so that a slow peer does not delay the rest. */
    private int send() {
        int frames = 0;
        for (int peer = 0; peer < world.size() && unsent > 0; peer++) {
            int at = sentTo[peer];
            if (at != ALL_SENT) {
                FrameSender sender = endpoint.sender(peer);
                int n = Math.min(sender.maxPayload(), length - at);
                outgoing.set(Frame.Kind.ALL_REDUCE, step, bucket, world.rank(), length, n);
                if (sender.offer(outgoing, own, at)) {
                    frames++;
                    boolean last = at + n == length;
                    sentTo[peer] = last ? ALL_SENT : at + n;
                    unsent -= last ? 1 : 0;
                } else if (turn == world.size()) {
                    activity.waitingFor(endpoint.member(peer), 0);
                }
            }
        }
        return frames;
    }

    private boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
        frame.expect(Frame.Kind.ALL_REDUCE, step, bucket, turn, length, length - received, activity);
        frame.expectWhole(type, activity);
        int n = frame.length();
        if (turn == 0) {
            data.copyFrom(received, payload, offset, n);
        } else {
            kernels.reduce(op, type, data, received, payload, offset, n);
        }
        received += n;
        boolean more = received < length;
        if (!more) {
            startTurn(turn + 1);
        }
        return more;
    }

    /** Selects the rank whose vector is reduced next; reduces this rank's own at once. */
    private void startTurn(int rank) {
        turn = rank;
        received = 0;
        if (turn == world.rank()) {
            if (turn > 0) {
                kernels.reduce(op, type, data, 0, own, 0, length);
            }
            turn++;
        }
        if (turn < world.size()) {
            activity.waitingFor(endpoint.member(turn), 0);
        }
    }
}
