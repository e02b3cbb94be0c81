package io.gyre.paramserver;

import io.gyre.Member;
import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's connection to the server of one shard: sends requests, repeats those without a reply in time, and matches
 * replies to them. If the shard has a backup, it follows the server that answers. All methods except {@link #nextCall}
 * and {@link #server} are for the service's thread.
 *
 * <p>A request is open from {@link #ask} until its reply has arrived completely. A reply to a call that is not open is
 * the second one to a request that was sent twice, and is dropped.
 */
final class ServerLink {

    private static final Logger LOG = LoggerFactory.getLogger(ServerLink.class);

    /** In place of a rank: there is no backup. */
    static final int NOBODY = -1;

    /** After which a request is repeated that came to a server before it answers for a lost one. */
    private static final long AGAIN_NANOS = 2_000_000;

    private final int primary;
    private final int index;
    private final int servers;
    private final boolean alsoWorks;
    private final int other;
    private volatile Member server;
    private final LongSupplier clock;
    private final ServerMessageCodec codec = new ServerMessageCodec();
    private final AtomicLong calls = new AtomicLong();

    /** A client has few calls open at a time. */
    private final List<Call<?>> open = new ArrayList<>();

    private final Deque<Outgoing> requests = new ArrayDeque<>();
    private @Nullable Call<?> arriving;
    private @Nullable Reply arrivingReply;
    private long arrived;
    private boolean turnedAway;
    private long turnedAwayNanos;

    /**
     * Creates a connection to a server without a backup.
     *
     * @param index of the server, and so of its shard
     * @param alsoWorks whether the server's rank is a worker, too
     * @param clock nanoseconds, from any origin; decides when a request is repeated
     */
    ServerLink(int index, int servers, boolean alsoWorks, Member server, LongSupplier clock) {
        this(index, servers, alsoWorks, server, NOBODY, clock);
    }

    /**
     * Creates a connection.
     *
     * @param other rank of the server that holds the other copy of the shard, or {@link #NOBODY}
     */
    ServerLink(int index, int servers, boolean alsoWorks, Member server, int other, LongSupplier clock) {
        this.other = server.rank() == other ? NOBODY : other;
        primary = server.rank();
        this.index = index;
        this.servers = servers;
        this.alsoWorks = alsoWorks;
        this.server = server;
        this.clock = clock;
    }

    int index() {
        return index;
    }

    /** The one that is asked now. May be called from any thread. */
    Member server() {
        return server;
    }

    /** Whether requests go to that rank. */
    boolean leadsTo(int rank) {
        return server.rank() == rank;
    }

    /** Whether the server has sent requests away, a moment ago. */
    boolean isTurnedAway() {
        return turnedAway && clock.getAsLong() - turnedAwayNanos > AGAIN_NANOS;
    }

    /**
     * Asks the other server from now on, if there is one in the run, and repeats there what is open. Returns whether
     * there is a server.
     *
     * @param hasEnded whether a rank has left or is lost
     * @param members the current processes of the ranks
     */
    boolean follow(IntPredicate hasEnded, IntFunction<Member> members) {
        int next = server.rank() == primary ? other : primary;
        boolean moves = next != NOBODY && !hasEnded.test(next);
        if (!moves && (!turnedAway || hasEnded.test(server.rank()))) {
            return false;
        }
        if (moves) {
            LOG.debug("requests about shard {} go to rank {} from now on", index, next);
            server = members.apply(next);
        }
        turnedAway = false;
        arriving = null;
        requests.clear();
        for (int i = 0; i < open.size(); i++) {
            enqueue(open.get(i), clock.getAsLong(), Faults.NONE);
        }
        return true;
    }

    /** A unique number for a call. May be called from any thread. */
    long nextCall() {
        return calls.incrementAndGet();
    }

    void ask(Call<?> call, Faults faults) {
        open.add(call);
        enqueue(call, clock.getAsLong(), faults);
    }

    private void enqueue(Call<?> call, long now, Faults faults) {
        call.sent(now);
        for (int copies = faults.copies(); copies > 0; copies--) {
            requests.add(Outgoing.request(call.number(), call.request(), call.sends()));
        }
    }

    /**
     * Sends what the link accepts now, and repeats requests without a reply in time. Returns the number of frames sent.
     */
    int advance(FrameSender sender, long retryNanos, Faults faults) {
        int frames = 0;
        for (Outgoing next = requests.peek(); next != null; next = requests.peek()) {
            if (find(next.call()) == null) {
                // The reply has arrived meanwhile, so this copy is not needed; its data may have changed.
                requests.remove();
                continue;
            }
            frames += next.advance(sender, codec);
            if (!next.isSent()) {
                return frames;
            }
            requests.remove();
        }
        long now = clock.getAsLong();
        for (int i = 0; i < open.size(); i++) {
            if (now - open.get(i).sentNanos() > retryNanos) {
                enqueue(open.get(i), now, faults);
            }
        }
        return frames;
    }

    private @Nullable Call<?> find(long number) {
        for (int i = 0; i < open.size(); i++) {
            if (open.get(i).number() == number) {
                return open.get(i);
            }
        }
        return null;
    }

    /** Receives a frame of the server. */
    boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
        if (frame.chunk() == Outgoing.WORDS) {
            onWords(frame, payload, offset);
        } else {
            onData(frame, payload, offset);
        }
        return true;
    }

    private void onWords(Frame frame, ByteBuffer payload, int offset) {
        arriving = null;
        Call<?> call = find(frame.step());
        if (call == null) {
            return;
        }
        Reply reply = ServerMessageCodec.decodeReply(payload, offset, frame.length());
        if (reply instanceof Reply.Elsewhere) {
            turnedAway = true;
            turnedAwayNanos = clock.getAsLong();
            return;
        }
        if (frame.vectorBytes() == 0) {
            finish(call, reply);
            return;
        }
        Region place = call.receives();
        if (place == null || place.byteLength() != frame.vectorBytes()) {
            throw new ProtocolException(call + " was answered with " + frame.vectorBytes() + " bytes of data, which "
                    + (place == null ? "it did not ask for" : "do not fit into " + place));
        }
        arriving = call;
        arrivingReply = reply;
        arrived = 0;
    }

    private void onData(Frame frame, ByteBuffer payload, int offset) {
        Call<?> call = arriving;
        Reply reply = arrivingReply;
        if (call == null || reply == null || call.number() != frame.step()) {
            return;
        }
        Region place = call.receives();
        if (place == null) {
            return;
        }
        if (frame.length() > place.byteLength() - arrived) {
            throw new ProtocolException(call + " was answered with " + (arrived + frame.length())
                    + " bytes of data, and " + place.byteLength() + " were announced");
        }
        place.copyFrom(arrived, payload, offset, frame.length());
        arrived += frame.length();
        if (arrived == place.byteLength()) {
            arriving = null;
            finish(call, reply);
        }
    }

    private void finish(Call<?> call, Reply reply) {
        open.remove(call);
        call.finish(reply);
    }

    /** Whether a reply is awaited. */
    boolean isBusy() {
        return !open.isEmpty() || !requests.isEmpty();
    }

    /** The server's role, for errors. */
    private String role() {
        return "the server of shard " + index + " of " + servers;
    }

    /** The consequence of the server's loss, for errors. */
    String lossInWords() {
        return "it was " + role()
                + (alsoWorks ? ", which is lost with it; only servers of their own let a run outlive its workers" : "");
    }

    /** The server, for errors. */
    @Override
    public String toString() {
        return role() + ", " + server;
    }
}
