package io.gyre;

import java.util.List;

/** One thread's membership in an {@link InProcessNetwork}. */
final class InProcessSession implements Session, Endpoint {

    private final InProcessNetwork network;
    private final World world;
    private final Patience patience;
    private final InProcessBoxes boxes;
    private volatile boolean closed;

    InProcessSession(InProcessNetwork network, World world) {
        this.network = network;
        this.world = world;
        this.patience = new Patience(world.rank(), network.peerTimeout(), network, new Backoff(world.size()));
        this.boxes = new InProcessBoxes(network.shelf(), this);
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public List<Member> members() {
        return List.copyOf(network.members());
    }

    @Override
    public String transport() {
        return "local";
    }

    @Override
    public Endpoint endpoint() {
        return this;
    }

    @Override
    public MemoryBoxes boxes() {
        return boxes;
    }

    @Override
    public long bytesSent() {
        long total = 0;
        for (int peer = 0; peer < world.size(); peer++) {
            total += network.link(world.rank(), peer).sender().payloadBytes();
        }
        return total;
    }

    @Override
    public Member member(int rank) {
        world.checkRank(rank);
        return network.members().get(rank);
    }

    @Override
    public FrameSender sender(int peer) {
        checkPeer(peer);
        return network.link(world.rank(), peer).sender();
    }

    @Override
    public FrameReceiver receiver(int peer) {
        checkPeer(peer);
        return network.link(peer, world.rank()).receiver();
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
        // A frame that was offered already lies where the reader takes it.
    }

    @Override
    public List<byte[]> exchange(String topic, byte[] value) {
        if (value.length > MAX_EXCHANGE_BYTES) {
            throw new IllegalArgumentException(
                    "exchange of " + value.length + " bytes for " + topic + ": at most " + MAX_EXCHANGE_BYTES);
        }
        network.check(world.rank(), topic);
        return network.board().exchange(network, world.rank(), topic, value);
    }

    @Override
    public void fail(String reason) {
        network.lost(world.rank(), reason);
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            boxes.close();
            network.left(world.rank());
        }
    }
}
