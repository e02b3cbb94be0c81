package io.gyre.paramserver;

import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * A server's connection to one client: the change that is arriving from there, and the replies on their way to it.
 *
 * <p>Both are bounded, so that neither a slow client nor a faulty one makes a server grow. A new request replaces the
 * one that was arriving. Replies beyond {@link #MOST_REPLIES} are dropped: the client asks again.
 */
final class ClientLink {

    /** One that streams parameters, one that acknowledges a push, and as many again for what was repeated. */
    static final int MOST_REPLIES = 8;

    private static final Region NOTHING = Region.allocate("nothing", 0);

    private final int rank;
    private final int worker;
    private final MemoryBudget budget;
    private final Faults faults;
    private final ServerMessageCodec codec = new ServerMessageCodec();
    private final Deque<Outgoing> replies = new ArrayDeque<>();
    private Request.@Nullable Change<?> arriving;
    private long arrivingCall;
    private long arrivingBytes;
    private long arrived;
    private Region place = NOTHING;
    private boolean gone;

    /**
     * A client that has asked nothing yet.
     *
     * @param worker its place among those that push; -1 if it does not
     * @param budget pays for the place of what arrives
     * @param faults what happens to replies
     */
    ClientLink(int rank, int worker, MemoryBudget budget, Faults faults) {
        this.rank = rank;
        this.worker = worker;
        this.budget = budget;
        this.faults = faults;
    }

    int rank() {
        return rank;
    }

    int worker() {
        return worker;
    }

    /** Whether it has left or is lost. */
    boolean isGone() {
        return gone;
    }

    /** Drops what was arriving: a new request has come. */
    void interrupt() {
        arriving = null;
    }

    /** Begins to take the data of a change. Returns why there is no room for them, or null. */
    @Nullable String expect(long call, Request.Change<?> change, long bytes) {
        long more = bytes - place.byteLength();
        if (more > 0) {
            String objection = budget.objection(more, "a change of client rank " + rank);
            if (objection != null) {
                return objection;
            }
            place = Region.allocate("change of rank " + rank, bytes);
            budget.take(more);
        }
        arriving = change;
        arrivingCall = call;
        arrivingBytes = bytes;
        arrived = 0;
        return null;
    }

    /** Takes some of the data. Returns their change once they are complete, else null. */
    Request.@Nullable Change<?> receive(Frame frame, ByteBuffer payload, int offset) {
        Request.Change<?> change = arriving;
        if (change == null || arrivingCall != frame.step()) {
            return null;
        }
        if (frame.length() > arrivingBytes - arrived) {
            throw new ProtocolException("rank " + rank + " sent " + (arrived + frame.length())
                    + " bytes of data with a " + change.inWords() + ", but had announced " + arrivingBytes);
        }
        place.copyFrom(arrived, payload, offset, frame.length());
        arrived += frame.length();
        if (arrived < arrivingBytes) {
            return null;
        }
        arriving = null;
        return change;
    }

    /** The data of the change that has come complete, until the next one begins. */
    Region received() {
        return place.slice(0, arrived);
    }

    /** Sends a reply, unless too many are under way. */
    void reply(long call, Reply reply) {
        send(Outgoing.reply(call, reply, null));
    }

    /** Sends a reply with a shard's data, which are read from there as the link takes them. */
    void reply(long call, Reply reply, Region data) {
        send(Outgoing.reply(call, reply, data));
    }

    private void send(Outgoing reply) {
        if (replies.size() < MOST_REPLIES && faults.copies() > 0) {
            replies.add(reply);
        }
    }

    /** Whether a reply is on its way. */
    boolean hasReplies() {
        return !replies.isEmpty();
    }

    /**
     * Sends what its link takes now, in the order of the replies.
     *
     * @param withData whether to go on where a reply has data
     * @return how many frames that were
     */
    int advance(FrameSender sender, boolean withData) {
        int frames = 0;
        for (Outgoing next = replies.peek(); next != null && (withData || !next.hasData()); next = replies.peek()) {
            frames += next.advance(sender, codec);
            if (!next.isSent()) {
                return frames;
            }
            replies.remove();
        }
        return frames;
    }

    /** Drops the replies that read from memory that is about to go: the client asks again, and then learns of it. */
    void dropRepliesFrom(Region memory) {
        replies.removeIf(reply -> reply.reads(memory));
    }

    /** It asks no more; its last replies still go out. */
    void leave() {
        gone = true;
        arriving = null;
        budget.release(place.byteLength());
        place = NOTHING;
    }

    /** It takes no more replies. */
    void abandon() {
        replies.clear();
    }
}
