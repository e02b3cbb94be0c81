package io.gyre.testkit;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.membership.Membership;
import io.gyre.membership.Seat;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.network.OpenBoxes;
import io.gyre.network.Patience;
import io.gyre.network.PeerStatus;
import java.util.ArrayList;
import java.util.List;

/**
 * A process's end of the network in a simulation. As over Aeron, a link connects two processes until it is renewed, and
 * a rank has left when the coordinator says so and all that it sent has arrived.
 */
final class SimulatedEndpoint implements Endpoint, PeerStatus {

    private final SimulatedRun run;
    private final SimulatedProcess self;
    private final Membership membership;
    private final World world;
    private final Patience patience;
    private final OwnBoxes boxes = new OwnBoxes();

    /** The process at the other end, by rank. */
    private final List<Seat> peers;

    SimulatedEndpoint(SimulatedRun run, SimulatedProcess self) {
        this.run = run;
        this.self = self;
        membership = self.membership();
        peers = new ArrayList<>(membership.seats());
        world = new World(membership.rank(), peers.size());
        patience = run.patience(world.rank(), this);
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public Member member(int rank) {
        world.checkRank(rank);
        return peers.get(rank).member();
    }

    @Override
    public FrameSender sender(int peer) {
        return run.link(self, run.process(member(peer)));
    }

    @Override
    public FrameReceiver receiver(int peer) {
        return incoming(peer);
    }

    private SimulatedLink incoming(int peer) {
        return run.link(run.process(member(peer)), self);
    }

    @Override
    public void await(int workDone, Activity activity) {
        patience.turn(workDone, activity);
    }

    @Override
    public void flush(Activity activity) {
        // A link needs no help of its sender.
    }

    @Override
    public void renew(int peer) {
        peers.set(peer, membership.seats().get(peer));
    }

    @Override
    public MemoryBoxes boxes() {
        return boxes;
    }

    /** Memory of this rank only: the processes of a simulation share none. */
    private final class OwnBoxes extends OpenBoxes {

        OwnBoxes() {
            super(SimulatedEndpoint.this, 0);
        }

        @Override
        public List<Integer> ranks() {
            return List.of(world.rank());
        }

        @Override
        public MemoryBox create(String name, long byteLength) {
            return register(MemoryBox.ofOneRank(name, byteLength));
        }

        @Override
        public MemoryBox attach(int owner, String name, long byteLength) {
            throw new UnsupportedOperationException("box '" + name + "' of rank " + owner + " is not shared");
        }
    }

    @Override
    public void check(int observer, Object doing) {
        membership.check(observer, doing);
    }

    @Override
    public boolean hasLeft(int rank) {
        return isOutdated(rank) || (membership.hasLeft(rank) && incoming(rank).read() >= membership.sentBy(rank));
    }

    @Override
    public String howLeft(int rank) {
        return isOutdated(rank) ? "another process has taken its seat" : membership.howLeft(rank);
    }

    private boolean isOutdated(int rank) {
        return peers.get(rank).incarnation() != membership.incarnation(rank);
    }

    /** Number of frames sent to the current process of each rank, by rank. */
    List<Long> framesSent() {
        return peers.stream()
                .map(peer -> run.link(self, run.process(peer.member())).sent())
                .toList();
    }
}
