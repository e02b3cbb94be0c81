package io.gyre.kernel;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import java.nio.ByteBuffer;

/**
 * Processes one element at a time, directly by the definition. Slow off heap (about a third of C), and the reference
 * for all others.
 */
public final class ScalarKernels implements Kernels {

    @Override
    public void reduce(
            ReduceOp op,
            ElementType type,
            ByteBuffer into,
            int intoOffset,
            ByteBuffer from,
            int fromOffset,
            int byteLength) {
        for (int i = 0; i < byteLength; i += type.bytes()) {
            switch (type) {
                case FLOAT32 ->
                    into.putFloat(
                            intoOffset + i, combine(op, into.getFloat(intoOffset + i), from.getFloat(fromOffset + i)));
                case FLOAT64 ->
                    into.putDouble(
                            intoOffset + i,
                            combine(op, into.getDouble(intoOffset + i), from.getDouble(fromOffset + i)));
            }
        }
    }

    @Override
    public void scale(ElementType type, ByteBuffer data, int offset, int byteLength, double factor) {
        float factor32 = (float) factor;
        for (int i = 0; i < byteLength; i += type.bytes()) {
            switch (type) {
                case FLOAT32 -> data.putFloat(offset + i, factor32 == 0 ? 0 : data.getFloat(offset + i) * factor32);
                case FLOAT64 -> data.putDouble(offset + i, factor == 0 ? 0 : data.getDouble(offset + i) * factor);
            }
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
        float factor32 = (float) factor;
        for (int i = 0; i < byteLength; i += type.bytes()) {
            switch (type) {
                case FLOAT32 ->
                    into.putFloat(
                            intoOffset + i, into.getFloat(intoOffset + i) + factor32 * from.getFloat(fromOffset + i));
                case FLOAT64 ->
                    into.putDouble(
                            intoOffset + i, into.getDouble(intoOffset + i) + factor * from.getDouble(fromOffset + i));
            }
        }
    }

    private static float combine(ReduceOp op, float a, float b) {
        return switch (op) {
            case SUM -> a + b;
            case MAX -> Math.max(a, b);
            case MIN -> Math.min(a, b);
        };
    }

    private static double combine(ReduceOp op, double a, double b) {
        return switch (op) {
            case SUM -> a + b;
            case MAX -> Math.max(a, b);
            case MIN -> Math.min(a, b);
        };
    }

    @Override
    public String toString() {
        return "plain Java";
    }
}
