package io.gyre.kernel;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Encodes gradients in fewer bytes for the way between hosts. An all-reduce encodes each vector in pieces, adds up the
 * decoded pieces of all ranks in FLOAT32, and encodes their sum once.
 *
 * <dl>
 *   <dt>Result
 *   <dd>A function of the elements of the call, and of what {@link #piece} says: the same bits on every rank, processor
 *       and JVM. If each element is encoded by itself, the sums do not depend on how vectors are cut into pieces.
 *   <dt>Length
 *   <dd>Fixed by the number of elements; or variable, and then the first 8 bytes of a piece tell its length.
 *   <dt>Error feedback
 *   <dd>A codec that has a {@link #residual} is given what it lost in earlier steps again. It only provides the memory:
 *       the all-reduce adds it and keeps it.
 *   <dt>Special values
 *   <dd>If an element is NaN or infinite, one that is decoded is not finite either, or no rank would notice.
 *   <dt>Shape
 *   <dd>Direct buffers in native byte order. Floats are at multiples of 4 bytes, encoded pieces at multiples of 8.
 *   <dt>Threading
 *   <dd>An instance may hold scratch memory; use it from one thread at a time. Each rank has its own.
 *   <dt>Allocation
 *   <dd>None after the first calls.
 * </dl>
 */
public interface GradientCodec {

    /** Bytes at the start of a piece that tell its length. */
    int LENGTH_BYTES = 8;

    /** Name and parameters, as on the command line; must be the same on all ranks. */
    String name();

    /** Length in bytes of so many encoded elements; the greatest one, if the length is variable. */
    int encodedBytes(int elements);

    /**
     * Length in bytes of an encoded piece, of which the first {@link #LENGTH_BYTES} are there. Default: fixed.
     *
     * @param offset of the encoded piece, in bytes
     * @param elements that it holds, 1 or more
     */
    default int bytesOf(ByteBuffer encoded, int offset, int elements) {
        return encodedBytes(elements);
    }

    /**
     * Announces the piece of the calls that follow. Default: nothing, for codecs to which this does not matter.
     *
     * @param step number of the step
     * @param element position of the first element in the vector
     * @param ofSum whether it is a piece of the sum, and not of one rank's values
     */
    default void piece(long step, long element, boolean ofSum) {}

    /** What the codec lost of this rank's gradients, and will send later; null for a codec without error feedback. */
    default @Nullable Residual residual() {
        return null;
    }

    /**
     * Encodes floats.
     *
     * @param offset of the floats, in bytes
     * @param elements number of floats, 0 or more
     * @param into has room for {@link #encodedBytes}
     * @param intoOffset in bytes
     */
    void encode(ByteBuffer floats, int offset, int elements, ByteBuffer into, int intoOffset);

    /**
     * Decodes all elements of one call of {@link #encode}.
     *
     * @param offset of the encoded piece, in bytes
     * @param elements number of floats, 0 or more
     * @param into receives floats
     * @param intoOffset in bytes
     */
    void decode(ByteBuffer encoded, int offset, int elements, ByteBuffer into, int intoOffset);
}
