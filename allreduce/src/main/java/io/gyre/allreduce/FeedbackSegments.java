package io.gyre.allreduce;

import io.gyre.kernel.ErrorFeedback;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.Kernels;
import io.gyre.kernel.Residual;
import java.nio.ByteBuffer;

/**
 * With error feedback: a rank adds to its values what the codec lost at their positions, encodes that, and keeps what
 * is lost then. The rank that owns a segment does the same with the sum. Its own values do not travel, and are added as
 * they are. So each rank has one residual, as long as the vector, and what was sent and all residuals together are the
 * sum of all gradients, within rounding.
 */
final class FeedbackSegments extends EncodedSegments {

    private final ErrorFeedback feedback;

    FeedbackSegments(GradientCodec codec, Residual residual, Kernels kernels, int length) {
        super(codec, kernels, length);
        feedback = new ErrorFeedback(codec, residual, kernels, sum, decoded);
    }

    @Override
    void encodeOwn(long at, int elements, ByteBuffer into, int intoOffset) {
        boolean withheld = load(at, elements);
        piece(at, false);
        codec.encode(sum, 0, elements, into, intoOffset);
        feedback.keep(elementAt(at), elements, into, intoOffset, withheld);
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
        feedback.keep(elementAt(at), elements, pieces, own * slotBytes, withheld);
    }

    /** Loads own values with their residual, unless they are zero; returns whether they are. */
    private boolean load(long at, int elements) {
        data.copyTo(at, sum, 0, elements * Float.BYTES);
        return feedback.add(elementAt(at), elements);
    }
}
