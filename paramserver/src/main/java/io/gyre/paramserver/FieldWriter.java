package io.gyre.paramserver;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Writes the fields of one message as bytes: big-endian, a text preceded by its length in UTF-8.
 *
 * <p>Owns the bytes and reuses them for the next message, so that nothing is allocated after the longest one. Used by
 * one thread at a time. {@link FieldReader} reads the result.
 */
final class FieldWriter {

    /** Enough for all messages except those with long names or reasons. */
    private static final int FIRST_BYTES = 256;

    private ByteBuffer bytes = ByteBuffer.allocateDirect(FIRST_BYTES);

    /** Starts a message, and discards the previous one. */
    FieldWriter begin() {
        bytes.clear();
        return this;
    }

    /** The bytes written since {@link #begin}, from 0 to the limit; valid until the next message begins. */
    ByteBuffer end() {
        return bytes.flip();
    }

    FieldWriter put(byte value) {
        room(Byte.BYTES).put(value);
        return this;
    }

    FieldWriter put(boolean value) {
        return put((byte) (value ? 1 : 0));
    }

    FieldWriter put(int value) {
        room(Integer.BYTES).putInt(value);
        return this;
    }

    FieldWriter put(long value) {
        room(Long.BYTES).putLong(value);
        return this;
    }

    FieldWriter put(String text) {
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        put(encoded.length);
        room(encoded.length).put(encoded);
        return this;
    }

    FieldWriter put(BufferSpec buffer) {
        return put(buffer.name())
                .put((byte) buffer.type().bytes())
                .put(buffer.elements())
                .put(buffer.trained());
    }

    FieldWriter put(ChangeId id) {
        return put(id.incarnation()).put(id.sequence());
    }

    FieldWriter put(GradientOrigin origin) {
        return put(origin.step())
                .put(origin.version())
                .put(origin.clock())
                .put(origin.examples())
                .put(origin.epoch());
    }

    FieldWriter put(StalenessHistogram histogram) {
        put(histogram.max()).put(histogram.sum());
        for (long count : histogram.counts()) {
            put(count);
        }
        return this;
    }

    FieldWriter put(double value) {
        return put(Double.doubleToRawLongBits(value));
    }

    FieldWriter put(Shard.Creation creation) {
        return put(creation.rank()).put(creation.incarnation()).put(creation.call());
    }

    FieldWriter put(CopyMessage.TrainedState state) {
        return put(state.updates())
                .put(state.epoch())
                .put(state.examplesInSum())
                .put(state.stepOfSum())
                .put(state.clocks(), (clock, out) -> out.put((long) clock))
                .put(state.finished(), (finished, out) -> out.put((boolean) finished))
                .put(state.staleness());
    }

    <T> FieldWriter put(List<T> list, BiConsumer<T, FieldWriter> each) {
        put(list.size());
        list.forEach(entry -> each.accept(entry, this));
        return this;
    }

    private ByteBuffer room(int wanted) {
        if (bytes.remaining() < wanted) {
            int needed = bytes.position() + wanted;
            bytes = ByteBuffer.allocateDirect(Math.max(needed, 2 * bytes.capacity()))
                    .put(bytes.flip());
        }
        return bytes;
    }
}
