package io.gyre.transport;

import io.gyre.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Byte buffers over the term buffers of one stream, in native order, created once: algorithms cache typed views of them
 * by identity. Computes checksums over them without allocation.
 */
final class TermView {

    /** A stream rotates through three terms. */
    private static final int TERMS = 3;

    private final @Nullable ByteBuffer[] terms = new ByteBuffer[TERMS];
    private final ByteBuffer[] views = new ByteBuffer[TERMS];
    private final CRC32C crc = new CRC32C();
    private int next;

    /** The view of {@code term}, with position 0 and its capacity as limit. */
    @SuppressWarnings("ReferenceEquality") // Terms with equal contents are still different memory.
    ByteBuffer of(ByteBuffer term) {
        for (int i = 0; i < TERMS; i++) {
            if (terms[i] == term) {
                return views[i];
            }
        }
        ByteBuffer view = term.duplicate().clear().order(ByteOrder.nativeOrder());
        terms[next] = term;
        views[next] = view;
        next = (next + 1) % TERMS;
        return view;
    }

    /**
     * CRC32C of a range of a view.
     *
     * @throws ProtocolException if the range ends behind the term: Aeron believes the length in a header
     */
    int checksum(ByteBuffer view, int at, int length) {
        if (length > view.capacity() - at) {
            throw new ProtocolException(
                    "a frame that claims " + length + " bytes, with " + (view.capacity() - at) + " left in its term");
        }
        crc.reset();
        crc.update(view.limit(at + length).position(at));
        view.clear();
        return (int) crc.getValue();
    }
}
