package io.gyre.kernel;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.util.Arrays;

/**
 * Elements drawn at random, and the others as zeros: a given fraction of each block of 16,384, with error feedback.
 * Which they are is a function of seed, step and position, so that no index is sent, all ranks send the same ones, and
 * their sum loses nothing more. An element is sent in 4 bytes.
 *
 * <p>Stich, Cordonnier and Jaggi, <i>Sparsified SGD with Memory</i>, NeurIPS 2018. Drawn by Floyd's algorithm: Bentley
 * and Floyd, <i>A sample of brilliance</i>, CACM 30(9), 1987.
 */
public final class RandomKCodec extends FractionCodec implements SeededCodec {

    /** The name on the command line. */
    public static final String NAME = "randomk";

    private static final int EXPONENT = 0x7f80_0000;
    private static final int EXPONENT_UNIT = 0x0080_0000;
    private static final int ROW = 1024;
    private static final long GOLDEN = 0x9e37_79b9_7f4a_7c15L;

    private final long[] drawn = new long[LARGEST / Long.SIZE];
    private final int[] indices = new int[LARGEST];
    private final int[] bits = new int[ROW];
    /** By column, of all rows: negative if one was all ones. */
    private final int[] exponents = new int[ROW];

    private final ViewCache<IntBuffer> views = new ViewCache<>(ByteBuffer::asIntBuffer);
    private long seed;
    private long step;
    private long element;
    // The block whose indices are there.
    private long drawnStep = -1;
    private long drawnElement = -1;
    private int drawnOf = -1;

    /**
     * Creates the codec, with the seed 0 and a residual of zero.
     *
     * @param fraction of the elements that are sent, more than 0 and at most 1; at least one of each block is
     */
    public RandomKCodec(double fraction) {
        super(NAME, fraction);
    }

    @Override
    public void seed(long value) {
        seed = value;
        drawnOf = -1;
    }

    @Override
    public void piece(long ofStep, long firstElement, boolean ofSum) {
        step = ofStep;
        element = firstElement;
    }

    @Override
    int blockBytes(int n) {
        return kept(n) * Float.BYTES;
    }

    @Override
    void encodeBlock(ByteBuffer floats, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        draw(first, n);
        boolean finite = isFinite(floats, offset, n);
        for (int i = 0; i < kept(n); i++) {
            // An element that is not drawn may be the one that all ranks must notice.
            float value = finite ? floats.getFloat(offset + indices[i] * Float.BYTES) : Float.NaN;
            into.putFloat(intoOffset + i * Float.BYTES, value);
        }
    }

    /** Flags a row at a time: the compiler vectorises no sum before Java 21, and no early exit. */
    private boolean isFinite(ByteBuffer floats, int offset, int n) {
        IntBuffer ints = views.of(floats, offset % Float.BYTES);
        Arrays.fill(exponents, 0);
        for (int begin = 0; begin < n; begin += ROW) {
            int there = Math.min(ROW, n - begin);
            ints.get(offset / Float.BYTES + begin, bits, 0, there);
            for (int i = 0; i < there; i++) {
                exponents[i] |= (bits[i] & EXPONENT) + EXPONENT_UNIT;
            }
        }
        int any = 0;
        for (int i = 0; i < ROW; i++) {
            any |= exponents[i];
        }
        return any >= 0;
    }

    @Override
    void addBlock(ByteBuffer encoded, int offset, int first, int n, ByteBuffer into, int intoOffset) {
        draw(first, n);
        for (int i = 0; i < kept(n); i++) {
            int to = intoOffset + indices[i] * Float.BYTES;
            into.putFloat(to, into.getFloat(to) + encoded.getFloat(offset + i * Float.BYTES));
        }
    }

    /** Draws the indices of a block, ascending, unless they are those of the last one. */
    private void draw(int first, int n) {
        if (drawnStep == step && drawnElement == element + first && drawnOf == n) {
            return;
        }
        drawnStep = step;
        drawnElement = element + first;
        drawnOf = n;
        Arrays.fill(drawn, 0);
        long state = mix(mix(mix(seed) ^ step) ^ drawnElement);
        for (int last = n - kept(n); last < n; last++) {
            state += GOLDEN;
            int index = (int) (((mix(state) >>> Integer.SIZE) * (last + 1L)) >>> Integer.SIZE);
            int chosen = isDrawn(index) ? last : index;
            drawn[chosen / Long.SIZE] |= 1L << chosen;
        }
        int found = 0;
        for (int word = 0; word * Long.SIZE < n; word++) {
            for (long rest = drawn[word]; rest != 0; rest &= rest - 1) {
                indices[found++] = word * Long.SIZE + Long.numberOfTrailingZeros(rest);
            }
        }
    }

    private boolean isDrawn(int index) {
        return (drawn[index / Long.SIZE] & (1L << index)) != 0;
    }

    /** The finaliser of SplitMix64: Steele, Lea and Flood, OOPSLA 2014. */
    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xbf58_476d_1ce4_e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d0_49bb_1331_11ebL;
        return z ^ (z >>> 31);
    }
}
