package io.gyre.kernel;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;

/**
 * Error feedback for the pieces of a vector: a rank adds to its values what the codec lost at their positions, encodes
 * that, and keeps what is lost then. So what was sent and the residual together are the sum of all values, within
 * rounding: Stich, Cordonnier and Jaggi, <i>Sparsified SGD with memory</i>, NeurIPS 2018.
 *
 * <p>If a piece is zero, its residual is kept for a later step: the rank may have no examples, and a step for which no
 * rank has any is not applied. If a piece is not finite, the residual stays as it was.
 *
 * <dl>
 *   <dt>Shape
 *   <dd>Values and scratch memory are direct buffers in native byte order, with room for the longest piece.
 *   <dt>Threading
 *   <dd>One thread at a time.
 *   <dt>Allocation
 *   <dd>None, but for the blocks of the residual.
 * </dl>
 */
public final class ErrorFeedback {

    private static final long MAGNITUDES = 0x7fff_ffff_7fff_ffffL;
    private static final int MAGNITUDE = 0x7fff_ffff;
    private static final int EXPONENT = 0x7f80_0000;
    private static final int EXPONENT_UNIT = 0x0080_0000;

    private final GradientCodec codec;
    private final Residual residual;
    private final Kernels kernels;
    private final ByteBuffer values;
    private final ByteBuffer scratch;
    private final IntBuffer valueBits;
    private final int[] bits;

    /**
     * Creates the feedback of one rank for one vector.
     *
     * @param codec that loses something
     * @param residual of the codec
     * @param kernels used by this rank only
     * @param values where the caller puts a piece, from 0 on; overwritten. Borrowed
     * @param scratch overwritten by every call. Borrowed
     */
    public ErrorFeedback(
            GradientCodec codec, Residual residual, Kernels kernels, ByteBuffer values, ByteBuffer scratch) {
        this.codec = codec;
        this.residual = residual;
        this.kernels = kernels;
        this.values = values;
        this.scratch = scratch;
        valueBits = values.asIntBuffer();
        bits = new int[valueBits.remaining()];
    }

    /**
     * Adds their residual to the values, unless they are zero.
     *
     * @param element position of the first in the vector
     * @return whether they are zero, and the residual is withheld
     */
    public boolean add(long element, int elements) {
        if (isZero(values, elements)) {
            return true;
        }
        residual.read(element, elements, scratch, 0);
        // A residual of zero changes nothing, not even the sign of a zero.
        if (!isZero(scratch, elements)) {
            addScratch(elements);
        }
        return false;
    }

    private static boolean isZero(ByteBuffer floats, int elements) {
        int bytes = elements * Float.BYTES;
        int pairs = bytes & -Long.BYTES;
        for (int at = 0; at < pairs; at += Long.BYTES) {
            if ((floats.getLong(at) & MAGNITUDES) != 0) {
                return false;
            }
        }
        return pairs == bytes || (floats.getInt(pairs) & MAGNITUDE) == 0;
    }

    private void addScratch(int elements) {
        kernels.reduce(ReduceOp.SUM, ElementType.FLOAT32, values, 0, scratch, 0, elements * Float.BYTES);
    }

    /**
     * Keeps the difference between the values and what others decode.
     *
     * @param element position of the first in the vector
     * @param encoded holds the values, encoded
     * @param offset of the encoded piece, in bytes
     * @param withheld what {@link #add} has returned for them
     */
    public void keep(long element, int elements, ByteBuffer encoded, int offset, boolean withheld) {
        codec.decode(encoded, offset, elements, scratch, 0);
        kernels.axpy(ElementType.FLOAT32, -1, values, 0, scratch, 0, elements * Float.BYTES);
        if (!isFinite(elements)) {
            return;
        }
        if (withheld) {
            residual.read(element, elements, scratch, 0);
            addScratch(elements);
        }
        residual.write(element, elements, values, 0);
    }

    /** Counts exponents of ones: the compiler vectorises a sum, and no early exit. */
    private boolean isFinite(int elements) {
        valueBits.get(0, bits, 0, elements);
        int notFinite = 0;
        for (int i = 0; i < elements; i++) {
            notFinite += ((bits[i] & EXPONENT) + EXPONENT_UNIT) >>> 31;
        }
        return notFinite == 0;
    }
}
