package io.gyre.allreduce;

import io.gyre.ProtocolException;
import io.gyre.World;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;

/**
 * Rank 0 gives every other rank bytes of its own. Only rank 0 knows how many: each frame has the length of the whole.
 * Not a {@link io.gyre.network.Collective}, whose vectors are equally long on all ranks.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>Rank 0 sends all bytes, on all links at once; its own link is the limit. The others send nothing.
 *   <dt>Order
 *   <dd>All ranks call it in the same place among their other operations on the endpoint.
 *   <dt>Result
 *   <dd>Bytes are copied without interpretation.
 *   <dt>Allocation
 *   <dd>None once the memory of the receivers has grown to the longest part.
 *   <dt>Threading
 *   <dd>Used by the thread that owns the endpoint.
 *   <dt>Failure
 *   <dd>As {@link io.gyre.network.Endpoint}, with the step and the awaited rank.
 * </dl>
 */
public final class Scatter implements AutoCloseable {

    private static final int SEND_BURST = 4;
    private static final int POLL_LIMIT = 8;

    /** The first part decides how much memory is needed; later ones are seldom much longer. */
    private static final double GROWTH = 1.25;

    private final Endpoint endpoint;
    private final World world;
    private final String operation;
    private final Frame outgoing = new Frame();
    private final Activity activity = new Activity();
    private final FrameReceiver.Handler handler = this::onFrame;
    private final long[] sent;

    private Region memory;
    private long step;
    private long length;
    private long received;

    /**
     * Creates one rank's end.
     *
     * @param endpoint borrowed, not closed
     * @param operation what is sent, for errors: a constant
     */
    public Scatter(Endpoint endpoint, String operation) {
        this.endpoint = endpoint;
        this.operation = operation;
        world = endpoint.world();
        sent = new long[world.size()];
        memory = Region.allocate(operation, 0);
    }

    /**
     * Sends, on rank 0.
     *
     * @param parts by rank, each of at least 1 byte; that of rank 0 is ignored. May be changed afterwards
     * @param step optimiser step, the same on all ranks, for checks and errors
     */
    public void send(Region[] parts, long step) {
        if (!world.isRoot() || parts.length != world.size()) {
            throw new IllegalArgumentException(
                    "rank " + world.rank() + " of " + world.size() + " cannot send " + parts.length + " parts");
        }
        begin(step);
        int open = 0;
        for (int rank = 1; rank < parts.length; rank++) {
            if (parts[rank].byteLength() == 0) {
                throw new IllegalArgumentException("the part of rank " + rank + " is empty");
            }
            sent[rank] = 0;
            open++;
        }
        while (open > 0) {
            int work = 0;
            for (int rank = 1; rank < parts.length; rank++) {
                if (sent[rank] < parts[rank].byteLength()) {
                    activity.waitingFor(endpoint.member(rank), 0);
                    work += offer(parts[rank], rank);
                    open -= sent[rank] == parts[rank].byteLength() ? 1 : 0;
                }
            }
            endpoint.await(work, activity);
        }
        endpoint.flush(activity);
    }

    private int offer(Region part, int rank) {
        FrameSender sender = endpoint.sender(rank);
        int frames = 0;
        while (sent[rank] < part.byteLength() && frames < SEND_BURST) {
            int bytes = (int) Math.min(sender.maxPayload(), part.byteLength() - sent[rank]);
            outgoing.set(Frame.Kind.DATA, step, 0, rank, part.byteLength(), bytes);
            if (!sender.offer(outgoing, part, sent[rank])) {
                return frames;
            }
            sent[rank] += bytes;
            frames++;
        }
        return frames;
    }

    /**
     * Receives this rank's part, on the other ranks.
     *
     * @return valid until the next call
     */
    public Region receive(long step) {
        begin(step);
        length = -1;
        received = 0;
        activity.waitingFor(endpoint.member(0), 0);
        FrameReceiver receiver = endpoint.receiver(0);
        while (length < 0 || received < length) {
            endpoint.await(receiver.poll(handler, POLL_LIMIT), activity);
        }
        return memory.slice(0, length);
    }

    private void begin(long ofStep) {
        step = ofStep;
        activity.begin(operation, step, -1, 0);
    }

    private boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
        if (length < 0) {
            length = frame.vectorBytes();
            if (length < 1) {
                throw new ProtocolException("in " + activity + " " + activity.peer() + " sent " + frame);
            }
            if (length > memory.byteLength()) {
                memory.close();
                memory = Region.allocate(operation, (long) (length * GROWTH));
            }
        }
        frame.expect(Frame.Kind.DATA, step, 0, world.rank(), length, length - received, activity);
        memory.copyFrom(received, payload, offset, frame.length());
        received += frame.length();
        return received < length;
    }

    /** Frees the memory. A second call does nothing. */
    @Override
    public void close() {
        memory.close();
    }
}
