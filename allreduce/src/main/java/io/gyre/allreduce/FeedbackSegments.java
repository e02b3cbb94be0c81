package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.Kernels;
import io.gyre.kernel.Residual;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;

/**
 * With error feedback: a rank adds to its values what the codec lost at their positions, encodes that, and keeps what
 * is lost then. The rank that owns a segment does the same with the sum. Its own values do not travel, and are added as
 * they are. So each rank has one residual, as long as the vector, and what was sent and all residuals together are the
 * sum of all gradients, within rounding.
 *
 * <p>A rank whose segment is zero keeps its residual for a later step: it may have no examples, and a step for which no
 * rank has any is not applied. If a segment is not finite, the residual stays as it was.
 */
final class FeedbackSegments extends EncodedSegments {

    private static final long MAGNITUDES = 0x7fff_ffff_7fff_ffffL;
    private static final int MAGNITUDE = 0x7fff_ffff;
    private static final int EXPONENT = 0x7f80_0000;
    private static final int EXPONENT_UNIT = 0x0080_0000;

    private final Residual residual;
    private final IntBuffer sumBits;
    private final int[] bits;

    FeedbackSegments(GradientCodec codec, Residual residual, Kernels kernels, int length) {
        super(codec, kernels, length);
        this.residual = residual;
        sumBits = sum.asIntBuffer();
        bits = new int[length];
    }

    @Override
    void encodeOwn(long at, int elements, ByteBuffer into, int intoOffset) {
        boolean withheld = load(at, elements);
        piece(at, false);
        codec.encode(sum, 0, elements, into, intoOffset);
        keep(at, elements, into, intoOffset, withheld);
    }

    @Override
    void addUp(long at, int elements, ByteBuffer pieces, int slotBytes, int own, int ranks) {
        boolean withheld = load(at, elements);
        piece(at, false);
        for (int rank = 0; rank < ranks; rank++) {
            if (rank != own) {
                add(pieces, rank * slotBytes, elements);
            }
        }
        piece(at, true);
        codec.encode(sum, 0, elements, pieces, own * slotBytes);
        keep(at, elements, pieces, own * slotBytes, withheld);
    }

    /** Loads own values with their residual, unless they are zero; returns whether they are. */
    private boolean load(long at, int elements) {
        data.copyTo(at, sum, 0, elements * Float.BYTES);
        if (isZero(sum, elements)) {
            return true;
        }
        residual.read(elementAt(at), elements, decoded, 0);
        // A residual of zero changes nothing, not even the sign of a zero.
        if (!isZero(decoded, elements)) {
            addDecoded(elements);
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

    private void addDecoded(int elements) {
        kernels.reduce(ReduceOp.SUM, ElementType.FLOAT32, sum, 0, decoded, 0, elements * Float.BYTES);
    }

    /** Keeps the difference between what was encoded and what others decode. */
    private void keep(long at, int elements, ByteBuffer pieces, int offset, boolean withheld) {
        codec.decode(pieces, offset, elements, decoded, 0);
        kernels.axpy(ElementType.FLOAT32, -1, sum, 0, decoded, 0, elements * Float.BYTES);
        if (!isFinite(elements)) {
            return;
        }
        if (withheld) {
            residual.read(elementAt(at), elements, decoded, 0);
            addDecoded(elements);
        }
        residual.write(elementAt(at), elements, sum, 0);
    }

    /** Counts exponents of ones: the compiler vectorises a sum, and no early exit. */
    private boolean isFinite(int elements) {
        sumBits.get(0, bits, 0, elements);
        int notFinite = 0;
        for (int i = 0; i < elements; i++) {
            notFinite += ((bits[i] & EXPONENT) + EXPONENT_UNIT) >>> 31;
        }
        return notFinite == 0;
    }
}
