package io.gyre.startup;

import io.gyre.DisagreementException;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;

/**
 * Measures a link by frames: one rank pings and sends blocks, and the other answers until it is told that this was all.
 * So only one clock decides how long it takes, and no frame remains on the way.
 *
 * <p>Blocks double in size as long as the next one is likely to arrive in time: a slow link gets little, a fast one
 * enough to fill it. Used by the thread of the endpoint.
 */
final class LinkProbe {

    private static final int PING = 1;
    private static final int PONG = 2;
    private static final int BLOCK = 3;
    private static final int BLOCK_TAKEN = 4;
    private static final int END = 5;

    private static final int NO_BUCKET = -1;
    private static final int MOST_PINGS = 200;
    private static final int LEAST_PINGS = 3;
    private static final long FIRST_BLOCK_BYTES = 16 << 10;
    private static final long MOST_BLOCK_BYTES = 64 << 20;
    private static final int MOST_FRAME_BYTES = 64 << 10;
    private static final int POLL_LIMIT = 16;

    private final Endpoint endpoint;
    private final Frame outgoing = new Frame();
    private final Activity activity = new Activity();
    private final ByteBuffer times = ByteBuffer.allocateDirect(2 * Long.BYTES).order(ByteOrder.nativeOrder());
    private final ByteBuffer payload = ByteBuffer.allocateDirect(MOST_FRAME_BYTES);
    private final FrameReceiver.Handler handler = this::onFrame;

    /** Of the frame that arrived last. */
    private int word;

    private long theirNanos;
    private long theirWallNanos;
    private long blockBytes;

    /** Of the present block. */
    private long arrivedBytes;

    LinkProbe(Endpoint endpoint) {
        this.endpoint = endpoint;
    }

    /**
     * Measures the link to a peer, which calls {@link #answer} meanwhile.
     *
     * @param kind of the link, in words
     * @param budgetNanos how long it may take
     */
    Link measure(int peer, String kind, long budgetNanos) {
        begin(peer);
        long deadline = System.nanoTime() + budgetNanos;
        long pingDeadline = deadline - budgetNanos * 2 / 3;
        long roundTrip = Long.MAX_VALUE;
        ClockDifference clock = ClockDifference.NONE;
        for (int ping = 0; ping < LEAST_PINGS || (ping < MOST_PINGS && System.nanoTime() < pingDeadline); ping++) {
            long wall = wallNanos();
            long sent = System.nanoTime();
            send(peer, PING, 0, 0);
            await(peer, PONG);
            long nanos = Math.max(1, System.nanoTime() - sent);
            if (nanos < roundTrip) {
                roundTrip = nanos;
                clock = ClockDifference.of(sent, wall, nanos, theirNanos, theirWallNanos);
            }
        }
        double rate = rate(peer, roundTrip, deadline);
        send(peer, END, 0, 0);
        endpoint.flush(activity);
        int own = endpoint.world().rank();
        return new Link(own, peer, kind, Math.max(1, roundTrip / 2), rate, clock);
    }

    /** The better rate of the last two blocks: a core may have been away during one. */
    private double rate(int peer, long roundTrip, long deadline) {
        double last = 0;
        double secondLast = 0;
        for (long bytes = FIRST_BLOCK_BYTES; bytes <= MOST_BLOCK_BYTES; bytes *= 2) {
            long begin = System.nanoTime();
            sendBlock(peer, bytes);
            await(peer, BLOCK_TAKEN);
            long end = System.nanoTime();
            long taken = Math.max(1, end - begin);
            secondLast = last;
            // Without the delay of the first frame and of the answer, as far as that is not all.
            last = bytes / (Math.max(taken - roundTrip, taken / 2) / 1e9);
            if (end + 2 * taken > deadline) {
                break;
            }
        }
        return Math.max(last, secondLast);
    }

    /** Answers a peer, which calls {@link #measure} meanwhile. */
    void answer(int peer) {
        begin(peer);
        for (await(peer, 0); word != END; await(peer, 0)) {
            if (word == PING) {
                times.putLong(0, System.nanoTime());
                times.putLong(Long.BYTES, wallNanos());
                send(peer, PONG, 0, 2 * Long.BYTES);
            } else if (word == BLOCK) {
                send(peer, BLOCK_TAKEN, 0, 0);
            } else {
                throw unexpected(peer, END);
            }
        }
        endpoint.flush(activity);
    }

    private void begin(int peer) {
        activity.begin("start-up check of a link", 0, NO_BUCKET, 0);
        activity.waitingFor(endpoint.member(peer), 0);
    }

    private void send(int peer, int what, long whole, int length) {
        FrameSender sender = endpoint.sender(peer);
        outgoing.set(Frame.Kind.DATA, 0, NO_BUCKET, what, whole, length);
        while (!sender.offer(outgoing, what == BLOCK ? payload : times, 0)) {
            endpoint.await(0, activity);
        }
        endpoint.await(1, activity);
    }

    private void sendBlock(int peer, long bytes) {
        int most = Math.min(MOST_FRAME_BYTES, endpoint.sender(peer).maxPayload());
        for (long left = bytes; left > 0; left -= most) {
            send(peer, BLOCK, bytes, (int) Math.min(most, left));
        }
    }

    /**
     * Waits for the next word of the peer; for a block, until all of it has arrived.
     *
     * @param due 0 for any
     */
    private void await(int peer, int due) {
        FrameReceiver receiver = endpoint.receiver(peer);
        word = 0;
        while (word == 0) {
            endpoint.await(receiver.poll(handler, POLL_LIMIT), activity);
        }
        if (due != 0 && word != due) {
            throw unexpected(peer, due);
        }
    }

    private DisagreementException unexpected(int peer, int due) {
        return new DisagreementException("in " + activity + " " + endpoint.member(peer) + " sent word " + word
                + ", and word " + due + " was due. All ranks must make the same start-up check");
    }

    private boolean onFrame(Frame frame, ByteBuffer bytes, int offset) {
        int what = frame.chunk();
        if (what == BLOCK) {
            blockBytes = frame.vectorBytes();
            arrivedBytes += frame.length();
            if (arrivedBytes < blockBytes) {
                return true;
            }
            arrivedBytes = 0;
        } else {
            int length = what == PONG ? 2 * Long.BYTES : 0;
            frame.expect(Frame.Kind.DATA, 0, NO_BUCKET, what, 0, length, activity);
        }
        if (what == PONG) {
            theirNanos = bytes.getLong(offset);
            theirWallNanos = bytes.getLong(offset + Long.BYTES);
        }
        word = what;
        return false;
    }

    private static long wallNanos() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }
}
