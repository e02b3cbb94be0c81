package io.gyre.kernel;

import java.nio.ByteBuffer;

/**
 * Encodes gradients in fewer bytes for the way between hosts. An all-reduce encodes each vector in pieces, adds up the
 * decoded pieces of all ranks in FLOAT32, and encodes their sum once.
 *
 * <dl>
 *   <dt>Result
 *   <dd>A function of the elements of the call: the same bits on every rank, processor and JVM. If each element is
 *       encoded by itself, the sums do not depend on how vectors are cut into pieces.
 *   <dt>Special values
 *   <dd>NaN and infinity stay such, or no rank would notice that a gradient is not finite.
 *   <dt>Shape
 *   <dd>Direct buffers in native byte order. Floats are at multiples of 4 bytes, encoded pieces at multiples of 8.
 *   <dt>Threading
 *   <dd>An instance may hold scratch memory; use it from one thread at a time. Each rank has its own.
 *   <dt>Allocation
 *   <dd>None after the first calls.
 * </dl>
 */
public interface GradientCodec {

    /** Name and parameters, as on the command line; must be the same on all ranks. */
    String name();

    /** Length in bytes of so many encoded elements. */
    int encodedBytes(int elements);

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
