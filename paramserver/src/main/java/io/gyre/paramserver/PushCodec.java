package io.gyre.paramserver;

import io.gyre.ProtocolException;
import io.gyre.kernel.ErrorFeedback;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.Kernels;
import io.gyre.kernel.Residual;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Encodes the gradients that a worker sends to servers, and decodes them there: segment by segment, one directly after
 * the other.
 *
 * <p>Encoding has error feedback, if the codec has a residual: it changes with every call of {@link #encode}, so a push
 * is encoded once, however often it must be sent.
 *
 * <dl>
 *   <dt>Ownership
 *   <dd>One for each worker's vector, and one for each shard in training, each with a codec of its own.
 *   <dt>Threading
 *   <dd>One thread at a time.
 *   <dt>Allocation
 *   <dd>None after the first calls.
 * </dl>
 */
final class PushCodec {

    /** Elements of a segment, which fits into a second-level cache. */
    static final int SEGMENT = 16 << 10;

    private final GradientCodec codec;
    private final @Nullable ErrorFeedback feedback;
    private final ByteBuffer floats = direct(SEGMENT * Float.BYTES);
    private final ByteBuffer piece;

    /**
     * Creates an encoder or decoder.
     *
     * @param codec used by this object only
     * @param kernels used by this object only
     */
    PushCodec(GradientCodec codec, Kernels kernels) {
        this.codec = codec;
        piece = direct(codec.encodedBytes(SEGMENT));
        Residual residual = codec.residual();
        feedback = residual == null
                ? null
                : new ErrorFeedback(codec, residual, kernels, floats, direct(SEGMENT * Float.BYTES));
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    /** Name and parameters of the codec. */
    String name() {
        return codec.name();
    }

    boolean hasResidual() {
        return feedback != null;
    }

    /** The greatest length in bytes of so many encoded elements. */
    long mostBytes(long elements) {
        return elements / SEGMENT * codec.encodedBytes(SEGMENT) + codec.encodedBytes((int) (elements % SEGMENT));
    }

    /**
     * Encodes a part of a gradient.
     *
     * @param first position of its first element in the vector
     * @param step of the worker
     * @param into has room for {@link #mostBytes}
     * @return length in bytes
     */
    long encode(Region gradient, long first, long step, Region into) {
        long elements = gradient.byteLength() / Float.BYTES;
        long length = 0;
        for (long done = 0; done < elements; done += SEGMENT) {
            int n = (int) Math.min(SEGMENT, elements - done);
            encodePiece(gradient, done * Float.BYTES, n, first + done, step);
            int bytes = codec.bytesOf(piece, 0, n);
            into.copyFrom(length, piece, 0, bytes);
            length += bytes;
        }
        return length;
    }

    private void encodePiece(Region gradient, long at, int n, long element, long step) {
        int bytes = n * Float.BYTES;
        ErrorFeedback lost = feedback;
        if (lost != null) {
            gradient.copyTo(at, floats, 0, bytes);
            boolean withheld = lost.add(element, n);
            codec.piece(step, element, false);
            codec.encode(floats, 0, n, piece, 0);
            lost.keep(element, n, piece, 0, withheld);
            return;
        }
        codec.piece(step, element, false);
        if (gradient.contiguous(at, bytes) == bytes) {
            codec.encode(gradient.window(at), gradient.windowOffset(at), n, piece, 0);
        } else {
            gradient.copyTo(at, floats, 0, bytes);
            codec.encode(floats, 0, n, piece, 0);
        }
    }

    /**
     * Decodes what {@link #encode} of a worker's codec has made.
     *
     * @param first position of the first element in the vector
     * @param step of the worker
     * @param into receives all elements
     * @throws ProtocolException if the bytes are not so many elements of this codec; {@code into} may have changed
     */
    void decode(Region encoded, long first, long step, Region into) {
        long elements = into.byteLength() / Float.BYTES;
        long from = 0;
        for (long done = 0; done < elements; done += SEGMENT) {
            int n = (int) Math.min(SEGMENT, elements - done);
            int there = (int) Math.min(codec.encodedBytes(n), encoded.byteLength() - from);
            encoded.copyTo(from, piece, 0, there);
            from += lengthOf(n, there, first + done);
            codec.piece(step, first + done, false);
            decodePiece(n, into, done * Float.BYTES);
        }
        if (from != encoded.byteLength()) {
            throw new ProtocolException("a push of " + encoded.byteLength() + " bytes, of which " + elements
                    + " elements in " + name() + " take " + from + ". All ranks must use the same codec");
        }
    }

    /** Length of the piece that was copied, as its first bytes say. */
    private int lengthOf(int n, int there, long element) {
        boolean hasLength = there >= Math.min(GradientCodec.LENGTH_BYTES, codec.encodedBytes(n));
        int bytes = hasLength ? codec.bytesOf(piece, 0, n) : 0;
        if (bytes < 1 || bytes > there) {
            throw new ProtocolException("a push with " + n + " elements from " + element + " on, which take "
                    + (hasLength ? bytes + " bytes" : "their length first") + " in " + name() + ": " + there
                    + " bytes are there. All ranks must use the same codec");
        }
        return bytes;
    }

    private void decodePiece(int n, Region into, long at) {
        int bytes = n * Float.BYTES;
        if (into.contiguous(at, bytes) == bytes) {
            codec.decode(piece, 0, n, into.window(at), into.windowOffset(at));
        } else {
            codec.decode(piece, 0, n, floats, 0);
            into.copyFrom(at, floats, 0, bytes);
        }
    }

    @Override
    public String toString() {
        return "pushes in " + name();
    }
}
