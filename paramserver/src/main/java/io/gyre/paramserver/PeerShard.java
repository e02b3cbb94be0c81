package io.gyre.paramserver;

import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import io.gyre.session.Session;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What a rank and one of its peers have to do with each other about one shard. Used by the service's thread.
 *
 * @param shard its index
 * @param server this rank's own, of which the peer is a client; null if it is none
 * @param link for requests about the shard, which may go to the peer; null if they never do
 * @param copy this rank's own, whose other copy the peer holds; null if it does not
 */
record PeerShard(
        int shard,
        @Nullable ShardServer server,
        @Nullable ServerLink link,
        @Nullable ShardCopy copy) {

    /** Receives a frame of the peer. Returns whether anybody takes it. */
    boolean onFrame(int rank, Frame frame, ByteBuffer payload, int offset) {
        if (copy != null) {
            return copy.onFrame(frame, payload, offset);
        }
        if (frame.kind() == Frame.Kind.REQUEST && server != null) {
            return server.onFrame(rank, frame, payload, offset);
        }
        if (frame.kind() == Frame.Kind.RESPONSE && link != null) {
            // A server that is asked no more may still answer: that is late, or comes again from the one asked now.
            return !link.leadsTo(rank) || link.onFrame(frame, payload, offset);
        }
        return false;
    }

    /** Sends short replies, and messages to the other copy. Returns the number of frames. */
    int acknowledge(int rank, FrameSender sender) {
        int frames = server != null ? server.clients().get(rank).advance(sender, false) : 0;
        return copy != null && copy.isBusy() ? frames + copy.advance(sender) : frames;
    }

    /** Sends requests. Returns the number of frames. */
    int ask(int rank, FrameSender sender, long retryNanos, Faults faults) {
        return link != null && link.leadsTo(rank) && link.isBusy() ? link.advance(sender, retryNanos, faults) : 0;
    }

    /** Sends all replies. Returns the number of frames. */
    int reply(int rank, FrameSender sender) {
        return server != null ? server.clients().get(rank).advance(sender, true) : 0;
    }

    /** Whether there is something to send to the peer. */
    boolean isBusy(int rank) {
        return (server != null && server.clients().get(rank).hasReplies())
                || (link != null && link.leadsTo(rank) && link.isBusy())
                || (copy != null && copy.isBusy());
    }

    /** The peer was restarted; its links have not been renewed yet. */
    void restarted(int rank, Session session) {
        if (server != null) {
            server.restarted(rank);
        }
        if (copy != null) {
            copy.partnerLost();
        }
        if (link != null && link.leadsTo(rank)) {
            follow(link, session);
        }
    }

    /** Lets requests follow the server that answers. Returns whether there is one. */
    static boolean follow(ServerLink link, Session session) {
        return link.follow(session::hasEnded, holder -> session.members().get(holder));
    }

    /** The peer has left or is lost. Returns whether this rank waits for a reply that only the peer could give. */
    boolean leave(int rank, Session session) {
        if (server != null) {
            server.forget(rank);
            server.clients().get(rank).abandon();
        }
        if (copy != null) {
            copy.partnerLost();
        }
        return link != null && link.leadsTo(rank) && !follow(link, session) && link.isBusy();
    }
}
