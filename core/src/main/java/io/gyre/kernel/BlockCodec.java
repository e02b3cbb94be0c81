package io.gyre.kernel;

import java.nio.ByteBuffer;

/** Encodes a piece in blocks, each by itself in a length that is fixed by the number of its elements. */
abstract class BlockCodec implements GradientCodec {

    /** Elements of the longest block: its floats stay in a second-level cache, and 16 bits tell them apart. */
    static final int LARGEST = 16 << 10;

    /** Elements of all blocks but the last of a piece. */
    final int block;

    BlockCodec(int block) {
        this.block = block;
    }

    /** Length of an encoded block, a multiple of 4. */
    abstract int blockBytes(int n);

    /**
     * Encodes a block.
     *
     * @param first its first element, counted in the piece
     * @param n number of elements, 1 or more
     */
    abstract void encodeBlock(ByteBuffer floats, int offset, int first, int n, ByteBuffer into, int intoOffset);

    /** Decodes a block. */
    abstract void decodeBlock(ByteBuffer encoded, int offset, int first, int n, ByteBuffer into, int intoOffset);

    @Override
    public final int encodedBytes(int elements) {
        int rest = elements % block;
        return elements / block * blockBytes(block) + (rest == 0 ? 0 : blockBytes(rest));
    }

    @Override
    public final void encode(ByteBuffer floats, int offset, int elements, ByteBuffer into, int intoOffset) {
        int to = intoOffset;
        for (int first = 0; first < elements; first += block) {
            int n = Math.min(block, elements - first);
            encodeBlock(floats, offset + first * Float.BYTES, first, n, into, to);
            to += blockBytes(n);
        }
    }

    @Override
    public final void decode(ByteBuffer encoded, int offset, int elements, ByteBuffer into, int intoOffset) {
        int from = offset;
        for (int first = 0; first < elements; first += block) {
            int n = Math.min(block, elements - first);
            decodeBlock(encoded, from, first, n, into, intoOffset + first * Float.BYTES);
            from += blockBytes(n);
        }
    }

    @Override
    public final String toString() {
        return name();
    }
}
