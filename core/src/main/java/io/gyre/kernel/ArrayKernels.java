package io.gyre.kernel;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;

/**
 * Works block by block through heap arrays, because the compiler vectorises loops over arrays, but not over off-heap
 * memory. The blocks stay in the first-level cache, so copying in and out costs little compared to the memory access.
 * Needs no JVM flag and no native code.
 */
public final class ArrayKernels implements Kernels {

    /** Two blocks of this size leave most of a 32 KiB first-level cache to the memory being read. */
    private static final int BLOCK_BYTES = 4 << 10;

    private static final int FLOATS = BLOCK_BYTES / Float.BYTES;
    private static final int DOUBLES = BLOCK_BYTES / Double.BYTES;

    private final float[] floatsInto = new float[FLOATS];
    private final float[] floatsFrom = new float[FLOATS];
    private final double[] doublesInto = new double[DOUBLES];
    private final double[] doublesFrom = new double[DOUBLES];
    private final ViewCache<FloatBuffer> floatViews = new ViewCache<>(ByteBuffer::asFloatBuffer);
    private final ViewCache<DoubleBuffer> doubleViews = new ViewCache<>(ByteBuffer::asDoubleBuffer);

    @Override
    public void reduce(
            ReduceOp op,
            ElementType type,
            ByteBuffer into,
            int intoOffset,
            ByteBuffer from,
            int fromOffset,
            int byteLength) {
        switch (type) {
            case FLOAT32 -> reduceFloats(op, into, intoOffset, from, fromOffset, byteLength / Float.BYTES);
            case FLOAT64 -> reduceDoubles(op, into, intoOffset, from, fromOffset, byteLength / Double.BYTES);
        }
    }

    private void reduceFloats(
            ReduceOp op, ByteBuffer into, int intoOffset, ByteBuffer from, int fromOffset, int count) {
        FloatBuffer target = floatViews.of(into, intoOffset % Float.BYTES);
        FloatBuffer source = floatViews.of(from, fromOffset % Float.BYTES);
        int at = intoOffset / Float.BYTES;
        int fromAt = fromOffset / Float.BYTES;
        for (int done = 0; done < count; done += FLOATS) {
            int n = Math.min(FLOATS, count - done);
            target.get(at + done, floatsInto, 0, n);
            source.get(fromAt + done, floatsFrom, 0, n);
            switch (op) {
                case SUM -> sum(floatsInto, floatsFrom, n);
                case MAX -> max(floatsInto, floatsFrom, n);
                case MIN -> min(floatsInto, floatsFrom, n);
            }
            target.put(at + done, floatsInto, 0, n);
        }
    }

    private void reduceDoubles(
            ReduceOp op, ByteBuffer into, int intoOffset, ByteBuffer from, int fromOffset, int count) {
        DoubleBuffer target = doubleViews.of(into, intoOffset % Double.BYTES);
        DoubleBuffer source = doubleViews.of(from, fromOffset % Double.BYTES);
        int at = intoOffset / Double.BYTES;
        int fromAt = fromOffset / Double.BYTES;
        for (int done = 0; done < count; done += DOUBLES) {
            int n = Math.min(DOUBLES, count - done);
            target.get(at + done, doublesInto, 0, n);
            source.get(fromAt + done, doublesFrom, 0, n);
            switch (op) {
                case SUM -> sum(doublesInto, doublesFrom, n);
                case MAX -> max(doublesInto, doublesFrom, n);
                case MIN -> min(doublesInto, doublesFrom, n);
            }
            target.put(at + done, doublesInto, 0, n);
        }
    }

    @Override
    public void scale(ElementType type, ByteBuffer data, int offset, int byteLength, double factor) {
        switch (type) {
            case FLOAT32 -> scaleFloats(data, offset, byteLength / Float.BYTES, (float) factor);
            case FLOAT64 -> scaleDoubles(data, offset, byteLength / Double.BYTES, factor);
        }
    }

    private void scaleFloats(ByteBuffer data, int offset, int count, float factor) {
        FloatBuffer view = floatViews.of(data, offset % Float.BYTES);
        int at = offset / Float.BYTES;
        for (int done = 0; done < count; done += FLOATS) {
            int n = Math.min(FLOATS, count - done);
            view.get(at + done, floatsInto, 0, n);
            for (int i = 0; i < n; i++) {
                floatsInto[i] = factor == 0 ? 0 : floatsInto[i] * factor;
            }
            view.put(at + done, floatsInto, 0, n);
        }
    }

    private void scaleDoubles(ByteBuffer data, int offset, int count, double factor) {
        DoubleBuffer view = doubleViews.of(data, offset % Double.BYTES);
        int at = offset / Double.BYTES;
        for (int done = 0; done < count; done += DOUBLES) {
            int n = Math.min(DOUBLES, count - done);
            view.get(at + done, doublesInto, 0, n);
            for (int i = 0; i < n; i++) {
                doublesInto[i] = factor == 0 ? 0 : doublesInto[i] * factor;
            }
            view.put(at + done, doublesInto, 0, n);
        }
    }

    @Override
    public void axpy(
            ElementType type,
            double factor,
            ByteBuffer into,
            int intoOffset,
            ByteBuffer from,
            int fromOffset,
            int byteLength) {
        switch (type) {
            case FLOAT32 -> axpyFloats((float) factor, into, intoOffset, from, fromOffset, byteLength / Float.BYTES);
            case FLOAT64 -> axpyDoubles(factor, into, intoOffset, from, fromOffset, byteLength / Double.BYTES);
        }
    }

    private void axpyFloats(float factor, ByteBuffer into, int intoOffset, ByteBuffer from, int fromOffset, int count) {
        FloatBuffer target = floatViews.of(into, intoOffset % Float.BYTES);
        FloatBuffer source = floatViews.of(from, fromOffset % Float.BYTES);
        int at = intoOffset / Float.BYTES;
        int fromAt = fromOffset / Float.BYTES;
        for (int done = 0; done < count; done += FLOATS) {
            int n = Math.min(FLOATS, count - done);
            target.get(at + done, floatsInto, 0, n);
            source.get(fromAt + done, floatsFrom, 0, n);
            for (int i = 0; i < n; i++) {
                floatsInto[i] += factor * floatsFrom[i];
            }
            target.put(at + done, floatsInto, 0, n);
        }
    }

    private void axpyDoubles(
            double factor, ByteBuffer into, int intoOffset, ByteBuffer from, int fromOffset, int count) {
        DoubleBuffer target = doubleViews.of(into, intoOffset % Double.BYTES);
        DoubleBuffer source = doubleViews.of(from, fromOffset % Double.BYTES);
        int at = intoOffset / Double.BYTES;
        int fromAt = fromOffset / Double.BYTES;
        for (int done = 0; done < count; done += DOUBLES) {
            int n = Math.min(DOUBLES, count - done);
            target.get(at + done, doublesInto, 0, n);
            source.get(fromAt + done, doublesFrom, 0, n);
            for (int i = 0; i < n; i++) {
                doublesInto[i] += factor * doublesFrom[i];
            }
            target.put(at + done, doublesInto, 0, n);
        }
    }

    private static void sum(float[] into, float[] from, int n) {
        for (int i = 0; i < n; i++) {
            into[i] += from[i];
        }
    }

    private static void sum(double[] into, double[] from, int n) {
        for (int i = 0; i < n; i++) {
            into[i] += from[i];
        }
    }

    private static void max(float[] into, float[] from, int n) {
        for (int i = 0; i < n; i++) {
            into[i] = Math.max(into[i], from[i]);
        }
    }

    private static void max(double[] into, double[] from, int n) {
        for (int i = 0; i < n; i++) {
            into[i] = Math.max(into[i], from[i]);
        }
    }

    private static void min(float[] into, float[] from, int n) {
        for (int i = 0; i < n; i++) {
            into[i] = Math.min(into[i], from[i]);
        }
    }

    private static void min(double[] into, double[] from, int n) {
        for (int i = 0; i < n; i++) {
            into[i] = Math.min(into[i], from[i]);
        }
    }

    @Override
    public String toString() {
        return "Java arrays";
    }
}
