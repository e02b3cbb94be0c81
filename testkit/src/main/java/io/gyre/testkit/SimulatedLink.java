package io.gyre.testkit;

import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/**
 * An ordered stream of frames between two processes of a simulation: a ring of slots, whose frames arrive some
 * milliseconds after they were sent.
 */
final class SimulatedLink implements FrameSender, FrameReceiver {

    /** Short, so that short vectors have many segments. */
    private static final int SLOT_BYTES = 512;

    private static final int SLOTS = 8;
    private static final long LONGEST_DELAY = 5_000_000;

    private final SimulatedTime time;
    private final SplittableRandom random;
    private final SimulatedProcess from;
    private final SimulatedProcess to;
    private final Frame[] frames = new Frame[SLOTS];
    private final ByteBuffer payloads =
            ByteBuffer.allocateDirect(SLOTS * SLOT_BYTES).order(ByteOrder.nativeOrder());
    private long sent;
    private long arrived;
    private long read;
    private long lastArrival;

    SimulatedLink(SimulatedTime time, SplittableRandom random, SimulatedProcess from, SimulatedProcess to) {
        this.time = time;
        this.random = random;
        this.from = from;
        this.to = to;
        for (int slot = 0; slot < SLOTS; slot++) {
            frames[slot] = new Frame();
        }
    }

    /** Number of frames sent so far. */
    long sent() {
        return sent;
    }

    /** Number of frames read so far. */
    long read() {
        return read;
    }

    @Override
    public int maxPayload() {
        return SLOT_BYTES;
    }

    @Override
    public boolean offer(Frame frame, Region source, long offset) {
        if (sent - read == SLOTS) {
            return false;
        }
        source.copyTo(offset, payloads, slot(sent) * SLOT_BYTES, frame.length());
        send(frame);
        return true;
    }

    @Override
    public boolean offer(Frame frame, ByteBuffer source, int offset) {
        if (sent - read == SLOTS) {
            return false;
        }
        payloads.put(slot(sent) * SLOT_BYTES, source, offset, frame.length());
        send(frame);
        return true;
    }

    private static int slot(long number) {
        return (int) (number % SLOTS);
    }

    private void send(Frame frame) {
        frames[slot(sent)].set(
                frame.kind(), frame.step(), frame.bucket(), frame.chunk(), frame.vectorBytes(), frame.length());
        sent++;
        lastArrival = Math.max(lastArrival, time.now() + random.nextLong(LONGEST_DELAY));
        time.after(lastArrival - time.now(), () -> {
            arrived++;
            to.wake();
        });
    }

    @Override
    public int poll(Handler handler, int limit) {
        int count = 0;
        for (boolean more = true; more && count < limit && read < arrived; count++) {
            int slot = slot(read);
            more = handler.onFrame(frames[slot], payloads, slot * SLOT_BYTES);
            read++;
        }
        if (count > 0) {
            from.wake();
        }
        return count;
    }
}
