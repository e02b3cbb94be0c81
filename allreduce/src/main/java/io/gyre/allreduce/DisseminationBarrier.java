package io.gyre.allreduce;

import io.gyre.World;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;

/**
 * Dissemination barrier: in round {@code k}, each rank sends a frame to the rank 2^k further on the ring: it, and all
 * ranks that it knows to have arrived, have arrived. After the last round each rank knows this of all.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>For N ranks: ceil(log2(N)) rounds, with one empty frame sent per rank and round. N need not be a power of two.
 * </dl>
 *
 * @see <a href="https://doi.org/10.1007/BF01379320">Hensgen, Finkel and Manber, Two algorithms for barrier
 *     synchronization, International Journal of Parallel Programming 17(1), 1988</a>
 */
final class DisseminationBarrier {

    private static final int NO_BUCKET = -1;

    private final Endpoint endpoint;
    private final World world;
    private final int rounds;
    private final ByteBuffer nothing = ByteBuffer.allocateDirect(0);
    private final Frame outgoing = new Frame();
    private final Activity activity = new Activity();
    private final FrameReceiver.Handler handler = this::onFrame;

    private long step;
    private int round;

    DisseminationBarrier(Endpoint endpoint) {
        this.endpoint = endpoint;
        world = endpoint.world();
        rounds = Integer.SIZE - Integer.numberOfLeadingZeros(world.size() - 1);
    }

    void run(long step) {
        this.step = step;
        activity.begin("barrier (dissemination)", step, NO_BUCKET, rounds);
        for (round = 0; round < rounds; round++) {
            int distance = 1 << round;
            send((world.rank() + distance) % world.size());
            receive(Math.floorMod(world.rank() - distance, world.size()));
        }
        endpoint.flush(activity);
    }

    private void send(int peer) {
        activity.waitingFor(endpoint.member(peer), round + 1);
        outgoing.set(Frame.Kind.BARRIER, step, NO_BUCKET, round, 0, 0);
        FrameSender sender = endpoint.sender(peer);
        while (!sender.offer(outgoing, nothing, 0)) {
            endpoint.await(0, activity);
        }
    }

    private void receive(int peer) {
        activity.waitingFor(endpoint.member(peer), round + 1);
        FrameReceiver receiver = endpoint.receiver(peer);
        int frames = 0;
        while (frames == 0) {
            frames = receiver.poll(handler, 1);
            endpoint.await(frames, activity);
        }
    }

    private boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
        frame.expect(Frame.Kind.BARRIER, step, NO_BUCKET, round, 0, 0, activity);
        return false;
    }
}
