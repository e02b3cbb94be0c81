package io.gyre.paramserver;

import io.gyre.ProtocolException;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A rank that this one is a client of, a server of, or has copies of shards with. Used by the service's thread. */
final class Peer implements FrameReceiver.Handler {

    /** Frames taken from one peer before the next has its turn. */
    private static final int FRAMES_PER_TURN = 32;

    private final int rank;
    private final Session session;
    private final Endpoint endpoint;
    private final PeerShard[] shards;

    /** For each of the shards; opened on first use, because they take memory. */
    private final @Nullable FrameSender[] senders;

    private int incarnation;
    private boolean absent;

    /**
     * Creates the peer.
     *
     * @param session reports whether a new process has that rank
     * @param rank may be this one
     * @param shards those that the two ranks have to do with each other about
     */
    Peer(int rank, Session session, Endpoint endpoint, List<PeerShard> shards) {
        this.rank = rank;
        this.session = session;
        this.incarnation = session.incarnation(rank);
        this.endpoint = endpoint;
        this.shards = shards.toArray(PeerShard[]::new);
        senders = new FrameSender[this.shards.length];
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
        for (int i = 0; i < shards.length; i++) {
            work += shards[i].isBusy(rank) ? shards[i].acknowledge(rank, sender(i)) : 0;
        }
        for (int i = 0; i < shards.length; i++) {
            work += shards[i].isBusy(rank) ? shards[i].ask(rank, sender(i), retryNanos, faults) : 0;
        }
        for (int i = 0; i < shards.length; i++) {
            work += shards[i].isBusy(rank) ? shards[i].reply(rank, sender(i)) : 0;
            ServerLink link = shards[i].link();
            if (link != null && link.leadsTo(rank) && link.isTurnedAway()) {
                PeerShard.follow(link, session);
            }
        }
        return work;
    }

    /** The rank was restarted: what its predecessor had in flight is dropped. */
    private void restart() {
        incarnation = session.incarnation(rank);
        absent = false;
        for (int i = 0; i < shards.length; i++) {
            senders[i] = null;
            shards[i].restarted(rank, session);
        }
        endpoint.renew(rank);
        for (PeerShard shard : shards) {
            ShardCopy copy = shard.copy();
            if (copy != null) {
                copy.partnerReturned(incarnation);
            }
        }
    }

    /** The rank has left or is lost. Returns whether this rank waits for its reply. */
    boolean leave() {
        absent = true;
        boolean owes = false;
        for (PeerShard shard : shards) {
            owes |= shard.leave(rank, session);
        }
        return owes;
    }

    @Override
    public boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
        for (int i = 0; i < shards.length; i++) {
            if (shards[i].shard() == frame.bucket() && shards[i].onFrame(rank, frame, payload, offset)) {
                return true;
            }
        }
        throw new ProtocolException("rank " + rank + " sent " + frame + " in the lane of the parameter service");
    }

    private FrameSender sender(int i) {
        FrameSender known = senders[i];
        if (known == null) {
            known = new ShardSender(
                    shards[i].shard(), rank == endpoint.world().rank() ? new LocalLink(this) : endpoint.sender(rank));
            senders[i] = known;
        }
        return known;
    }
}
