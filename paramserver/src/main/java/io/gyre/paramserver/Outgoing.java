package io.gyre.paramserver;

import io.gyre.memory.Region;
import io.gyre.network.Frame;
import io.gyre.network.FrameSender;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A message being sent: a frame with its fields, then frames with its data, as fast as the link accepts them. Nothing
 * is copied before: fields are encoded, and data read, in the call that hands them to the link.
 */
final class Outgoing {

    /** Chunk numbers of the two kinds of frames. */
    static final int WORDS = 0;

    static final int DATA = 1;

    private final Frame frame = new Frame();
    private final Frame.Kind kind;
    private final long call;
    private final ServerMessage message;
    private final @Nullable Region data;
    private final long length;
    private boolean begun;
    private long sent;

    private Outgoing(Frame.Kind kind, long call, ServerMessage message, @Nullable Region data) {
        this.kind = kind;
        this.call = call;
        this.message = message;
        this.data = data;
        length = data == null ? 0 : data.byteLength();
    }

    /**
     * Prepares a request.
     *
     * @param data borrowed until the request has been sent; null if there are none
     */
    static Outgoing request(long call, Request<?> request, @Nullable Region data) {
        return new Outgoing(Frame.Kind.REQUEST, call, request, data);
    }

    /**
     * Prepares a reply.
     *
     * @param data borrowed until the reply has been sent; null if there are none
     */
    static Outgoing reply(long call, Reply reply, @Nullable Region data) {
        return new Outgoing(Frame.Kind.RESPONSE, call, reply, data);
    }

    /**
     * Prepares a message to a backup.
     *
     * @param data borrowed until the message has been sent; null if there are none
     */
    static Outgoing toBackup(long number, CopyMessage message, @Nullable Region data) {
        return new Outgoing(Frame.Kind.REQUEST, number, message, data);
    }

    long call() {
        return call;
    }

    /** Sends what the link accepts now. Returns the number of frames. */
    int advance(FrameSender sender, ServerMessageCodec codec) {
        int frames = 0;
        if (!begun) {
            ByteBuffer words = codec.encode(message);
            frame.set(kind, call, 0, WORDS, length, words.limit());
            if (!sender.offer(frame, words, 0)) {
                return 0;
            }
            begun = true;
            frames++;
        }
        Region source = data;
        while (source != null && sent < length) {
            int n = source.contiguous(sent, Math.min(length - sent, sender.maxPayload()));
            frame.set(kind, call, 0, DATA, length, n);
            if (!sender.offer(frame, source, sent)) {
                return frames;
            }
            sent += n;
            frames++;
        }
        return frames;
    }

    /** Whether its data are these; used before they are freed. */
    @SuppressWarnings("ReferenceEquality") // Another region with the same memory has another owner.
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
