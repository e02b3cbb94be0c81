package io.gyre.kernel;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;

/**
 * Looks for NaN and infinity among many numbers, at the speed of the memory they are in.
 *
 * <p>The exponent of both has all bits set, so adding one to it overflows into the sign. Memory is copied block by
 * block into a heap array, and the signs of all blocks are collected in another: the compiler vectorises loops over
 * arrays that carry nothing from one element to the next.
 *
 * <dl>
 *   <dt>Allocation
 *   <dd>None after the first call for each buffer.
 *   <dt>Threading
 *   <dd>One thread at a time.
 * </dl>
 */
public final class FiniteScan {

    private static final int INTS = 1024;
    private static final int LONGS = 512;
    private static final int FLOAT_EXPONENT = 0x7f80_0000;
    private static final int FLOAT_UNIT = 0x0080_0000;
    private static final long DOUBLE_EXPONENT = 0x7ff0_0000_0000_0000L;
    private static final long DOUBLE_UNIT = 0x0010_0000_0000_0000L;

    private final int[] ints = new int[INTS];
    private final int[] intSigns = new int[INTS];
    private final long[] longs = new long[LONGS];
    private final long[] longSigns = new long[LONGS];
    private final ViewCache<IntBuffer> intViews = new ViewCache<>(ByteBuffer::asIntBuffer);
    private final ViewCache<LongBuffer> longViews = new ViewCache<>(ByteBuffer::asLongBuffer);

    /** Whether a part of a region holds no NaN and no infinity. */
    public boolean isFinite(Region memory, Chunk part, ElementType type) {
        clear();
        long end = (part.offset() + part.length()) * type.bytes();
        for (long at = part.offset() * type.bytes(); at < end; ) {
            int n = memory.contiguous(at, end - at);
            add(type, memory.window(at), memory.windowOffset(at), n);
            at += n;
        }
        return isFinite();
    }

    /** Forgets what was added. */
    public void clear() {
        Arrays.fill(intSigns, 0);
        Arrays.fill(longSigns, 0);
    }

    /** Adds numbers: direct memory in native byte order, whole elements. */
    public void add(ElementType type, ByteBuffer memory, int offset, int byteLength) {
        switch (type) {
            case FLOAT32 -> addFloats(memory, offset, byteLength / Float.BYTES);
            case FLOAT64 -> addDoubles(memory, offset, byteLength / Double.BYTES);
        }
    }

    private void addFloats(ByteBuffer memory, int offset, int count) {
        IntBuffer view = intViews.of(memory, offset % Integer.BYTES);
        int at = offset / Integer.BYTES;
        for (int done = 0; done < count; done += INTS) {
            int n = Math.min(INTS, count - done);
            view.get(at + done, ints, 0, n);
            collect(ints, intSigns, n);
        }
    }

    private static void collect(int[] bits, int[] signs, int n) {
        for (int i = 0; i < n; i++) {
            signs[i] |= (bits[i] & FLOAT_EXPONENT) + FLOAT_UNIT;
        }
    }

    private void addDoubles(ByteBuffer memory, int offset, int count) {
        LongBuffer view = longViews.of(memory, offset % Long.BYTES);
        int at = offset / Long.BYTES;
        for (int done = 0; done < count; done += LONGS) {
            int n = Math.min(LONGS, count - done);
            view.get(at + done, longs, 0, n);
            collect(longs, longSigns, n);
        }
    }

    private static void collect(long[] bits, long[] signs, int n) {
        for (int i = 0; i < n; i++) {
            signs[i] |= (bits[i] & DOUBLE_EXPONENT) + DOUBLE_UNIT;
        }
    }

    /** Whether there was no NaN and no infinity in what was added since {@link #clear}. */
    public boolean isFinite() {
        int ofFloats = 0;
        for (int signs : intSigns) {
            ofFloats |= signs;
        }
        long ofDoubles = 0;
        for (long signs : longSigns) {
            ofDoubles |= signs;
        }
        return ofFloats >= 0 && ofDoubles >= 0;
    }
}
