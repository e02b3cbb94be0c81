package io.gyre.transport;

import io.aeron.Aeron;
import io.aeron.CncFileDescriptor;
import io.aeron.exceptions.AeronException;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.membership.Seat;
import io.gyre.network.Activity;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.network.Patience;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One rank as this one sees it on a lane, and the two links between them: the sending side opens when it is first
 * requested, the receiving side at the start. This rank has an entry for itself, whose links are never opened.
 *
 * <p>A stream connects two processes, not two ranks: it has a generation, which grows when either process is replaced.
 * When the peer is restarted, the links stay those of its predecessor, and the peer counts as having left, until
 * {@link #renew}. The counts of what was sent include the predecessors.
 */
final class AeronPeer {

    private static final Logger LOG = LoggerFactory.getLogger(AeronPeer.class);

    /** A rank that has left or is lost sends nothing. */
    private static final FrameReceiver NOTHING = (handler, limit) -> 0;

    /** A peer whose files are gone has ended, and the coordinator will soon know. */
    private static final Duration VERDICT_TIMEOUT = Duration.ofSeconds(1);

    private final AeronLane lane;
    private final boolean near;

    /** The process at the other end of the links. */
    private Seat seat;

    private @Nullable AeronFrameSender sender;
    private @Nullable AeronFrameReceiver receiver;

    /** Payload bytes sent to the processes that {@link #seat} has replaced. */
    private long sentBefore;

    /**
     * Prepares the links to a rank; none is open yet.
     *
     * @param seat the rank's current process
     * @param near whether the links are in shared memory, and not over UDP
     */
    AeronPeer(AeronLane lane, Seat seat, boolean near) {
        this.lane = lane;
        this.seat = seat;
        this.near = near;
    }

    int rank() {
        return seat.member().rank();
    }

    Member member() {
        return seat.member();
    }

    /** Whether the links are in shared memory, and not over UDP. */
    boolean isNear() {
        return near;
    }

    /** An address that the peer told when it joined. */
    String address(String name) {
        return address(seat, name);
    }

    /** As {@link #address(String)}, of any seat. */
    static String address(Seat seat, String name) {
        return Objects.requireNonNull(
                seat.addresses().get(name), () -> "rank " + seat.member().rank() + " did not send its " + name);
    }

    /** Whether the links lead to a lost process instead of its successor. */
    private boolean isOutdated() {
        return seat.incarnation() != lane.membership().incarnation(rank());
    }

    private int generation() {
        return 1 + lane.incarnation() + seat.incarnation();
    }

    private int own() {
        return lane.world().rank();
    }

    private AeronLink link() {
        return lane.link(member(), generation());
    }

    // The sending side.

    /** The stream to the peer; opened by the first call. */
    FrameSender sender() {
        AeronFrameSender known = sender;
        if (known != null) {
            return known;
        }
        checkNoCollective();
        if (Thread.currentThread().isInterrupted()) {
            // An interrupt would close the files and sockets that Aeron opens here.
            throw new GyreException(
                    "rank " + own() + " was interrupted before it could open the stream to " + member());
        }
        lane.gate().enter();
        try {
            String purpose = "rank " + own() + ": the stream to " + member();
            AeronFrameSender opened = lane.site().withRoomForLog(purpose, this::openSender);
            sender = opened;
            return opened;
        } finally {
            lane.gate().exit();
        }
    }

    private AeronFrameSender openSender() {
        int generation = generation();
        int session = lane.sessionId(generation, own(), rank());
        AeronSite site = lane.site();
        return near
                ? new AeronFrameSender(
                        link(), site.ipc(session), lane.stream(rank(), generation), false, JoinOptions.MAX_MTU)
                : new AeronFrameSender(
                        link(),
                        site.udpOutbound(address(AeronSite.UDP), session),
                        lane.stream(own(), generation),
                        true,
                        site.udpMtu());
    }

    /** The other ranks expect no collectives with a process that joined after they began. */
    private void checkNoCollective() {
        if (lane.number() == 0 && lane.isOfRestarted()) {
            throw new GyreException("rank " + own() + " is a restarted worker: it communicates with parameter servers,"
                    + " and cannot take part in collectives. Use a strategy without groups, or run without restarts");
        }
    }

    /** Waits until the network has what was offered. */
    void flush(Patience patience, Activity activity) {
        AeronFrameSender open = sender;
        if (near || open == null) {
            return;
        }
        activity.handingOverTo(member());
        long before = sentPosition(open);
        while (!isSent(open)) {
            lane.site().node().pump();
            long now = sentPosition(open);
            patience.turn(now > before ? 1 : 0, activity);
            before = now;
        }
    }

    private long sentPosition(AeronFrameSender open) {
        lane.gate().enter();
        try {
            return open.sentPosition();
        } finally {
            lane.gate().exit();
        }
    }

    private boolean isSent(AeronFrameSender open) {
        lane.gate().enter();
        try {
            return open.isSent();
        } finally {
            lane.gate().exit();
        }
    }

    /** Payload bytes sent to the rank so far. */
    long payloadBytes() {
        AeronFrameSender open = sender;
        return sentBefore + (open == null ? 0 : open.payloadBytes());
    }

    /** Frames sent to the current process so far. */
    long framesSent() {
        AeronFrameSender open = sender;
        return open == null ? 0 : open.frames();
    }

    /** Whether the peer has read, or is sure to get, what this rank has sent, or has no more use for it. */
    boolean isDrained() {
        AeronFrameSender open = sender;
        return open == null || isOutdated() || lane.membership().hasLeft(rank()) || open.isDrained();
    }

    /** Whether something may still have to be retransmitted to the peer. */
    boolean mayNeedRetransmission() {
        return !near && sender != null;
    }

    // The receiving side.

    /** The stream from the peer; an empty one if it has left or is lost. */
    FrameReceiver receiver() {
        AeronFrameReceiver known = receiver;
        if (known != null) {
            return known;
        }
        checkNoCollective();
        return NOTHING;
    }

    /** Opens the stream from the peer at the start of the run, or later if this process is a restarted worker. */
    void openReceiver() {
        receiver = lane.isOfRestarted() ? openLate() : open();
    }

    /** Opens the stream in the middle of a run; null if the peer has left or is lost again. */
    private @Nullable AeronFrameReceiver openLate() {
        if (lane.number() == 0 && lane.isOfRestarted()) {
            return null;
        }
        if (lane.membership().hasLeft(rank()) || (near && !isVisible())) {
            return null;
        }
        try {
            return open();
        } catch (AeronException e) {
            LOG.warn("rank {}: receives nothing from {}, whose media driver does not answer", own(), member(), e);
            return null;
        }
    }

    private AeronFrameReceiver open() {
        int generation = generation();
        int session = lane.sessionId(generation, rank(), own());
        AeronSite site = lane.site();
        if (near) {
            AeronFaults faults = new AeronFaults("the media driver of " + member());
            checkVisible();
            checkPrivate();
            Aeron client = site.node().attach(address(AeronSite.DIRECTORY), faults);
            return new AeronFrameReceiver(
                    link(), client, true, faults, site.ipc(session), lane.stream(own(), generation));
        }
        return new AeronFrameReceiver(
                link(),
                site.node().client(),
                false,
                site.faults(),
                site.udpInbound(session),
                lane.stream(rank(), generation));
    }

    /** Aeron would wait 15 s for a driver that is not there. */
    private void checkVisible() {
        if (!isVisible()) {
            lane.membership().awaitEnding(VERDICT_TIMEOUT);
            lane.membership().check(own(), "joining the run");
            throw new GyreException("rank " + own() + " does not see the shared memory of " + member() + " at "
                    + address(AeronSite.DIRECTORY) + ", though both say that they are on the same host: check the host"
                    + " ids, or use transport udp");
        }
    }

    private void checkPrivate() {
        try {
            RunDirectory.checkPrivate(AeronSite.runDirectory(address(AeronSite.DIRECTORY)));
        } catch (IOException e) {
            throw new GyreException(
                    "rank " + own() + " cannot share memory with " + member() + ": " + e.getMessage(), e);
        }
    }

    private boolean isVisible() {
        return Files.exists(Path.of(address(AeronSite.DIRECTORY), CncFileDescriptor.CNC_FILE));
    }

    /** Fails if nothing more can arrive from a peer that has not left. */
    void check(Object doing) {
        AeronFrameReceiver open = receiver;
        if (open != null && !hasLeft()) {
            open.check(doing);
        }
    }

    // Both sides.

    /** As {@link io.gyre.network.PeerStatus#hasLeft}: see {@link AeronEndpoint}. */
    boolean hasLeft() {
        if (isOutdated()) {
            return true;
        }
        AeronFrameReceiver open = receiver;
        return lane.membership().hasLeft(rank())
                && (lane.number() > 0
                        || open == null
                        || open.frames() >= lane.membership().sentBy(rank()));
    }

    String howLeft() {
        return isOutdated()
                ? "another process has taken its seat"
                : lane.membership().howLeft(rank());
    }

    /** Replaces the links by those to the current process of the rank. */
    void renew() {
        lane.gate().enter();
        try {
            AeronFrameReceiver incoming = receiver;
            receiver = null;
            if (incoming != null) {
                incoming.close();
            }
            AeronFrameSender outgoing = sender;
            sender = null;
            if (outgoing != null) {
                sentBefore += outgoing.payloadBytes();
                outgoing.close();
            }
            seat = lane.membership().seats().get(rank());
            receiver = openLate();
        } finally {
            lane.gate().exit();
        }
    }

    @Override
    public String toString() {
        return "the links to and from " + member();
    }
}
