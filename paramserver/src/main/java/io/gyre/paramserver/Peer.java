package io.gyre.paramserver;

import io.gyre.ProtocolException;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A rank that this one is a client of, a server of, or both. Used by the service's thread. */
final class Peer implements FrameReceiver.Handler {

    /** Frames taken from one peer before the next has its turn. */
    private static final int FRAMES_PER_TURN = 32;

    private final int rank;
    private final Session session;
    private final Endpoint endpoint;
    private final @Nullable ShardServer server;
    private final @Nullable ServerLink link;
    private @Nullable FrameSender sender;
    private int incarnation;
    private boolean absent;

    /**
     * Creates the peer.
     *
     * @param session reports whether a new process has that rank
     * @param rank may be this one
     * @param server this rank's own, which serves that rank; null if there is none
     * @param link for requests to that rank; null if it does not serve this one
     */
    Peer(int rank, Session session, Endpoint endpoint, @Nullable ShardServer server, @Nullable ServerLink link) {
        this.rank = rank;
        this.session = session;
        this.incarnation = session.incarnation(rank);
        this.endpoint = endpoint;
        this.server = server;
        this.link = link;
    }

    int rank() {
        return rank;
    }

    /** Receives and sends what is possible now. Returns the number of frames. */
    int turn(long retryNanos, Faults faults) {
        if (session.incarnation(rank) != incarnation) {
            restart();
        }
        boolean listens = !absent && rank != endpoint.world().rank();
        int work = listens ? endpoint.receiver(rank).poll(this, FRAMES_PER_TURN) : 0;
        // Replies with data wait until this rank's own requests are sent: otherwise, of two ranks that both read and
        // then add, each one's link would be idle half of the time. Replies without data are short.
        if (server != null && server.hasReplies(rank)) {
            work += server.acknowledge(rank, sender());
        }
        if (link != null && link.isBusy()) {
            work += link.advance(sender(), retryNanos, faults);
        }
        if (server != null && server.hasReplies(rank)) {
            work += server.advance(rank, sender());
        }
        return work;
    }

    /** The rank was restarted: what its predecessor had in flight is dropped. */
    private void restart() {
        incarnation = session.incarnation(rank);
        absent = false;
        sender = null;
        if (server != null) {
            server.restarted(rank);
        }
        endpoint.renew(rank);
    }

    /** The rank has left or is lost. Returns whether this rank waits for its reply. */
    boolean leave() {
        absent = true;
        if (server != null) {
            server.forget(rank);
            server.abandon(rank);
        }
        return link != null && link.isBusy();
    }

    @Override
    public boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
        if (frame.kind() == Frame.Kind.REQUEST && server != null) {
            return server.onFrame(rank, frame, payload, offset);
        }
        if (frame.kind() == Frame.Kind.RESPONSE && link != null) {
            return link.onFrame(frame, payload, offset);
        }
        throw new ProtocolException("rank " + rank + " sent " + frame + " in the lane of the parameter service");
    }

    /** The sender; opened on first use, because it takes memory. */
    private FrameSender sender() {
        FrameSender known = sender;
        if (known == null) {
            known = rank == endpoint.world().rank() ? new LocalLink(this) : endpoint.sender(rank);
            sender = known;
        }
        return known;
    }
}
