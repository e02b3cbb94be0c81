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
 * A server's connection to one client: the change that is arriving from it, and the replies in flight to it.
 *
 * <p>Both are bounded, so that neither a slow nor a faulty client makes a server grow. A new request replaces the one
 * that was arriving. Replies beyond {@link #MOST_REPLIES} are dropped: the client repeats its request.
 */
final class ClientLink {

    /** One that streams parameters, one that acknowledges a push, and as many again for repeated requests. */
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
    private boolean absent;

    /**
     * Creates a link to a client that has sent no request yet.
     *
     * @param worker its index among those that push; -1 if it does not push
     * @param budget charged for the memory of arriving data
     * @param faults applied to replies
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
    boolean hasEnded() {
        return absent;
    }

    /** Drops what was arriving, because a new request has arrived. */
    void interrupt() {
        arriving = null;
    }

    /** Prepares for the data of a change. Returns why there is no room for them, or null. */
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

    /** Receives some of the data. Returns their change once they are complete, otherwise null. */
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

    /** The data of the complete change, until the next one begins. */
    Region received() {
        return place.slice(0, arrived);
    }

    /** Hands over the memory of the complete change, until it is {@link #giveBack given back}. */
    Region handOver() {
        Region whole = place;
        place = NOTHING;
        return whole;
    }

    /** Takes back memory that was handed over; it is freed if there is other in use, or if the client has ended. */
    void giveBack(Region whole) {
        if (absent || arriving != null || place.byteLength() >= whole.byteLength()) {
            budget.release(whole.byteLength());
        } else {
            budget.release(place.byteLength());
            place = whole;
        }
    }

    /** Sends a reply, unless too many are in flight. */
    void reply(long call, Reply reply) {
        send(Outgoing.reply(call, reply, null));
    }

    /** Sends a reply with a shard's data, which are read from there as the link accepts them. */
    void reply(long call, Reply reply, Region data) {
        send(Outgoing.reply(call, reply, data));
    }

    private void send(Outgoing reply) {
        if (replies.size() < MOST_REPLIES && faults.copies() > 0) {
            replies.add(reply);
        }
    }

    /** Whether a reply is still being sent. */
    boolean hasReplies() {
        return !replies.isEmpty();
    }

    /**
     * Sends what the link accepts now, in the order of the replies.
     *
     * @param withData whether to continue with replies that have data
     * @return number of frames sent
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

    /**
     * Drops the replies that read from memory that is about to be freed: the client repeats its request, and then gets
     * an error.
     */
    void dropRepliesFrom(Region memory) {
        replies.removeIf(reply -> reply.reads(memory));
    }

    /** The client makes no more requests; its last replies are still sent. */
    void leave() {
        absent = true;
        arriving = null;
        budget.release(place.byteLength());
        place = NOTHING;
    }

    /** The client takes no more replies. */
    void abandon() {
        replies.clear();
    }
}
