package io.gyre.paramserver;

import io.gyre.ProtocolException;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A rank to which this one is client, or server, or both: sorts what comes from there. For the service's thread. */
final class Peer implements FrameReceiver.Handler {

    /** Frames that are taken from one peer before the next has its turn. */
    private static final int FRAMES_PER_TURN = 32;

    private final int rank;
    private final Session session;
    private final Endpoint endpoint;
    private final @Nullable ShardServer server;
    private final @Nullable ServerLink link;
    private @Nullable FrameSender sender;
    private int incarnation;
    private boolean gone;

    /**
     * Begins to talk to a rank.
     *
     * @param session tells whether another process has become that rank
     * @param rank may be this one
     * @param server this rank's own, which answers that rank; null if there is none
     * @param link for questions to that rank; null if it does not serve this one
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

    /** Takes and gives what can be taken and given now. Returns how many frames that were. */
    int turn(long retryNanos, Faults faults) {
        if (session.incarnation(rank) != incarnation) {
            comeBack();
        }
        boolean listens = !gone && rank != endpoint.world().rank();
        int work = listens ? endpoint.receiver(rank).poll(this, FRAMES_PER_TURN) : 0;
        // What was asked for waits for what this rank wants to change: two that each read first, where the other wants
        // to add, would
        // take turns, and each one's link would be idle half of the time. Acknowledgements are short.
        if (server != null && server.hasAnswers(rank)) {
            work += server.acknowledge(rank, sender());
        }
        if (link != null && link.isBusy()) {
            work += link.advance(sender(), retryNanos, faults);
        }
        if (server != null && server.hasAnswers(rank)) {
            work += server.advance(rank, sender());
        }
        return work;
    }

    /** It was lost, and another process has taken its place. What the first had on its way is dropped. */
    private void comeBack() {
        incarnation = session.incarnation(rank);
        gone = false;
        sender = null;
        if (server != null) {
            server.takeBack(rank);
        }
        endpoint.renew(rank);
    }

    /** It has left or died. Returns whether this rank waits for its answer. */
    boolean leave() {
        gone = true;
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

    /** The way there; opened when it is first needed, because it takes memory. */
    private FrameSender sender() {
        FrameSender known = sender;
        if (known == null) {
            known = rank == endpoint.world().rank() ? new LocalLink(this) : endpoint.sender(rank);
            sender = known;
        }
        return known;
    }
}
