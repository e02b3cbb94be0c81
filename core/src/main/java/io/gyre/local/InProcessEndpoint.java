package io.gyre.local;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.membership.Membership;
import io.gyre.memory.MemoryBoxes;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.network.Patience;
import io.gyre.network.WaitObservers;

/** One thread's end of one lane of an {@link InProcessNetwork}. */
final class InProcessEndpoint implements Endpoint {

    private final InProcessNetwork network;
    private final World world;
    private final int lane;
    private final Membership membership;
    private final Patience patience;
    private final InProcessBoxes boxes;

    InProcessEndpoint(InProcessNetwork network, World world, int lane, WaitObservers observers) {
        this.network = network;
        this.world = world;
        this.lane = lane;
        this.membership = network.membership(world.rank());
        this.patience = network.patience(world.rank(), observers);
        this.boxes = new InProcessBoxes(network.shelf(), this, lane);
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public MemoryBoxes boxes() {
        return boxes;
    }

    void closeBoxes() {
        boxes.close();
    }

    long bytesSent() {
        long total = boxes.bytesMoved();
        for (int peer = 0; peer < world.size(); peer++) {
            total += network.link(lane, world.rank(), peer).sender().payloadBytes();
        }
        return total;
    }

    @Override
    public Member member(int rank) {
        world.checkRank(rank);
        return membership.seats().get(rank).member();
    }

    @Override
    public FrameSender sender(int peer) {
        checkPeer(peer);
        return network.link(lane, world.rank(), peer).sender();
    }

    @Override
    public FrameReceiver receiver(int peer) {
        checkPeer(peer);
        return network.link(lane, peer, world.rank()).receiver();
    }

    private void checkPeer(int peer) {
        world.checkRank(peer);
        if (peer == world.rank()) {
            throw new IllegalArgumentException("rank " + peer + " has no link to itself");
        }
    }

    @Override
    public void await(int workDone, Activity activity) {
        patience.turn(workDone, activity);
    }

    @Override
    public void flush(Activity activity) {
        // An offered frame is already where the reader takes it.
    }
}
