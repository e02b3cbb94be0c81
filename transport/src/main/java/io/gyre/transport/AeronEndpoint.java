package io.gyre.transport;

import io.aeron.Aeron;
import io.aeron.CncFileDescriptor;
import io.aeron.exceptions.AeronException;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.World;
import io.gyre.membership.Membership;
import io.gyre.membership.RunId;
import io.gyre.membership.Seat;
import io.gyre.memory.MemoryBoxes;
import io.gyre.network.Activity;
import io.gyre.network.Backoff;
import io.gyre.network.Endpoint;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.network.Patience;
import io.gyre.network.PeerStatus;
import io.gyre.session.Session;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Streams between one rank and its peers: in shared memory for peers on the same host, unless the transport is UDP;
 * otherwise over UDP.
 *
 * <p>A stream and its memory are created when its sender is first requested. Receivers for all peers open at the start,
 * at little cost, so that nothing sent early is lost.
 */
final class AeronEndpoint implements Endpoint, PeerStatus {

    /** Ranks that create boxes are never restarted. */
    private static final int BOX_GENERATION = 1;

    private static final Logger LOG = LoggerFactory.getLogger(AeronEndpoint.class);

    /** A rank that has left or is lost sends nothing. */
    private static final FrameReceiver NOTHING = (handler, limit) -> 0;

    /** Added to a rank's number, it gives the stream's number. */
    private static final int FIRST_STREAM = 1_000;

    /** Distance between the stream numbers of two lanes; no run has this many ranks. */
    private static final int STREAMS_PER_LANE = 1 << 20;

    /** Distance between two generations of a stream: Aeron would take the second for a stranger on the first. */
    private static final int STREAMS_PER_GENERATION = Session.LANES * STREAMS_PER_LANE;

    /**
     * In shared memory the driver only frees space in the logs. That can wait until several frames have been sent, and
     * it costs more than a poll: if the driver ran more often, frames would be noticed late.
     */
    private static final int PUMP_DUE = 64;

    /** What a turn without work adds to the count: it runs the driver earlier, but not every time. */
    private static final int IDLE_TURN = 8;

    /** A peer whose files are gone has ended, and the coordinator will soon know. */
    private static final Duration VERDICT_TIMEOUT = Duration.ofSeconds(1);

    private final World world;

    /** The processes at the other ends of the streams. A restarted one differs from them until {@link #renew}. */
    private final Seat[] seats;

    private final RunId run;
    private final AeronSite site;
    private final Membership membership;
    private final int lane;
    private final Patience patience;
    private final Gate gate = new Gate();
    private final TransportMode mode;
    private final BitSet near = new BitSet();
    private final MappedBoxes boxes;
    private final @Nullable AeronFrameSender[] senders;
    private final @Nullable AeronFrameReceiver[] receivers;

    /** Whether the driver moves every frame, and so must run in every turn. */
    private final boolean pumped;

    private int due;

    /** Payload bytes sent to lost processes that have been replaced. */
    private long sentBefore;

    private long networkSentBefore;

    /**
     * Creates the endpoint of a rank whose run is complete.
     *
     * @param site borrowed
     * @param membership borrowed; knows which ranks are lost
     * @param lane one of several networks among the same ranks
     */
    AeronEndpoint(JoinOptions options, RunId run, AeronSite site, Membership membership, int lane) {
        this.lane = lane;
        this.seats = membership.seats().toArray(new Seat[0]);
        this.world = new World(membership.rank(), seats.length);
        this.run = run;
        this.site = site;
        this.membership = membership;
        senders = new AeronFrameSender[world.size()];
        receivers = new AeronFrameReceiver[world.size()];
        this.mode = options.transport();
        findNear();
        // Lane 0 carries collectives, where one late rank delays all.
        boolean costlyTurns = lane > 0 && near.cardinality() < world.size();
        this.patience = new Patience(
                world.rank(),
                options.peerTimeout(),
                this,
                new Backoff(options.ranksOnHost(), options.pause(), costlyTurns));
        boxes = openBoxes();
        pumped = near.cardinality() < world.size();
        if (!pumped) {
            site.closePort();
        }
        for (int peer = 0; peer < world.size(); peer++) {
            if (peer != world.rank()) {
                receivers[peer] = hasReturned() ? openLate(peer) : openReceiver(peer);
            }
        }
    }

    /** Whether this process is a restarted worker. */
    private boolean hasReturned() {
        return seats[world.rank()].incarnation() > 0;
    }

    /** Whether the streams of a rank lead to a lost process instead of its successor. */
    private boolean isOutdated(int peer) {
        return seats[peer].incarnation() != membership.incarnation(peer);
    }

    /** Generation of this rank's streams to and from a peer: it grows when either process is replaced. */
    private int generation(int peer) {
        return 1 + seats[world.rank()].incarnation() + seats[peer].incarnation();
    }

    private void findNear() {
        String own = address(world.rank(), AeronSite.HOST);
        for (int rank = 0; rank < world.size(); rank++) {
            boolean sameHost = address(rank, AeronSite.HOST).equals(own);
            if (mode.isOneHost() && !sameHost) {
                throw new GyreException("transport " + mode + " needs all ranks on one host with common shared memory: "
                        + member(world.rank()) + " is on '" + own + "', " + member(rank) + " on '"
                        + address(rank, AeronSite.HOST) + "'. Use transport auto or udp");
            }
            if (rank == world.rank() || (sameHost && mode != TransportMode.UDP)) {
                near.set(rank);
            }
        }
    }

    private MappedBoxes openBoxes() {
        List<Integer> neighbours = mode.hasBoxes() ? near.stream().boxed().toList() : List.of(world.rank());
        return new MappedBoxes(
                this,
                neighbours,
                rank -> AeronSite.runDirectory(address(rank, AeronSite.DIRECTORY)),
                site,
                new BoxFile(run, BOX_GENERATION));
    }

    @Override
    public MemoryBoxes boxes() {
        return boxes;
    }

    void closeBoxes() {
        boxes.close();
    }

    private String address(int rank, String name) {
        Map<String, String> addresses = seats[rank].addresses();
        return Objects.requireNonNull(addresses.get(name), () -> "rank " + rank + " did not say its " + name);
    }

    /** The kinds of streams in use, in one word. */
    String transport() {
        boolean far = near.cardinality() < world.size();
        boolean shared = near.cardinality() > 1 || world.size() == 1;
        String inHost = mode.hasBoxes() ? "shm" : "ipc";
        return far ? (shared ? inHost + "+udp" : "udp") : inHost;
    }

    /** Payload bytes sent so far. */
    long bytesSent() {
        long total = boxes.bytesMoved() + sentBefore;
        for (AeronFrameSender sender : senders) {
            total += sender == null ? 0 : sender.payloadBytes();
        }
        return total;
    }

    /** The part of {@link #bytesSent} sent over UDP. */
    long networkBytesSent() {
        long total = networkSentBefore;
        for (AeronFrameSender sender : senders) {
            total += sender == null || !sender.isUdp() ? 0 : sender.payloadBytes();
        }
        return total;
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public Member member(int rank) {
        world.checkRank(rank);
        return seats[rank].member();
    }

    @Override
    public FrameSender sender(int peer) {
        checkPeer(peer);
        AeronFrameSender known = senders[peer];
        if (known != null) {
            return known;
        }
        checkNoCollective();
        if (Thread.currentThread().isInterrupted()) {
            // An interrupt would close the files and sockets that Aeron opens here.
            throw new GyreException(
                    "rank " + world.rank() + " was interrupted before it could open the stream to " + member(peer));
        }
        gate.enter();
        try {
            AeronFrameSender opened = site.withRoomForLog(
                    "rank " + world.rank() + ": the stream to " + member(peer), () -> openSender(peer));
            senders[peer] = opened;
            return opened;
        } finally {
            gate.exit();
        }
    }

    /** The other ranks expect no collectives with a process that joined after they began. */
    private void checkNoCollective() {
        if (lane == 0 && hasReturned()) {
            throw new GyreException(member(world.rank())
                    + " has come back into a run that had begun: it talks to servers of parameters, and takes part in no"
                    + " collective. Use a strategy without groups, or run without restarts");
        }
    }

    private int stream(int rank, int generation) {
        return FIRST_STREAM + (generation - 1) * STREAMS_PER_GENERATION + lane * STREAMS_PER_LANE + rank;
    }

    @Override
    public void renew(int peer) {
        checkPeer(peer);
        gate.enter();
        try {
            AeronFrameReceiver receiver = receivers[peer];
            receivers[peer] = null;
            if (receiver != null) {
                receiver.close();
            }
            AeronFrameSender sender = senders[peer];
            senders[peer] = null;
            if (sender != null) {
                sentBefore += sender.payloadBytes();
                networkSentBefore += sender.isUdp() ? sender.payloadBytes() : 0;
                sender.close();
            }
            seats[peer] = membership.seats().get(peer);
            receivers[peer] = openLate(peer);
        } finally {
            gate.exit();
        }
    }

    /** Opens the stream from a rank in the middle of a run; null if the rank has left or is lost again. */
    private @Nullable AeronFrameReceiver openLate(int peer) {
        if (lane == 0 && hasReturned()) {
            return null;
        }
        if (membership.hasLeft(peer) || (near.get(peer) && !isVisible(address(peer, AeronSite.DIRECTORY)))) {
            return null;
        }
        try {
            return openReceiver(peer);
        } catch (AeronException e) {
            LOG.warn("rank {}: nothing will come from {}, whose driver does not answer", world.rank(), member(peer), e);
            return null;
        }
    }

    private AeronFrameSender openSender(int peer) {
        int generation = generation(peer);
        int session = AeronLink.sessionId(run.high(), generation, lane, world.rank(), peer);
        return near.get(peer)
                ? new AeronFrameSender(
                        link(peer), site.ipc(session), stream(peer, generation), false, JoinOptions.MAX_MTU)
                : new AeronFrameSender(
                        link(peer),
                        site.udpOutbound(address(peer, AeronSite.UDP), session),
                        stream(world.rank(), generation),
                        true,
                        site.udpMtu());
    }

    @Override
    public FrameReceiver receiver(int peer) {
        checkPeer(peer);
        AeronFrameReceiver known = receivers[peer];
        if (known != null) {
            return known;
        }
        checkNoCollective();
        return NOTHING;
    }

    private AeronFrameReceiver openReceiver(int peer) {
        int generation = generation(peer);
        int session = AeronLink.sessionId(run.high(), generation, lane, peer, world.rank());
        if (near.get(peer)) {
            AeronFaults faults = new AeronFaults("the media driver of " + member(peer));
            String directory = address(peer, AeronSite.DIRECTORY);
            checkVisible(directory, peer);
            Aeron client = site.node().attach(directory, faults);
            return new AeronFrameReceiver(
                    link(peer), client, true, faults, site.ipc(session), stream(world.rank(), generation));
        }
        return new AeronFrameReceiver(
                link(peer),
                site.node().client(),
                false,
                site.faults(),
                site.udpInbound(session),
                stream(peer, generation));
    }

    /** Aeron would wait 15 s for a driver that is not there. */
    private void checkVisible(String directory, int peer) {
        if (!isVisible(directory)) {
            membership.awaitEnding(System.nanoTime() + VERDICT_TIMEOUT.toNanos());
            membership.check(world.rank(), "joining the run");
            throw new GyreException(
                    "rank " + world.rank() + " does not see the shared memory of " + member(peer) + " at "
                            + directory + ", though both say that they are on the same host: check the host ids, or use"
                            + " transport udp");
        }
    }

    private static boolean isVisible(String directory) {
        return Files.exists(Path.of(directory, CncFileDescriptor.CNC_FILE));
    }

    private AeronLink link(int peer) {
        return new AeronLink(site.node(), gate, world.rank(), member(peer), run.high(), generation(peer));
    }

    private void checkPeer(int peer) {
        world.checkRank(peer);
        if (peer == world.rank()) {
            throw new IllegalArgumentException("rank " + peer + " has no link to itself");
        }
    }

    @Override
    public void await(int workDone, Activity activity) {
        due += workDone > 0 ? 1 : IDLE_TURN;
        if (pumped || due >= PUMP_DUE) {
            due = 0;
            site.node().pump();
        }
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
        activity.handingOverTo(member(sender.peer()));
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
        membership.check(observer, doing);
        site.faults().check(observer, doing);
        for (AeronFrameReceiver receiver : receivers) {
            if (receiver != null && !hasLeft(receiver.peer())) {
                receiver.check(doing);
            }
        }
    }

    /**
     * A rank has left when the coordinator says so and all that it sent has arrived: datagrams may be slower than the
     * coordinator. A process whose seat another has taken has left, too.
     */
    @Override
    public boolean hasLeft(int rank) {
        if (isOutdated(rank)) {
            return true;
        }
        AeronFrameReceiver receiver = receivers[rank];
        return membership.hasLeft(rank)
                && (lane > 0 || receiver == null || receiver.frames() >= membership.sentBy(rank));
    }

    @Override
    public String howLeft(int rank) {
        return isOutdated(rank) ? "another process has taken its place" : membership.howLeft(rank);
    }

    /** Number of frames that this rank has sent to each rank, by rank. */
    List<Long> framesSent() {
        List<Long> sent = new ArrayList<>();
        for (AeronFrameSender sender : senders) {
            sent.add(sender == null ? 0 : sender.frames());
        }
        return sent;
    }

    /** Keeps threads out of the streams' memory. Returns false if it was shut already. */
    boolean shut() {
        return gate.close();
    }

    /** Waits until no thread is in the streams' memory. */
    boolean awaitQuiet(long deadline) {
        return gate.awaitEmpty(deadline);
    }

    /** Waits until the peers have read, or are sure to get, what this rank has sent. */
    void drain(long deadline) {
        site.node()
                .pumpUntil(
                        () -> {
                            for (AeronFrameSender sender : senders) {
                                if (sender != null
                                        && !isOutdated(sender.peer())
                                        && !membership.hasLeft(sender.peer())
                                        && !sender.isDrained()) {
                                    return false;
                                }
                            }
                            return true;
                        },
                        deadline);
    }

    /** The peers for which something may still have to be retransmitted. */
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
