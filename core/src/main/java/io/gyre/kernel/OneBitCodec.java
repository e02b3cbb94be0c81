package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * The sign of each element, and for each 2,048, or an eighth of a shorter block, the mean of those with either sign,
 * which are decoded in their place: 1.03 bits for an element, with error feedback.
 *
 * <p>Seide, Fu, Droppo, Li and Yu, <i>1-Bit Stochastic Gradient Descent and its Application to Data-Parallel
 * Distributed Training of Speech DNNs</i>, Interspeech 2014. There the means are those of a column of a weight
 * matrix.
 */
public final class OneBitCodec extends BlockCodec {

    /** The name on the command line. */
    public static final String NAME = "onebit";

    /** Means of a block, of positive and of negative elements. */
    private static final int GROUPS = 8;

    private static final int GROUP_BYTES = 2 * Float.BYTES;
    private static final int ROWS_OF_GROUP = Integer.SIZE / GROUPS;
    private static final int SIGNS_OF_GROUP = (1 << ROWS_OF_GROUP) - 1;
    private static final int WIDTH = LARGEST / Integer.SIZE;

    private final Residual residual = new Residual();
    /** The rows of a group: the compiler vectorises no loop that reads one array at four places. */
    private final float[][] values = new float[ROWS_OF_GROUP][WIDTH];

    private final int[][] bits = new int[ROWS_OF_GROUP][WIDTH];
    private final int[] words = new int[WIDTH];
    // Of each column in a group.
    private final float[] sums = new float[WIDTH];
    private final float[] magnitudes = new float[WIDTH];
    private final ViewCache<FloatBuffer> floatViews = new ViewCache<>(ByteBuffer::asFloatBuffer);
    private final ViewCache<IntBuffer> intViews = new ViewCache<>(ByteBuffer::asIntBuffer);

    /** Creates the codec, with a residual of zero. */
    public OneBitCodec() {
        super(LARGEST);
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Residual residual() {
        return residual;
    }

    private static int width(int n) {
        return (n + Integer.SIZE - 1) / Integer.SIZE;
    }

    @Override
    int blockBytes(int n) {
        return GROUPS * GROUP_BYTES + width(n) * Integer.BYTES;
    }

    /** A block is 32 rows. Bit b of a word is the sign of row b: neighbours are packed at the same time. */
    @Override
    void encodeBlock(ByteBuffer floats, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        int width = width(n);
        FloatBuffer asFloats = floatViews.of(floats, offset % Float.BYTES);
        IntBuffer asInts = intViews.of(floats, offset % Float.BYTES);
        Arrays.fill(words, 0, width, 0);
        for (int group = 0; group < GROUPS; group++) {
            for (int row = 0; row < ROWS_OF_GROUP; row++) {
                int begin = Math.min(n, (group * ROWS_OF_GROUP + row) * width);
                int there = Math.min(width, n - begin);
                asFloats.get(offset / Float.BYTES + begin, values[row], 0, there);
                asInts.get(offset / Float.BYTES + begin, bits[row], 0, there);
                Arrays.fill(values[row], there, width, 0);
                Arrays.fill(bits[row], there, width, 0);
            }
            addSigns(bits[0], bits[1], bits[2], bits[3], group * ROWS_OF_GROUP, width);
            addUp(values[0], values[1], values[2], values[3], width);
            int length = Math.max(0, Math.min(n - group * ROWS_OF_GROUP * width, ROWS_OF_GROUP * width));
            putMeans(width, length, negatives(group, width), into, intoOffset + group * GROUP_BYTES);
        }
        int to = intoOffset + GROUPS * GROUP_BYTES;
        intViews.of(into, to % Integer.BYTES).put(to / Integer.BYTES, words, 0, width);
    }

    private void addSigns(int[] a, int[] b, int[] c, int[] d, int row, int width) {
        for (int i = 0; i < width; i++) {
            int signs = (a[i] >>> 31) | ((b[i] >>> 31) << 1) | ((c[i] >>> 31) << 2) | ((d[i] >>> 31) << 3);
            words[i] |= signs << row;
        }
    }

    private void addUp(float[] a, float[] b, float[] c, float[] d, int width) {
        for (int i = 0; i < width; i++) {
            sums[i] = a[i] + b[i] + c[i] + d[i];
        }
        for (int i = 0; i < width; i++) {
            magnitudes[i] = Math.abs(a[i]) + Math.abs(b[i]) + Math.abs(c[i]) + Math.abs(d[i]);
        }
    }

    private int negatives(int group, int width) {
        int signs = SIGNS_OF_GROUP << (group * ROWS_OF_GROUP);
        int negatives = 0;
        for (int i = 0; i < width; i++) {
            negatives += Integer.bitCount(words[i] & signs);
        }
        return negatives;
    }

    /**
     * What is not finite makes a mean of its group such, and so do sums that overflow. Four columns at a time, of both:
     * none waits for the one before it.
     */
    private void putMeans(int width, int length, int negative, ByteBuffer into, int intoOffset) {
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        float e = 0;
        float f = 0;
        float g = 0;
        float h = 0;
        int i = 0;
        for (; i + 3 < width; i += 4) {
            a += sums[i];
            b += sums[i + 1];
            c += sums[i + 2];
            d += sums[i + 3];
            e += magnitudes[i];
            f += magnitudes[i + 1];
            g += magnitudes[i + 2];
            h += magnitudes[i + 3];
        }
        for (; i < width; i++) {
            a += sums[i];
            e += magnitudes[i];
        }
        float sum = (a + b) + (c + d);
        float magnitude = (e + f) + (g + h);
        into.putFloat(intoOffset, (magnitude + sum) / 2 / Math.max(1, length - negative));
        into.putFloat(intoOffset + Float.BYTES, (sum - magnitude) / 2 / Math.max(1, negative));
    }

    @Override
    void decodeBlock(ByteBuffer encoded, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        int width = width(n);
        int from = offset + GROUPS * GROUP_BYTES;
        intViews.of(encoded, from % Integer.BYTES).get(from / Integer.BYTES, words, 0, width);
        IntBuffer decoded = intViews.of(into, intoOffset % Float.BYTES);
        for (int row = 0; row < Integer.SIZE; row++) {
            int means = offset + row / ROWS_OF_GROUP * GROUP_BYTES;
            int positive = encoded.getInt(means);
            decodeRow(row, width, positive, positive ^ encoded.getInt(means + Float.BYTES), bits[0]);
            int begin = Math.min(n, row * width);
            decoded.put(intoOffset / Float.BYTES + begin, bits[0], 0, Math.min(width, n - begin));
        }
    }

    private void decodeRow(int row, int width, int positive, int difference, int[] into) {
        for (int i = 0; i < width; i++) {
            into[i] = positive ^ (difference & -((words[i] >>> row) & 1));
        }
    }
}
