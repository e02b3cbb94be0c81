package io.gyre.transport;

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
import io.gyre.network.WaitObservers;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * One rank's end of one lane over Aeron: an {@link AeronPeer} per rank, and the loop that keeps them moving.
 *
 * <h2>How it works</h2>
 *
 * <p>Each direction of each pair of ranks is one Aeron stream, of its own number and session. On one host it is a log
 * in the <em>sender's</em> shared memory, which the receiver maps and reads: the receiver attaches a client to the
 * sender's driver. Between hosts, or with transport {@code udp}, it is a UDP stream between the two drivers. Receivers
 * open for all peers in the constructor, at little cost, so that nothing sent early is lost. A sender, with the memory
 * of its log, opens when it is first requested.
 *
 * <p>No driver or client has a thread of its own. {@link #await} is one turn of the caller's loop: it runs the driver
 * ({@link AeronNode#pump}), then lets {@link Patience} back off and decide whether the wait is hopeless. Over UDP, the
 * driver moves every frame, and runs in every turn. In shared memory the two ends move frames without it, and it only
 * frees space in the logs, so it runs once in {@value #PUMP_DUE} frames.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>Frames of a link arrive complete, once and in the order of their offers, or the link fails: the receiver checks
 *       the sequence and the checksum of each ({@link FrameGuard}).
 *   <li>A stream connects two processes. When one is replaced, {@link #renew} opens streams of a new generation. Until
 *       then, the rank counts as having left.
 *   <li>A rank has left when the coordinator says so <em>and</em> all that it sent has arrived: datagrams may be slower
 *       than the coordinator. On other lanes than 0, which end with an acknowledgement, the coordinator's word is
 *       enough.
 *   <li>Nothing is allocated per frame, once a stream is open.
 * </ul>
 *
 * <h2>Threads and lifetime</h2>
 *
 * <p>One thread at a time calls the methods of {@link Endpoint}. Another may run the driver meanwhile, under the lock
 * of {@link AeronNode}, and a third may close the session. It first calls {@link #shut}: whoever is inside a stream's
 * memory finishes, and nobody enters any more ({@link Gate}). It then calls {@link #awaitQuiet}, {@link #drain} and
 * {@link #closeBoxes}, before the memory is unmapped.
 */
final class AeronEndpoint implements Endpoint, PeerStatus {

    /** Ranks that create boxes are never restarted. */
    private static final int BOX_GENERATION = 1;

    /**
     * In shared memory the driver only frees space in the logs. That can wait until several frames have been sent, and
     * it costs more than a poll: if the driver ran more often, frames would be noticed late.
     */
    private static final int PUMP_DUE = 64;

    /** What a turn without work adds to the count: it runs the driver earlier, but not every time. */
    private static final int IDLE_TURN = 8;

    private final World world;
    private final AeronSite site;
    private final Membership membership;
    private final TransportMode mode;
    private final Gate gate = new Gate();

    /** By rank; the links of this rank to itself are never opened. */
    private final AeronPeer[] peers;

    private final MappedBoxes boxes;
    private final Patience patience;

    /** Whether the driver moves every frame, and so must run in every turn. */
    private final boolean pumped;

    private int due;

    /**
     * Creates the endpoint of a rank whose run is complete.
     *
     * @param site borrowed
     * @param membership borrowed; knows which ranks are lost
     * @param number of the lane: one of several networks among the same ranks
     * @param observers told of this lane's waits; borrowed
     */
    AeronEndpoint(
            JoinOptions options,
            RunId run,
            AeronSite site,
            Membership membership,
            int number,
            WaitObservers observers) {
        this.site = site;
        this.membership = membership;
        mode = options.transport();
        List<Seat> seats = membership.seats();
        world = new World(membership.rank(), seats.size());
        int incarnation = seats.get(world.rank()).incarnation();
        AeronLane lane = new AeronLane(number, world, incarnation, run, site, membership, gate);
        peers = peers(lane, seats, mode);
        pumped = near().cardinality() < world.size();
        // Lane 0 carries collectives, where one late rank delays all.
        Backoff backoff = new Backoff(options.ranksOnHost(), options.pause(), number > 0 && pumped);
        patience = new Patience(world.rank(), options.peerTimeout(), this, backoff, System::nanoTime, observers);
        boxes = openBoxes(run, number);
        if (!pumped) {
            site.closePort();
        }
        for (AeronPeer peer : peers) {
            if (peer.rank() != world.rank()) {
                peer.openReceiver();
            }
        }
    }

    private static AeronPeer[] peers(AeronLane lane, List<Seat> seats, TransportMode mode) {
        Seat own = seats.get(lane.world().rank());
        AeronPeer[] peers = new AeronPeer[seats.size()];
        for (Seat seat : seats) {
            int rank = seat.member().rank();
            boolean sameHost = host(seat).equals(host(own));
            if (mode.isOneHost() && !sameHost) {
                throw new GyreException("transport " + mode + " needs all ranks on one host with common shared memory: "
                        + own.member() + " is on '" + host(own) + "', " + seat.member() + " on '" + host(seat)
                        + "'. Use transport auto or udp");
            }
            boolean near = rank == lane.world().rank() || (sameHost && mode != TransportMode.UDP);
            peers[rank] = new AeronPeer(lane, seat, near);
        }
        return peers;
    }

    private static String host(Seat seat) {
        return AeronPeer.address(seat, AeronSite.HOST);
    }

    /** The ranks whose links are in shared memory, this one included. */
    private BitSet near() {
        BitSet near = new BitSet();
        for (AeronPeer peer : peers) {
            near.set(peer.rank(), peer.isNear());
        }
        return near;
    }

    private MappedBoxes openBoxes(RunId run, int lane) {
        List<Integer> ranks = mode.hasBoxes() ? near().stream().boxed().toList() : List.of(world.rank());
        return new MappedBoxes(
                this,
                lane,
                ranks,
                rank -> AeronSite.runDirectory(peers[rank].address(AeronSite.DIRECTORY)),
                site,
                new BoxFile(run, BOX_GENERATION));
    }

    @Override
    public World world() {
        return world;
    }

    @Override
    public Member member(int rank) {
        world.checkRank(rank);
        return peers[rank].member();
    }

    @Override
    public FrameSender sender(int peer) {
        return peer(peer).sender();
    }

    @Override
    public FrameReceiver receiver(int peer) {
        return peer(peer).receiver();
    }

    @Override
    public void renew(int peer) {
        peer(peer).renew();
    }

    private AeronPeer peer(int rank) {
        world.checkRank(rank);
        if (rank == world.rank()) {
            throw new IllegalArgumentException("rank " + rank + " has no link to itself");
        }
        return peers[rank];
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
        for (AeronPeer peer : peers) {
            peer.flush(patience, activity);
        }
    }

    @Override
    public MemoryBoxes boxes() {
        return boxes;
    }

    // Status of the peers, for every wait.

    @Override
    public void check(int observer, Object doing) {
        gate.check();
        membership.check(observer, doing);
        site.faults().check(observer, doing);
        for (AeronPeer peer : peers) {
            peer.check(doing);
        }
    }

    @Override
    public boolean hasLeft(int rank) {
        return peers[rank].hasLeft();
    }

    @Override
    public String howLeft(int rank) {
        return peers[rank].howLeft();
    }

    // What the session reports.

    /** The kinds of streams in use, in one word. */
    String transport() {
        boolean shared = near().cardinality() > 1 || world.size() == 1;
        String inHost = mode.hasBoxes() ? "shm" : "ipc";
        return pumped ? (shared ? inHost + "+udp" : "udp") : inHost;
    }

    /** How the stream to a rank goes, in words. */
    String linkTo(int rank) {
        world.checkRank(rank);
        if (peers[rank].isNear()) {
            return "messages in shared memory";
        }
        return site.seal() == null ? "plain UDP" : "sealed UDP";
    }

    /** Payload bytes sent so far. */
    long bytesSent() {
        long sum = boxes.bytesMoved();
        for (AeronPeer peer : peers) {
            sum += peer.payloadBytes();
        }
        return sum;
    }

    /** The part of {@link #bytesSent} sent over UDP. */
    long networkBytesSent() {
        return Arrays.stream(peers)
                .filter(peer -> !peer.isNear())
                .mapToLong(AeronPeer::payloadBytes)
                .sum();
    }

    /** Number of frames that this rank has sent to each rank, by rank. */
    List<Long> framesSent() {
        return Arrays.stream(peers).map(AeronPeer::framesSent).toList();
    }

    // How it ends.

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
        site.node().pumpUntil(() -> Arrays.stream(peers).allMatch(AeronPeer::isDrained), deadline);
    }

    /** The peers for which something may still have to be retransmitted. */
    BitSet farReaders() {
        BitSet readers = new BitSet();
        for (AeronPeer peer : peers) {
            readers.set(peer.rank(), peer.mayNeedRetransmission());
        }
        return readers;
    }

    void closeBoxes() {
        boxes.close();
    }
}
