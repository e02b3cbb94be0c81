package io.gyre.transport;

import io.aeron.Aeron;
import io.gyre.Activity;
import io.gyre.Backoff;
import io.gyre.Endpoint;
import io.gyre.FrameReceiver;
import io.gyre.FrameSender;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.Patience;
import io.gyre.Verdicts;
import io.gyre.World;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.RunId;
import io.gyre.membership.Seat;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Streams between one rank and its peers, opened on first use: in shared memory where the peer is near, else over UDP. */
final class AeronEndpoint implements Endpoint, Verdicts {

    /** Sessions are not repaired yet: every run has one generation. */
    private static final int GENERATION = 1;

    /** In front of the rank that makes a stream's number. */
    private static final int FIRST_STREAM = 1_000;

    private final World world;
    private final List<Seat> seats;
    private final RunId run;
    private final AeronSite site;
    private final CoordinatorLink coordinator;
    private final Patience patience;
    private final Gate gate = new Gate();
    private final BitSet near = new BitSet();
    private final @Nullable AeronFrameSender[] senders;
    private final @Nullable AeronFrameReceiver[] receivers;

    /**
     * Creates the endpoint of a rank whose run is complete.
     *
     * @param site borrowed
     * @param coordinator borrowed; gives the verdicts
     */
    AeronEndpoint(JoinOptions options, Roster roster, RunId run, AeronSite site, CoordinatorLink coordinator) {
        this.seats = roster.seats();
        this.world = new World(roster.rank(), seats.size());
        this.run = run;
        this.site = site;
        this.coordinator = coordinator;
        this.patience = new Patience(world.rank(), options.peerTimeout(), this, new Backoff(options.ranksOnHost()));
        senders = new AeronFrameSender[world.size()];
        receivers = new AeronFrameReceiver[world.size()];
        findNear(options.transport());
        if (near.cardinality() == world.size()) {
            site.closePort();
        }
    }

    private void findNear(TransportMode mode) {
        String own = address(world.rank(), AeronSite.HOST);
        for (int rank = 0; rank < world.size(); rank++) {
            boolean sameHost = address(rank, AeronSite.HOST).equals(own);
            if (mode == TransportMode.IPC && !sameHost) {
                throw new GyreException("transport ipc needs all ranks on one host with common shared memory: "
                        + member(world.rank()) + " is on '" + own + "', " + member(rank) + " on '"
                        + address(rank, AeronSite.HOST) + "'. Use transport auto or udp");
            }
            if (rank == world.rank() || (sameHost && mode != TransportMode.UDP)) {
                near.set(rank);
            }
        }
    }

    private String address(int rank, String name) {
        Map<String, String> addresses = seats.get(rank).addresses();
        return Objects.requireNonNull(addresses.get(name), () -> "rank " + rank + " did not say its " + name);
    }

    /** The kinds of streams in use, in one word. */
    String transport() {
        boolean far = near.cardinality() < world.size();
        boolean shared = near.cardinality() > 1 || world.size() == 1;
        return far ? (shared ? "ipc+udp" : "udp") : "ipc";
    }

    /** Payload bytes sent so far. */
    long bytesSent() {
        long total = 0;
        for (AeronFrameSender sender : senders) {
            total += sender == null ? 0 : sender.payloadBytes();
        }
        return total;
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public Member member(int rank) {
        return seats.get(rank).member();
    }

    @Override
    public FrameSender sender(int peer) {
        checkPeer(peer);
        AeronFrameSender known = senders[peer];
        if (known != null) {
            return known;
        }
        gate.check();
        int session = AeronLink.sessionId(run.high(), GENERATION, world.rank(), peer);
        AeronFrameSender opened = site.withRoomForLog(
                "rank " + world.rank() + ": the stream to " + member(peer),
                () -> near.get(peer)
                        ? new AeronFrameSender(
                                link(peer), site.ipc(session), FIRST_STREAM + peer, false, JoinOptions.MAX_MTU)
                        : new AeronFrameSender(
                                link(peer),
                                site.udpOutbound(address(peer, AeronSite.UDP), session),
                                FIRST_STREAM + world.rank(),
                                true,
                                site.udpMtu()));
        senders[peer] = opened;
        return opened;
    }

    @Override
    public FrameReceiver receiver(int peer) {
        checkPeer(peer);
        AeronFrameReceiver known = receivers[peer];
        if (known != null) {
            return known;
        }
        gate.check();
        int session = AeronLink.sessionId(run.high(), GENERATION, peer, world.rank());
        AeronFrameReceiver opened;
        if (near.get(peer)) {
            AeronFaults faults = new AeronFaults("the media driver of " + member(peer));
            Aeron client = site.node().attach(address(peer, AeronSite.DIRECTORY), faults);
            opened = new AeronFrameReceiver(link(peer), client, faults, site.ipc(session), FIRST_STREAM + world.rank());
        } else {
            opened = site.withRoomForLog(
                    "rank " + world.rank() + ": the stream from " + member(peer),
                    () -> new AeronFrameReceiver(
                            link(peer),
                            site.node().client(),
                            site.faults(),
                            site.udpInbound(session),
                            FIRST_STREAM + peer));
        }
        receivers[peer] = opened;
        return opened;
    }

    private AeronLink link(int peer) {
        return new AeronLink(site.node(), gate, world.rank(), member(peer), run.high(), GENERATION);
    }

    private void checkPeer(int peer) {
        world.checkRank(peer);
        if (peer == world.rank()) {
            throw new IllegalArgumentException("rank " + peer + " has no link to itself");
        }
    }

    @Override
    public void await(int workDone, Activity activity) {
        site.node().pump();
        patience.turn(workDone, activity);
    }

    @Override
    public void flush(Activity activity) {
        for (AeronFrameSender sender : senders) {
            if (sender != null && sender.isUdp()) {
                flush(sender, activity);
            }
        }
    }

    private void flush(AeronFrameSender sender, Activity activity) {
        long before = sentPosition(sender);
        while (!isSent(sender)) {
            site.node().pump();
            long now = sentPosition(sender);
            patience.turn(now > before ? 1 : 0, activity);
            before = now;
        }
    }

    private long sentPosition(AeronFrameSender sender) {
        gate.enter();
        try {
            return sender.sentPosition();
        } finally {
            gate.exit();
        }
    }

    private boolean isSent(AeronFrameSender sender) {
        gate.enter();
        try {
            return sender.isSent();
        } finally {
            gate.exit();
        }
    }

    @Override
    public void check(int observer, Object doing) {
        gate.check();
        coordinator.check(observer, doing);
        site.faults().check(observer, doing);
        for (AeronFrameReceiver receiver : receivers) {
            if (receiver != null && !hasLeft(receiver.peer())) {
                receiver.check(doing);
            }
        }
    }

    @Override
    public boolean hasLeft(int rank) {
        return coordinator.hasLeft(rank);
    }

    /** Keeps threads out of the streams' memory. Returns false if that was so already. */
    boolean shut() {
        return gate.close();
    }

    /** Waits until no thread is in the streams' memory. */
    boolean awaitQuiet(long deadline) {
        return gate.awaitEmpty(deadline);
    }

    /** Waits until the peers have read, or at least will get, what this rank sent them. */
    void drain(long deadline) {
        site.node()
                .pumpUntil(
                        () -> {
                            for (AeronFrameSender sender : senders) {
                                if (sender != null && !hasLeft(sender.peer()) && !sender.isDrained()) {
                                    return false;
                                }
                            }
                            return true;
                        },
                        deadline);
    }

    /** The peers to which something may still have to be sent again. */
    BitSet farReaders() {
        BitSet readers = new BitSet();
        for (AeronFrameSender sender : senders) {
            if (sender != null && sender.isUdp()) {
                readers.set(sender.peer());
            }
        }
        return readers;
    }
}
