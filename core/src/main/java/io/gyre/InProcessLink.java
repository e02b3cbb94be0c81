package io.gyre;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A directed stream of frames between two threads: a ring of slots with one writer and one reader. The counters are written
 * with release and read with acquire order, so a slot's contents are visible before its number is.
 */
final class InProcessLink {

    /** Large enough that a slot is worth its hand-over, small enough that a handful stays in the second-level cache. */
    static final int SLOT_BYTES = 64 << 10;

    private static final int SLOTS = 8;

    private final AtomicLong written = new AtomicLong();
    private final AtomicLong read = new AtomicLong();
    private final @Nullable Slot[] slots = new Slot[SLOTS];
    private final Sender sender = new Sender();
    private final Receiver receiver = new Receiver();
    private volatile boolean broken;

    Sender sender() {
        return sender;
    }

    Receiver receiver() {
        return receiver;
    }

    private static final class Slot {
        final Frame frame = new Frame();
        final ByteBuffer payload = ByteBuffer.allocateDirect(SLOT_BYTES).order(ByteOrder.nativeOrder());
    }

    /** The writer's end. */
    final class Sender implements FrameSender {

        private long payloadBytes;

        /** Payload sent so far. */
        long payloadBytes() {
            return payloadBytes;
        }

        @Override
        public int maxPayload() {
            return SLOT_BYTES;
        }

        @Override
        public boolean offer(Frame frame, Region source, long offset) {
            Slot slot = claim(frame);
            if (slot == null) {
                return false;
            }
            source.copyTo(offset, slot.payload, 0, frame.length());
            commit(frame, slot);
            return true;
        }

        @Override
        public boolean offer(Frame frame, ByteBuffer source, int offset) {
            Slot slot = claim(frame);
            if (slot == null) {
                return false;
            }
            slot.payload.put(0, source, offset, frame.length());
            commit(frame, slot);
            return true;
        }

        private @Nullable Slot claim(Frame frame) {
            if (frame.length() < 0 || frame.length() > SLOT_BYTES) {
                throw new IllegalArgumentException(
                        "a frame of " + frame.length() + " bytes: 0 to " + SLOT_BYTES + " fit");
            }
            long next = written.getPlain();
            if (next - read.getAcquire() >= SLOTS) {
                return null;
            }
            int index = (int) (next % SLOTS);
            Slot slot = slots[index];
            if (slot == null) {
                slot = new Slot();
                slots[index] = slot;
            }
            return slot;
        }

        private void commit(Frame frame, Slot slot) {
            slot.frame.set(
                    frame.kind(), frame.step(), frame.bucket(), frame.chunk(), frame.vectorBytes(), frame.length());
            payloadBytes += frame.length();
            written.setRelease(written.getPlain() + 1);
        }
    }

    /** The reader's end. */
    final class Receiver implements FrameReceiver {

        @Override
        public int poll(Handler handler, int limit) {
            if (broken) {
                throw new ProtocolException("this link broke when a frame could not be handled; see the first error");
            }
            int count = 0;
            boolean more = true;
            while (more && count < limit) {
                long next = read.getPlain();
                if (next >= written.getAcquire()) {
                    return count;
                }
                Slot slot = Objects.requireNonNull(slots[(int) (next % SLOTS)]);
                broken = true;
                more = handler.onFrame(slot.frame, slot.payload, 0);
                broken = false;
                read.setRelease(next + 1);
                count++;
            }
            return count;
        }
    }
}
