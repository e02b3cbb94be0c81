package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.Kernels;
import io.gyre.kernel.SparseCodec;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What a compressed all-reduce computes for a segment of a vector: encodes it, adds up those of all ranks, decodes the
 * sum. Every rank's values are encoded, its own too, so that their sum does not depend on who owns the segment.
 */
class EncodedSegments {

    final GradientCodec codec;
    final Kernels kernels;
    final ByteBuffer sum;
    final ByteBuffer decoded;

    Region data = Region.allocate("nothing", 0);
    private long step;

    /**
     * Creates the computation for one rank.
     *
     * @param length of the longest segment, in elements
     */
    EncodedSegments(GradientCodec codec, Kernels kernels, int length) {
        this.codec = codec;
        this.kernels = kernels;
        sum = direct(length);
        decoded = direct(length);
    }

    /** With error feedback, if the codec has it. */
    static EncodedSegments of(GradientCodec codec, Kernels kernels, int length) {
        return codec.residual() == null
                ? new EncodedSegments(codec, kernels, length)
                : new FeedbackSegments(codec, codec.residual(), kernels, length);
    }

    static ByteBuffer direct(int elements) {
        return ByteBuffer.allocateDirect(elements * Float.BYTES).order(ByteOrder.nativeOrder());
    }

    /** Begins with a vector. */
    final void begin(Region vector, long ofStep) {
        data = vector;
        step = ofStep;
    }

    /** Announces a segment to the codec. */
    final void piece(long at, boolean ofSum) {
        codec.piece(step, elementAt(at), ofSum);
    }

    /** Position of an element of the vector in that from which it was cut. */
    final long elementAt(long at) {
        return (data.offset() + at) / Float.BYTES;
    }

    /**
     * Encodes this rank's values for the rank that owns the segment.
     *
     * @param at start of the segment in the vector, in bytes
     */
    void encodeOwn(long at, int elements, ByteBuffer into, int intoOffset) {
        piece(at, false);
        int bytes = elements * Float.BYTES;
        if (bytes > 0 && data.contiguous(at, bytes) == bytes) {
            codec.encode(data.window(at), data.windowOffset(at), elements, into, intoOffset);
        } else {
            data.copyTo(at, decoded, 0, bytes);
            codec.encode(decoded, 0, elements, into, intoOffset);
        }
    }

    /**
     * Adds up a segment that this rank owns, in rank order, and encodes the sum in the place of its own values.
     *
     * @param pieces of all other ranks, encoded, by rank
     * @param slotBytes from one piece to the next
     */
    void addUp(long at, int elements, ByteBuffer pieces, int slotBytes, int own, int ranks) {
        encodeOwn(at, elements, pieces, own * slotBytes);
        codec.decode(pieces, 0, elements, sum, 0);
        for (int rank = 1; rank < ranks; rank++) {
            add(pieces, rank * slotBytes, elements);
        }
        piece(at, true);
        codec.encode(sum, 0, elements, pieces, own * slotBytes);
    }

    /** Adds an encoded segment to the sum. */
    final void add(ByteBuffer pieces, int offset, int elements) {
        if (codec instanceof SparseCodec sparse) {
            sparse.add(pieces, offset, elements, sum, 0);
        } else {
            codec.decode(pieces, offset, elements, decoded, 0);
            kernels.reduce(ReduceOp.SUM, ElementType.FLOAT32, sum, 0, decoded, 0, elements * Float.BYTES);
        }
    }

    /** Decodes a sum into the vector. */
    final void decodeSum(ByteBuffer pieces, int offset, int elements, long at) {
        piece(at, true);
        int bytes = elements * Float.BYTES;
        if (bytes > 0 && data.contiguous(at, bytes) == bytes) {
            codec.decode(pieces, offset, elements, data.window(at), data.windowOffset(at));
        } else {
            codec.decode(pieces, offset, elements, decoded, 0);
            data.copyFrom(at, decoded, 0, bytes);
        }
    }
}
