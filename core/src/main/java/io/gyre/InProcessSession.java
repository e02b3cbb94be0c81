package io.gyre;

import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One thread's membership in an {@link InProcessNetwork}. */
final class InProcessSession implements Session, Endpoint {

    private static final Logger LOG = LoggerFactory.getLogger(InProcessSession.class);
    private static final long WARN_NANOS = 10_000_000_000L;

    private final InProcessNetwork network;
    private final World world;
    private final Backoff backoff;
    private boolean leftNoticed;
    private volatile boolean closed;

    InProcessSession(InProcessNetwork network, World world) {
        this.network = network;
        this.world = world;
        this.backoff = new Backoff(world.size());
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
        if (workDone > 0) {
            activity.progressed();
            backoff.reset();
            leftNoticed = false;
            return;
        }
        if (backoff.isLong()) {
            network.checkPeers(world.rank(), activity);
            checkLeft(activity);
            checkSilence(activity);
        }
        backoff.pause();
    }

    /** Gives up on a peer that has left, but only at the second look: its last frames may have come after the first poll. */
    private void checkLeft(Activity activity) {
        Member peer = activity.peer();
        if (peer != null && network.hasLeft(peer.rank())) {
            if (leftNoticed) {
                throw new PeerLostException(world.rank(), peer, "it has left the run", activity.toString());
            }
            leftNoticed = true;
        }
    }

    private void checkSilence(Activity activity) {
        long silent = activity.silentNanos();
        if (silent > network.peerTimeout().toNanos()) {
            throw new PeerTimeoutException(world.rank(), activity.peer(), activity.toString(), network.peerTimeout());
        }
        if (silent > WARN_NANOS && activity.shouldWarn()) {
            LOG.warn("rank {} has waited 10 s in {} for {}", world.rank(), activity, activity.peer());
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new GyreException("rank " + world.rank() + " was interrupted in " + activity);
        }
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
        network.checkPeers(world.rank(), topic);
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
            network.left(world.rank());
        }
    }
}
