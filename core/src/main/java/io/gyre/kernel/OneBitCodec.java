package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * The sign of each element, and for each block of 2,048 the mean of those with either sign, which are decoded in their
 * place: 1.03 bits for an element, with error feedback.
 *
 * <p>Seide, Fu, Droppo, Li and Yu, <i>1-Bit Stochastic Gradient Descent and its Application to Data-Parallel
 * Distributed Training of Speech DNNs</i>, Interspeech 2014. There a block is a column of a weight matrix.
 */
public final class OneBitCodec extends BlockCodec {

    /** The name on the command line. */
    public static final String NAME = "onebit";

    private static final int BLOCK = 2048;
    private static final int HEADER_BYTES = 2 * Float.BYTES;

    private final Residual residual = new Residual();
    private final float[] values = new float[BLOCK];
    private final int[] bits = new int[BLOCK];
    private final int[] words = new int[BLOCK / Integer.SIZE];
    private final float[] sums = new float[BLOCK / Integer.SIZE];
    private final float[] magnitudes = new float[BLOCK / Integer.SIZE];
    private final ViewCache<FloatBuffer> floatViews = new ViewCache<>(ByteBuffer::asFloatBuffer);
    private final ViewCache<IntBuffer> intViews = new ViewCache<>(ByteBuffer::asIntBuffer);

    /** Creates the codec, with a residual of zero. */
    public OneBitCodec() {
        super(BLOCK);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Residual residual() {
        return residual;
    }

    private static int words(int n) {
        return (n + Integer.SIZE - 1) / Integer.SIZE;
    }

    @Override
    int blockBytes(int n) {
        return HEADER_BYTES + words(n) * Integer.BYTES;
    }

    /** Bit b of word w is the sign of element {@code b * words + w}: neighbours are packed at the same time. */
    @Override
    void encodeBlock(ByteBuffer floats, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        int width = words(n);
        floatViews.of(floats, offset % Float.BYTES).get(offset / Float.BYTES, values, 0, n);
        intViews.of(floats, offset % Float.BYTES).get(offset / Float.BYTES, bits, 0, n);
        Arrays.fill(values, n, width * Integer.SIZE, 0);
        Arrays.fill(bits, n, width * Integer.SIZE, 0);
        Arrays.fill(words, 0, width, 0);
        Arrays.fill(sums, 0, width, 0);
        Arrays.fill(magnitudes, 0, width, 0);
        for (int bit = 0; bit < Integer.SIZE; bit++) {
            addRow(bit, bit * width, width);
        }
        int negative = 0;
        float sum = 0;
        float magnitude = 0;
        for (int i = 0; i < width; i++) {
            negative += Integer.bitCount(words[i]);
            sum += sums[i];
            magnitude += magnitudes[i];
        }
        // Sums that overflow make the means NaN too.
        into.putFloat(intoOffset, (magnitude + sum) / 2 / Math.max(1, n - negative));
        into.putFloat(intoOffset + Float.BYTES, (sum - magnitude) / 2 / Math.max(1, negative));
        int to = intoOffset + HEADER_BYTES;
        intViews.of(into, to % Integer.BYTES).put(to / Integer.BYTES, words, 0, width);
    }

    private void addRow(int bit, int from, int width) {
        for (int i = 0; i < width; i++) {
            words[i] |= (bits[from + i] >>> (Integer.SIZE - 1)) << bit;
        }
        for (int i = 0; i < width; i++) {
            sums[i] += values[from + i];
        }
        for (int i = 0; i < width; i++) {
            magnitudes[i] += Math.abs(values[from + i]);
        }
    }

    @Override
    void decodeBlock(ByteBuffer encoded, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        int width = words(n);
        int positive = encoded.getInt(offset);
        int difference = positive ^ encoded.getInt(offset + Float.BYTES);
        int from = offset + HEADER_BYTES;
        intViews.of(encoded, from % Integer.BYTES).get(from / Integer.BYTES, words, 0, width);
        for (int bit = 0; bit < Integer.SIZE; bit++) {
            int row = bit * width;
            for (int i = 0; i < width; i++) {
                bits[row + i] = positive ^ (difference & -((words[i] >>> bit) & 1));
            }
        }
        intViews.of(into, intoOffset % Float.BYTES).put(intoOffset / Float.BYTES, bits, 0, n);
    }
}
