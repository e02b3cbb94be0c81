package io.gyre.kernel;

import io.gyre.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * The elements with the greatest magnitudes, with their indices, and the others as zeros: a given fraction of each
 * block of 16,384, with error feedback. Of equal magnitudes the first are taken. An element is sent in 6 bytes.
 *
 * <p>Stich, Cordonnier and Jaggi, <i>Sparsified SGD with Memory</i>, NeurIPS 2018; Lin, Han, Mao, Wang and Dally,
 * <i>Deep Gradient Compression</i>, ICLR 2018, without its corrections of the momentum. The magnitude is found by
 * counting digits, as a radix sort does, of few candidates: a block is written in columns, and no fewer than k elements
 * are at least as great as the k-th greatest of the columns' maxima.
 */
public final class TopKCodec extends FractionCodec {

    /** The name on the command line. */
    public static final String NAME = "topk";

    private static final int MAGNITUDE = 0x7fff_ffff;
    private static final int INDEX = 0xffff;

    /** Digits of a magnitude, from the highest: 11, 11 and 9 bits. */
    private static final int HIGH_SHIFT = 20;

    private static final int MIDDLE_SHIFT = 9;
    private static final int DIGITS = 1 << 11;
    private static final int LOW_DIGITS = 1 << MIDDLE_SHIFT;

    /** With columns of up to 16 elements, two thirds of which hold none of the greatest, candidates are few. */
    private static final int COLUMNS = 1024;

    private static final int MOST_FROM_COLUMNS = COLUMNS / 2;

    private final int[] bits = new int[LARGEST];
    /** Of the candidates, and their indices: ascending. */
    private final int[] magnitudes = new int[LARGEST];

    private final int[] candidates = new int[LARGEST];
    /** The compiler vectorises loops over arrays from their beginning. */
    private final int[] row = new int[COLUMNS];

    private final int[] maxima = new int[COLUMNS];
    /** Bit r of a column: whether its element in row r is a candidate. */
    private final int[] rows = new int[COLUMNS];

    private final long[] marked = new long[LARGEST / Long.SIZE];
    private final int[] counts = new int[DIGITS];
    /** Counts of every second element: neighbours often have the same digit, and would wait for each other. */
    private final int[] otherCounts = new int[DIGITS];

    private final int[] indices = new int[LARGEST + 1];
    private final int[] kept = new int[LARGEST];
    private final ViewCache<IntBuffer> views = new ViewCache<>(ByteBuffer::asIntBuffer);
    /** Of the elements with the digits found so far, how many are among the greatest. */
    private int wanted;

    /**
     * Creates the codec, with a residual of zero.
     *
     * @param fraction of the elements that are sent, more than 0 and at most 1; at least one of each block is
     */
    public TopKCodec(double fraction) {
        super(NAME, fraction);
    }

    @Override
    int blockBytes(int n) {
        int k = kept(n);
        return (k + (k + 1) / 2) * Integer.BYTES;
    }

    /** Floats, and then indices: two in a word, the first half in its low halves. */
    @Override
    void encodeBlock(ByteBuffer floats, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        views.of(floats, offset % Float.BYTES).get(offset / Float.BYTES, bits, 0, n);
        int k = kept(n);
        select(n, k);
        for (int i = 0; i < k; i++) {
            kept[i] = bits[indices[i]];
        }
        int pairs = (k + 1) / 2;
        indices[k] = 0;
        for (int i = 0; i < pairs; i++) {
            indices[i] |= indices[pairs + i] << Short.SIZE;
        }
        IntBuffer words = views.of(into, intoOffset % Integer.BYTES);
        words.put(intoOffset / Integer.BYTES, kept, 0, k);
        words.put(intoOffset / Integer.BYTES + k, indices, 0, pairs);
    }

    /** Finds the indices of the k greatest magnitudes. NaN and infinity are greater than all numbers. */
    private void select(int n, int k) {
        int count = k <= MOST_FROM_COLUMNS && n >= 2 * COLUMNS ? candidates(n, k) : all(n);
        int least = least(count, k);
        int found = 0;
        for (int i = 0; found < k; i++) {
            int magnitude = magnitudes[i];
            if (magnitude > least || (magnitude == least && wanted-- > 0)) {
                indices[found++] = candidates[i];
            }
        }
    }

    private int all(int n) {
        for (int i = 0; i < n; i++) {
            magnitudes[i] = bits[i] & MAGNITUDE;
            candidates[i] = i;
        }
        return n;
    }

    /** Keeps what is at least as great as the k-th greatest of the columns' maxima. */
    private int candidates(int n, int k) {
        Arrays.fill(maxima, 0);
        Arrays.fill(rows, 0);
        for (int begin = 0; begin < n; begin += COLUMNS) {
            raiseMaxima(begin, Math.min(COLUMNS, n - begin));
        }
        System.arraycopy(maxima, 0, magnitudes, 0, COLUMNS);
        int floor = least(COLUMNS, k);
        for (int begin = 0; begin < n; begin += COLUMNS) {
            markRow(begin, Math.min(COLUMNS, n - begin), floor);
        }
        Arrays.fill(marked, 0);
        for (int column = 0; column < COLUMNS; column++) {
            for (int rest = rows[column]; rest != 0; rest &= rest - 1) {
                int index = Integer.numberOfTrailingZeros(rest) * COLUMNS + column;
                marked[index / Long.SIZE] |= 1L << index;
            }
        }
        int count = 0;
        for (int word = 0; word * Long.SIZE < n; word++) {
            for (long rest = marked[word]; rest != 0; rest &= rest - 1) {
                int index = word * Long.SIZE + Long.numberOfTrailingZeros(rest);
                candidates[count] = index;
                magnitudes[count++] = bits[index] & MAGNITUDE;
            }
        }
        return count;
    }

    /** Without {@link Math#max}, which the compiler does not vectorise before Java 20. */
    private void raiseMaxima(int begin, int n) {
        System.arraycopy(bits, begin, row, 0, n);
        for (int i = 0; i < n; i++) {
            int more = (row[i] & MAGNITUDE) - maxima[i];
            maxima[i] += more & ~(more >> 31);
        }
    }

    private void markRow(int begin, int n, int floor) {
        System.arraycopy(bits, begin, row, 0, n);
        int bit = begin / COLUMNS;
        for (int i = 0; i < n; i++) {
            rows[i] |= ((floor - 1 - (row[i] & MAGNITUDE)) >>> 31) << bit;
        }
    }

    /** The k-th greatest of so many magnitudes; {@link #wanted} is then how many equal ones are among the greatest. */
    private int least(int n, int k) {
        wanted = k;
        int high = highDigit(n);
        int middle = digit(n, high, HIGH_SHIFT, MIDDLE_SHIFT, DIGITS);
        int upper = (high << (HIGH_SHIFT - MIDDLE_SHIFT)) | middle;
        return (upper << MIDDLE_SHIFT) | digit(n, upper, MIDDLE_SHIFT, 0, LOW_DIGITS);
    }

    private int highDigit(int n) {
        Arrays.fill(counts, 0);
        Arrays.fill(otherCounts, 0);
        int even = n & -2;
        for (int i = 0; i < even; i += 2) {
            counts[magnitudes[i] >>> HIGH_SHIFT]++;
            otherCounts[magnitudes[i + 1] >>> HIGH_SHIFT]++;
        }
        if (even < n) {
            counts[magnitudes[even] >>> HIGH_SHIFT]++;
        }
        for (int i = 0; i < DIGITS; i++) {
            counts[i] += otherCounts[i];
        }
        return downTo(DIGITS);
    }

    /** The next digit of the least wanted magnitude, which begins with {@code upper}. */
    private int digit(int n, int upper, int upperShift, int shift, int digits) {
        Arrays.fill(counts, 0, digits, 0);
        for (int i = 0; i < n; i++) {
            if (magnitudes[i] >>> upperShift == upper) {
                counts[(magnitudes[i] >>> shift) & (digits - 1)]++;
            }
        }
        return downTo(digits);
    }

    private int downTo(int digits) {
        int digit = digits - 1;
        while (counts[digit] < wanted) {
            wanted -= counts[digit--];
        }
        return digit;
    }

    @Override
    void addBlock(ByteBuffer encoded, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        int k = kept(n);
        int pairs = (k + 1) / 2;
        int at = offset + k * Float.BYTES;
        for (int i = 0; i < k; i++) {
            int word = encoded.getInt(at + (i < pairs ? i : i - pairs) * Integer.BYTES);
            int index = i < pairs ? word & INDEX : word >>> Short.SIZE;
            if (index >= n) {
                throw new ProtocolException("index " + index + " in a block of " + n + " elements of " + name());
            }
            int to = intoOffset + index * Float.BYTES;
            into.putFloat(to, into.getFloat(to) + encoded.getFloat(offset + i * Float.BYTES));
        }
    }
}
