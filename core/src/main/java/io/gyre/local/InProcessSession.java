package io.gyre.local;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.membership.Membership;
import io.gyre.network.Endpoint;
import io.gyre.network.WaitObservers;
import io.gyre.session.Session;
import java.util.List;
import java.util.SortedMap;
import java.util.stream.IntStream;

/** One thread's membership in an {@link InProcessNetwork}. */
final class InProcessSession implements Session {

    private final InProcessNetwork network;
    private final World world;
    private final Membership membership;
    private final WaitObservers observers = new WaitObservers();
    private final List<InProcessEndpoint> endpoints;
    private volatile boolean closed;

    InProcessSession(InProcessNetwork network, World world) {
        this.network = network;
        this.world = world;
        this.membership = network.membership(world.rank());
        this.endpoints = IntStream.range(0, LANES)
                .mapToObj(lane -> new InProcessEndpoint(network, world, lane, observers))
                .toList();
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public List<Member> members() {
        return membership.members();
    }

    @Override
    public String transport() {
        return "local";
    }

    @Override
    public Endpoint endpoint() {
        return endpoint(0);
    }

    @Override
    public Endpoint endpoint(int lane) {
        return endpoints.get(lane);
    }

    @Override
    public long bytesSent() {
        long sum = 0;
        for (int lane = 0; lane < LANES; lane++) {
            sum += endpoints.get(lane).bytesSent();
        }
        return sum;
    }

    @Override
    public WaitObservers waitObservers() {
        return observers;
    }

    @Override
    public List<byte[]> exchange(List<Integer> ranks, String topic, byte[] value) {
        return membership.exchange(ranks, topic, value, network.peerTimeout());
    }

    @Override
    public void attest(List<Integer> ranks, String topic, String value, String remedy) {
        membership.attest(ranks, topic, value, remedy);
    }

    @Override
    public void check(List<Integer> ranks, Object doing) {
        membership.check(ranks, doing);
    }

    @Override
    public boolean isWhole(List<Integer> ranks) {
        return membership.isWhole(ranks);
    }

    @Override
    public void beExpendable() {
        membership.beExpendable(network.peerTimeout());
    }

    @Override
    public void beExpendable(SortedMap<Integer, Integer> backedBy) {
        membership.beExpendable(backedBy);
    }

    @Override
    public boolean hasEnded(int rank) {
        world.checkRank(rank);
        return membership.hasLeft(rank);
    }

    @Override
    public void fail(String reason) {
        membership.fail(reason);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            endpoints.forEach(InProcessEndpoint::closeBoxes);
            network.end(world.rank());
        }
    }
}
