package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * What a server knows of one rank: the change that is arriving from there, and what is on its way to it. Both are bounded, so
 * that neither a slow client nor a mad one lets a server grow.
 */
final class Client {

    /** One that streams parameters, one that acknowledges a push, and as many again for what was repeated. */
    static final int MOST_ANSWERS = 8;

    private static final Region NOTHING = Region.allocate("nothing", 0);

    private final int rank;
    private final MemoryBudget budget;
    private final Faults faults;
    private final Deque<Outgoing> answers = new ArrayDeque<>();
    private @Nullable Request arriving;
    private Region place = NOTHING;
    private long arrived;
    private boolean gone;

    /**
     * A client that has asked nothing yet.
     *
     * @param budget pays for the place of what arrives
     * @param faults what happens to answers
     */
    Client(int rank, MemoryBudget budget, Faults faults) {
        this.rank = rank;
        this.budget = budget;
        this.faults = faults;
    }

    int rank() {
        return rank;
    }

    /** Whether it has left or died. */
    boolean isGone() {
        return gone;
    }

    /** A new request interrupts what was arriving. */
    void interrupt() {
        arriving = null;
    }

    /** Begins to take the data of a change. Returns why there is no room for them, or null. */
    @Nullable String expect(Request request) {
        long more = request.length() - place.byteLength();
        if (more > 0) {
            String objection = budget.objection(more, "a change of client rank " + rank);
            if (objection != null) {
                return objection;
            }
            place = Region.allocate("change of rank " + rank, request.length());
            budget.take(more);
        }
        arriving = request;
        arrived = 0;
        return null;
    }

    /** Takes some of the data. Returns their request once they are complete, else null. */
    @Nullable Request take(Frame frame, ByteBuffer payload, int offset) {
        Request request = arriving;
        if (request == null || request.call() != frame.step()) {
            return null;
        }
        place.copyFrom(arrived, payload, offset, frame.length());
        arrived += frame.length();
        if (arrived < request.length()) {
            return null;
        }
        arriving = null;
        return request;
    }

    /** The data of a complete request, until the next one begins. */
    Region data(Request request) {
        return place.slice(0, request.length());
    }

    /** Sends an answer, unless too many are under way: then the client asks again. */
    void answer(Answer answer) {
        send(new Outgoing(Frame.Kind.RESPONSE, answer.call(), answer.encode(), null, 0, 0));
    }

    /** Sends an answer with data, which are read from the shard as the link takes them. */
    void answer(Answer answer, Region shard, long offset) {
        send(new Outgoing(Frame.Kind.RESPONSE, answer.call(), answer.encode(), shard, offset, answer.dataBytes()));
    }

    private void send(Outgoing answer) {
        if (answers.size() < MOST_ANSWERS && faults.copies() > 0) {
            answers.add(answer);
        }
    }

    /** Number of answers on their way. */
    int answers() {
        return answers.size();
    }

    /**
     * Sends what its link takes now, in the order of the answers.
     *
     * @param withData whether to go on where an answer has data
     * @return how many frames that were
     */
    int advance(FrameSender sender, boolean withData) {
        int frames = 0;
        for (Outgoing next = answers.peek(); next != null && (withData || !next.hasData()); next = answers.peek()) {
            frames += next.advance(sender);
            if (!next.isSent()) {
                return frames;
            }
            answers.remove();
        }
        return frames;
    }

    /** Drops the answers that read from memory that is about to go: the client asks again, and then learns of it. */
    void dropAnswersFrom(Region memory) {
        answers.removeIf(answer -> answer.reads(memory));
    }

    /** It asks no more; its last answers still go out. */
    void leave() {
        gone = true;
        arriving = null;
        budget.giveBack(place.byteLength());
        place = NOTHING;
    }

    /** It takes no more answers. */
    void abandon() {
        answers.clear();
    }
}
