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

    /** Words of a block: five arrays of this length fit into a first-level cache. */
    static final int WORDS = 1024;

    private static final int LOW_HALF = 0xffff;

    private final int[] low = new int[WORDS];
    private final int[] high = new int[WORDS];
    private final int[] words = new int[WORDS];
    private final ViewCache<IntBuffer> views = new ViewCache<>(ByteBuffer::asIntBuffer);

    @Override
    public final int encodedBytes(int elements) {
        return elements * Short.BYTES;
    }

    /**
     * Rounds floats.
     *
     * @param offset of the first, in bytes
     * @param n at most {@link #WORDS}
     * @param into receives values of 16 bits
     */
    abstract void round(ByteBuffer floats, int offset, int n, int[] into);

    /**
     * The reverse of {@link #round}.
     *
     * @param values of 16 bits; overwritten
     */
    abstract void widen(int[] values, int n, ByteBuffer floats, int offset);

    @Override
    public final void encode(ByteBuffer floats, int offset, int elements, ByteBuffer into, int intoOffset) {
        for (int done = 0; done < elements; ) {
            int n = Math.min(WORDS, (elements - done) / 2);
            int from = offset + done * Float.BYTES;
            int to = intoOffset + done * Short.BYTES;
            if (n == 0) {
                round(floats, from, 1, low);
                into.putShort(to, (short) low[0]);
                return;
            }
            round(floats, from, n, low);
            round(floats, from + n * Float.BYTES, n, high);
            pack(n);
            views.of(into, to % Integer.BYTES).put(to / Integer.BYTES, words, 0, n);
            done += 2 * n;
        }
    }

    private void pack(int n) {
        for (int i = 0; i < n; i++) {
            words[i] = low[i] | (high[i] << Short.SIZE);
        }
    }

    @Override
    public final void decode(ByteBuffer encoded, int offset, int elements, ByteBuffer into, int intoOffset) {
        for (int done = 0; done < elements; ) {
            int n = Math.min(WORDS, (elements - done) / 2);
            int from = offset + done * Short.BYTES;
            int to = intoOffset + done * Float.BYTES;
            if (n == 0) {
                low[0] = encoded.getShort(from) & LOW_HALF;
                widen(low, 1, into, to);
                return;
            }
            views.of(encoded, from % Integer.BYTES).get(from / Integer.BYTES, words, 0, n);
            unpack(n);
            widen(low, n, into, to);
            widen(high, n, into, to + n * Float.BYTES);
            done += 2 * n;
        }
    }

    private void unpack(int n) {
        for (int i = 0; i < n; i++) {
            low[i] = words[i] & LOW_HALF;
            high[i] = words[i] >>> Short.SIZE;
        }
    }

    @Override
    public final String toString() {
        return name();
    }
}
