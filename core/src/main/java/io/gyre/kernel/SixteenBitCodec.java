package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;

/**
 * Encodes each float in 16 bits, rounded to nearest even.
 *
 * <p>Elements are encoded in blocks that stay in the first-level cache. The compiler vectorises loops over {@code int}
 * arrays, but not loops that pair an {@code int} with a {@code short}, so that the first half of a block is in the low
 * halves of its words, and the second half in the high halves. The last element of an odd number follows by itself.
 */
abstract class SixteenBitCodec implements GradientCodec {

    /** Words of a block: the arrays of an encoding fit into a first-level cache. */
    static final int WORDS = 1024;

    static final int LOW_HALF = 0xffff;

    /** The words of the current block. */
    final int[] words = new int[WORDS];

    private final ViewCache<IntBuffer> views = new ViewCache<>(ByteBuffer::asIntBuffer);

    @Override
    public final int encodedBytes(int elements) {
        return elements * Short.BYTES;
    }

    /**
     * Rounds floats into {@link #words}.
     *
     * @param offset of the first, in bytes
     * @param n number of words, from 1 to {@link #WORDS}
     * @param elements twice as many; or 1, and then a low half is all
     */
    abstract void round(ByteBuffer floats, int offset, int n, int elements);

    /** The reverse of {@link #round}. */
    abstract void widen(int n, int elements, ByteBuffer floats, int offset);

    @Override
    public final void encode(ByteBuffer floats, int offset, int elements, ByteBuffer into, int intoOffset) {
        for (int done = 0; done < elements; ) {
            int n = Math.min(WORDS, (elements - done) / 2);
            int from = offset + done * Float.BYTES;
            int to = intoOffset + done * Short.BYTES;
            if (n == 0) {
                round(floats, from, 1, 1);
                into.putShort(to, (short) words[0]);
                return;
            }
            round(floats, from, n, 2 * n);
            views.of(into, to % Integer.BYTES).put(to / Integer.BYTES, words, 0, n);
            done += 2 * n;
        }
    }

    @Override
    public final void decode(ByteBuffer encoded, int offset, int elements, ByteBuffer into, int intoOffset) {
        for (int done = 0; done < elements; ) {
            int n = Math.min(WORDS, (elements - done) / 2);
            int from = offset + done * Short.BYTES;
            int to = intoOffset + done * Float.BYTES;
            if (n == 0) {
                words[0] = encoded.getShort(from) & LOW_HALF;
                widen(1, 1, into, to);
                return;
            }
            views.of(encoded, from % Integer.BYTES).get(from / Integer.BYTES, words, 0, n);
            widen(n, 2 * n, into, to);
            done += 2 * n;
        }
    }

    @Override
    public final String toString() {
        return name();
    }
}
