package io.gyre.allreduce;

import io.gyre.Chunk;
import io.gyre.DisagreementException;
import io.gyre.World;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Sum of floats that travel encoded: every rank sends chunk r to rank r, which adds up the chunks of all and sends the
 * sum back to all.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>For N ranks and vectors of E bytes when encoded: 2 hops and 2E(N-1)/N bytes sent per rank, as on a ring. On a
 *       ring each hop would round the sum once more. Every pair of ranks needs a link.
 *   <dt>Result
 *   <dd>In place, and bit-identical on every rank. Each rank's values are encoded once; rank r adds up the decoded
 *       values in FLOAT32, in rank order; their sum is encoded once, and every rank decodes that. {@link
 *       EncodedSegments} and {@link FeedbackSegments} say what becomes of the owner's own values.
 *   <dt>Segments
 *   <dd>A chunk is encoded and added up in segments, which fit into a second-level cache. A sum is sent as soon as it
 *       is there. Sending and receiving alternate, and neither blocks the other.
 *   <dt>Memory
 *   <dd>Two encoded segments for each rank, and the encoded sums of a chunk.
 * </dl>
 *
 * <p>The algorithm is that of Rabenseifner's reduce-scatter and all-gather with direct exchanges: Thakur, Rabenseifner
 * and Gropp, <i>Optimization of collective communication operations in MPICH</i>, IJHPCA 19(1), 2005.
 */
final class CompressedAllReduce {

    /** Elements of a segment. */
    static final int SEGMENT = 16 << 10;

    private static final int POLL_LIMIT = 4;
    private static final int LENGTH_BYTES = GradientCodec.LENGTH_BYTES;
    private static final int NOT_ENCODED = -1;
    private static final Region NOTHING = Region.allocate("nothing", 0);

    private final Endpoint endpoint;
    private final GradientCodec codec;
    private final EncodedSegments encoding;
    private final World world;
    /** An encoded segment for each rank, and from each rank. */
    private final ByteBuffer outgoing;

    private final ByteBuffer incoming;
    private final int slotBytes;
    /** By rank: segments sent to it, of its chunk and then of the sums; bytes sent of the next. */
    private final int[] sent;

    private final int[] sentBytes;
    /** By rank: segments received from it, of this rank's chunk and then of its sums; bytes received of the next. */
    private final int[] received;

    private final int[] receivedBytes;
    private final Frame frame = new Frame();
    private final Activity activity = new Activity();
    private final FrameReceiver.Handler handler = this::onFrame;

    private Region sums = NOTHING;
    private Region data = NOTHING;
    private long step;
    private int bucket;
    private int ownSegments;
    private int summed;
    private int from;

    /**
     * Creates the algorithm for one rank.
     *
     * @param endpoint borrowed, not closed
     * @param codec used by this rank only
     * @param kernels used by this rank only
     */
    CompressedAllReduce(Endpoint endpoint, GradientCodec codec, Kernels kernels) {
        this.endpoint = endpoint;
        this.codec = codec;
        encoding = EncodedSegments.of(codec, kernels, SEGMENT);
        world = endpoint.world();
        int ranks = world.size();
        slotBytes = (codec.encodedBytes(SEGMENT) + Long.BYTES - 1) & -Long.BYTES;
        outgoing = direct(Math.multiplyExact(ranks, slotBytes));
        incoming = direct(Math.multiplyExact(ranks, slotBytes));
        sent = new int[ranks];
        sentBytes = new int[ranks];
        received = new int[ranks];
        receivedBytes = new int[ranks];
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    void run(Region region, long atStep, int ofBucket) {
        data = region;
        step = atStep;
        bucket = ofBucket;
        ownSegments = segments(world.rank());
        summed = 0;
        Arrays.fill(sent, 0);
        Arrays.fill(received, 0);
        Arrays.fill(sentBytes, NOT_ENCODED);
        Arrays.fill(receivedBytes, 0);
        encoding.begin(region, atStep);
        makeRoom((long) ownSegments * slotBytes);
        activity.begin("all-reduce (compressed)", step, bucket, 2);
        boolean done = false;
        while (!done) {
            int work = 0;
            done = true;
            for (int peer = 0; peer < world.size(); peer++) {
                if (peer != world.rank()) {
                    work += send(peer) + receive(peer);
                    done &= hasSentAll(peer) && hasReceivedAll(peer);
                }
            }
            if (!done) {
                showAwaited();
                endpoint.await(work, activity);
            }
        }
        endpoint.flush(activity);
        data = NOTHING;
    }

    private void makeRoom(long bytes) {
        if (sums.byteLength() < bytes) {
            sums = Region.allocate("encoded sums", bytes);
        }
    }

    // Sending.

    private boolean hasSentAll(int peer) {
        return sent[peer] == segments(peer) + ownSegments;
    }

    /** Sends one frame, if there is something to send and room for it; returns the number of frames. */
    private int send(int peer) {
        int theirs = segments(peer);
        int segment = sent[peer];
        if (segment < theirs) {
            return sendOwnValues(peer, segment);
        }
        return segment - theirs < summed ? sendSum(peer, segment - theirs) : 0;
    }

    private int sendOwnValues(int peer, int segment) {
        int elements = length(peer, segment);
        if (sentBytes[peer] == NOT_ENCODED) {
            encoding.encodeOwn(begin(peer, segment), elements, outgoing, slot(peer));
            sentBytes[peer] = 0;
        }
        FrameSender sender = endpoint.sender(peer);
        int bytes = bytesOf(outgoing, slot(peer), elements);
        int n = Math.min(sender.maxPayload(), bytes - sentBytes[peer]);
        frame.set(Frame.Kind.REDUCE_SCATTER, step, bucket, peer, data.byteLength(), n);
        return offered(sender.offer(frame, outgoing, slot(peer) + sentBytes[peer]), peer, n, bytes);
    }

    private int sendSum(int peer, int segment) {
        if (sentBytes[peer] == NOT_ENCODED) {
            sentBytes[peer] = 0;
        }
        FrameSender sender = endpoint.sender(peer);
        long at = (long) segment * slotBytes;
        int bytes = bytesOf(sums.window(at), sums.windowOffset(at), length(world.rank(), segment));
        int n = Math.min(sender.maxPayload(), bytes - sentBytes[peer]);
        frame.set(Frame.Kind.ALL_GATHER, step, bucket, world.rank(), data.byteLength(), n);
        return offered(sender.offer(frame, sums, at + sentBytes[peer]), peer, n, bytes);
    }

    private int offered(boolean taken, int peer, int n, int ofBytes) {
        if (!taken) {
            return 0;
        }
        sentBytes[peer] += n;
        if (sentBytes[peer] == ofBytes) {
            sent[peer]++;
            sentBytes[peer] = NOT_ENCODED;
        }
        return 1;
    }

    // Receiving.

    private boolean hasReceivedAll(int peer) {
        return received[peer] == ownSegments + segments(peer);
    }

    /** A rank that is ahead must wait: its next segment would overwrite one that is not added up yet. */
    private boolean mayReceive(int peer) {
        return Math.min(received[peer], ownSegments) == summed && !hasReceivedAll(peer);
    }

    private int receive(int peer) {
        if (!mayReceive(peer)) {
            return 0;
        }
        from = peer;
        activity.waitingFor(endpoint.member(peer), received[peer] < ownSegments ? 1 : 2);
        return endpoint.receiver(peer).poll(handler, POLL_LIMIT);
    }

    private boolean onFrame(Frame arrived, ByteBuffer payload, int offset) {
        boolean isSum = received[from] >= ownSegments;
        int chunk = isSum ? from : world.rank();
        int segment = isSum ? received[from] - ownSegments : received[from];
        int elements = length(chunk, segment);
        int before = receivedBytes[from];
        int most = before == 0 ? codec.encodedBytes(elements) : bytesOf(incoming, slot(from), elements);
        Frame.Kind kind = isSum ? Frame.Kind.ALL_GATHER : Frame.Kind.REDUCE_SCATTER;
        arrived.expect(kind, step, bucket, chunk, data.byteLength(), most - before, activity);
        int n = arrived.length();
        incoming.put(slot(from) + before, payload, offset, n);
        receivedBytes[from] = before + n;
        if (receivedBytes[from] == lengthReceived(elements)) {
            received[from]++;
            receivedBytes[from] = 0;
            if (isSum) {
                encoding.decodeSum(incoming, slot(from), elements, begin(chunk, segment));
            } else {
                addUpIfComplete(segment);
            }
        }
        return mayReceive(from);
    }

    /** Length of the piece that is arriving, as its first frame says. */
    private int lengthReceived(int elements) {
        int bytes = bytesOf(incoming, slot(from), elements);
        int most = codec.encodedBytes(elements);
        if (bytes > most || bytes < receivedBytes[from] || receivedBytes[from] < Math.min(bytes, LENGTH_BYTES)) {
            throw new DisagreementException("in " + activity + " " + activity.peer() + " sent " + receivedBytes[from]
                    + " bytes of a piece of " + bytes + " for " + elements + " elements, which take at most " + most
                    + " in " + codec.name() + ". All ranks must use the same codec.");
        }
        return bytes;
    }

    private int bytesOf(ByteBuffer encoded, int offset, int elements) {
        return elements == 0 ? 0 : codec.bytesOf(encoded, offset, elements);
    }

    private void addUpIfComplete(int segment) {
        for (int rank = 0; rank < world.size(); rank++) {
            if (rank != world.rank() && received[rank] <= segment) {
                return;
            }
        }
        int elements = length(world.rank(), segment);
        long at = begin(world.rank(), segment);
        int own = slot(world.rank());
        encoding.addUp(at, elements, incoming, slotBytes, world.rank(), world.size());
        sums.copyFrom((long) segment * slotBytes, incoming, own, bytesOf(incoming, own, elements));
        encoding.decodeSum(incoming, own, elements, at);
        summed++;
    }

    /** Names a rank from which data are missing, or else one that does not take any. */
    private void showAwaited() {
        for (int peer = 0; peer < world.size(); peer++) {
            if (peer != world.rank() && mayReceive(peer)) {
                activity.waitingFor(endpoint.member(peer), received[peer] < ownSegments ? 1 : 2);
                return;
            }
        }
        for (int peer = 0; peer < world.size(); peer++) {
            if (peer != world.rank() && !hasSentAll(peer)) {
                activity.waitingFor(endpoint.member(peer), sent[peer] < segments(peer) ? 1 : 2);
                return;
            }
        }
    }

    // The vector.

    /** Where a rank's segment is in {@link #outgoing} and {@link #incoming}, in bytes. */
    private int slot(int rank) {
        return rank * slotBytes;
    }

    /** Number of segments of a chunk. An empty one has one, so that ranks whose vectors differ always meet. */
    private int segments(int chunk) {
        long elements = border(chunk + 1) - border(chunk);
        return elements == 0 ? 1 : Math.toIntExact((elements + SEGMENT - 1) / SEGMENT);
    }

    /** Elements of a segment. */
    private int length(int chunk, int segment) {
        long rest = border(chunk + 1) - border(chunk) - (long) segment * SEGMENT;
        return (int) Math.min(SEGMENT, rest);
    }

    /** Start of a segment in the vector, in bytes. */
    private long begin(int chunk, int segment) {
        return (border(chunk) + (long) segment * SEGMENT) * Float.BYTES;
    }

    /** Start of a chunk, in elements. */
    private long border(int chunk) {
        return Chunk.offset(chunk, world.size(), data.byteLength() / Float.BYTES);
    }
}
