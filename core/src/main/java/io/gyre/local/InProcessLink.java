package io.gyre.local;

import io.gyre.ProtocolException;
import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A directed stream of frames between two threads: a ring of slots with one writer and one reader. Counters are written
 * with release and read with acquire semantics, so a slot's contents are visible before its number, and are not
 * overwritten before they have been read.
 */
final class InProcessLink {

    /** Large enough to amortise the hand-over, small enough that a few slots stay in the second-level cache. */
    static final int SLOT_BYTES = 64 << 10;

    private static final int SLOTS = 8;

    private final AtomicLong written = new AtomicLong();
    private final AtomicLong read = new AtomicLong();
    private final Frame[] frames = new Frame[SLOTS];
    private final Sender sender = new Sender();
    private final Receiver receiver = new Receiver();

    /** All slots in one buffer, because kernels cache views of few buffers; allocated for the first frame. */
    private ByteBuffer payloads = ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());

    InProcessLink() {
        Arrays.setAll(frames, slot -> new Frame());
    }

    Sender sender() {
        return sender;
    }

    Receiver receiver() {
        return receiver;
    }

    /** The writer's end. */
    final class Sender implements FrameSender {

        private long payloadBytes;

        /** Payload bytes sent so far. */
        long payloadBytes() {
            return payloadBytes;
        }

        @Override
        public int maxPayload() {
            return SLOT_BYTES;
        }

        @Override
        public boolean offer(Frame frame, Region source, long offset) {
            if (!hasRoomFor(frame)) {
                return false;
            }
            source.copyTo(offset, payloads, slotOf(written.getPlain()) * SLOT_BYTES, frame.length());
            commit(frame);
            return true;
        }

        @Override
        public boolean offer(Frame frame, ByteBuffer source, int offset) {
            if (!hasRoomFor(frame)) {
                return false;
            }
            payloads.put(slotOf(written.getPlain()) * SLOT_BYTES, source, offset, frame.length());
            commit(frame);
            return true;
        }

        private boolean hasRoomFor(Frame frame) {
            if (frame.length() < 0 || frame.length() > SLOT_BYTES) {
                throw new IllegalArgumentException(
                        "a frame of " + frame.length() + " bytes: 0 to " + SLOT_BYTES + " fit");
            }
            if (payloads.capacity() == 0) {
                payloads = ByteBuffer.allocateDirect(SLOTS * SLOT_BYTES).order(ByteOrder.nativeOrder());
            }
            return written.getPlain() - read.getAcquire() < SLOTS;
        }

        private void commit(Frame frame) {
            long number = written.getPlain();
            frames[slotOf(number)].set(
                    frame.kind(), frame.step(), frame.bucket(), frame.chunk(), frame.vectorBytes(), frame.length());
            payloadBytes += frame.length();
            written.setRelease(number + 1);
        }
    }

    private static int slotOf(long number) {
        return (int) (number % SLOTS);
    }

    /** The reader's end. */
    final class Receiver implements FrameReceiver {

        private boolean broken;

        @Override
        public int poll(Handler handler, int limit) {
            if (broken) {
                throw new ProtocolException("this link broke when a frame could not be handled; see the first error");
            }
            int count = 0;
            boolean more = true;
            while (more && count < limit) {
                long number = read.getPlain();
                if (number >= written.getAcquire()) {
                    return count;
                }
                int slot = slotOf(number);
                broken = true;
                more = handler.onFrame(frames[slot], payloads, slot * SLOT_BYTES);
                broken = false;
                read.setRelease(number + 1);
                count++;
            }
            return count;
        }
    }
}
