package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A message on its way: a frame with the words, then frames with the data, as fast as the link takes them. */
final class Outgoing {

    /** Chunk numbers of the two sorts of frames. */
    static final int WORDS = 0;

    static final int DATA = 1;

    private final Frame frame = new Frame();
    private final Frame.Kind kind;
    private final long call;
    private final ByteBuffer words;
    private final @Nullable Region data;
    private final long offset;
    private final long length;
    private boolean begun;
    private long sent;

    /**
     * Prepares a message.
     *
     * @param words from 0 to its limit
     * @param data borrowed until the message has been sent; null if there are none
     */
    Outgoing(Frame.Kind kind, long call, ByteBuffer words, @Nullable Region data, long offset, long length) {
        this.kind = kind;
        this.call = call;
        this.words = words;
        this.data = data;
        this.offset = offset;
        this.length = data == null ? 0 : length;
    }

    long call() {
        return call;
    }

    /** Sends what the link takes now. Returns how many frames that were. */
    int advance(FrameSender sender) {
        int frames = 0;
        if (!begun) {
            frame.set(kind, call, 0, WORDS, length, words.limit());
            if (!sender.offer(frame, words, 0)) {
                return 0;
            }
            begun = true;
            frames++;
        }
        Region source = data;
        while (source != null && sent < length) {
            int n = source.contiguous(offset + sent, Math.min(length - sent, sender.maxPayload()));
            frame.set(kind, call, 0, DATA, length, n);
            if (!sender.offer(frame, source, offset + sent)) {
                return frames;
            }
            sent += n;
            frames++;
        }
        return frames;
    }

    /** Whether its data are these; to be asked before they go. */
    @SuppressWarnings("ReferenceEquality") // Another region with the same memory is still another owner's.
    boolean reads(Region region) {
        return data == region;
    }

    boolean hasData() {
        return length > 0;
    }

    boolean isSent() {
        return begun && sent == length;
    }
}
