package io.gyre.cuda;

import io.gyre.ElementType;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.GradientKernels;
import io.gyre.kernel.HalfFormat;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Gyre's own kernels, and cuBLAS for the operations at which it was measured to be faster. Without a measurement there
 * are none.
 */
final class ChosenKernels implements GradientKernels {

    /** Operations that cuBLAS has too. A sum is its {@code axpy} by 1, which rounds once, as a sum does. */
    enum Operation {
        SUM,
        SCALE,
        AXPY
    }

    /** Length from which cuBLAS is never used. */
    static final long NEVER = Long.MAX_VALUE;

    /** Lengths from which cuBLAS is used, by operation. */
    private static final class Lengths {
        long sum = NEVER;
        long scale = NEVER;
        long axpy = NEVER;
    }

    private final GradientKernels own;
    private final Map<ElementType, Lengths> from = new EnumMap<>(ElementType.class);
    private @Nullable Cublas cublas;

    ChosenKernels(GradientKernels own) {
        this.own = own;
        for (ElementType type : ElementType.values()) {
            from.put(type, new Lengths());
        }
    }

    /** cuBLAS wherever possible, regardless of speed. */
    static ChosenKernels always(GradientKernels own, Cublas cublas) {
        ChosenKernels kernels = new ChosenKernels(own);
        for (ElementType type : ElementType.values()) {
            for (Operation operation : Operation.values()) {
                kernels.choose(cublas, operation, type, 1);
            }
        }
        return kernels;
    }

    /** Uses cuBLAS for vectors of at least {@code fromElements} elements. */
    void choose(Cublas newCublas, Operation operation, ElementType type, long fromElements) {
        cublas = newCublas;
        switch (operation) {
            case SUM -> lengths(type).sum = fromElements;
            case SCALE -> lengths(type).scale = fromElements;
            case AXPY -> lengths(type).axpy = fromElements;
        }
    }

    private Lengths lengths(ElementType type) {
        return Objects.requireNonNull(from.get(type));
    }

    /** cuBLAS, if it is used for {@code count} elements. */
    private @Nullable Cublas cublas(long fromElements, long count) {
        return count >= fromElements ? cublas : null;
    }

    @Override
    public void sum(
            DeviceStream stream,
            ElementType type,
            DeviceBuffer into,
            long intoOffset,
            DeviceBuffer other,
            long otherOffset,
            long count) {
        Cublas chosen = cublas(lengths(type).sum, count);
        if (chosen == null) {
            own.sum(stream, type, into, intoOffset, other, otherOffset, count);
        } else {
            chosen.axpy(
                    CudaStream.of(stream),
                    type,
                    1,
                    CudaBuffer.of(into),
                    intoOffset,
                    CudaBuffer.of(other),
                    otherOffset,
                    count);
        }
    }

    @Override
    public void scale(
            DeviceStream stream, ElementType type, DeviceBuffer data, long offset, long count, double factor) {
        Cublas chosen = cublas(lengths(type).scale, count);
        // Scaling by 0 must turn everything into 0, also NaN, which cuBLAS does not promise; and a small double is 0 as
        // a float.
        boolean zero = type == ElementType.FLOAT32 ? (float) factor == 0 : factor == 0;
        if (chosen == null || zero) {
            own.scale(stream, type, data, offset, count, factor);
        } else {
            chosen.scal(CudaStream.of(stream), type, factor, CudaBuffer.of(data), offset, count);
        }
    }

    @Override
    public void axpy(
            DeviceStream stream,
            ElementType type,
            double factor,
            DeviceBuffer into,
            long intoOffset,
            DeviceBuffer other,
            long otherOffset,
            long count) {
        Cublas chosen = cublas(lengths(type).axpy, count);
        boolean zero = type == ElementType.FLOAT32 ? (float) factor == 0 : factor == 0;
        if (chosen == null || zero) {
            own.axpy(stream, type, factor, into, intoOffset, other, otherOffset, count);
        } else {
            chosen.axpy(
                    CudaStream.of(stream),
                    type,
                    factor,
                    CudaBuffer.of(into),
                    intoOffset,
                    CudaBuffer.of(other),
                    otherOffset,
                    count);
        }
    }

    @Override
    public void narrow(
            DeviceStream stream,
            HalfFormat format,
            DeviceBuffer floats,
            long floatsOffset,
            DeviceBuffer into,
            long intoOffset,
            long count) {
        own.narrow(stream, format, floats, floatsOffset, into, intoOffset, count);
    }

    @Override
    public void widen(
            DeviceStream stream,
            HalfFormat format,
            DeviceBuffer halves,
            long halvesOffset,
            DeviceBuffer into,
            long intoOffset,
            long count) {
        own.widen(stream, format, halves, halvesOffset, into, intoOffset, count);
    }

    @Override
    public void findNotFinite(
            DeviceStream stream,
            ElementType type,
            DeviceBuffer data,
            long offset,
            long count,
            DeviceBuffer flag,
            long flagOffset) {
        own.findNotFinite(stream, type, data, offset, count, flag, flagOffset);
    }

    @Override
    public void encodeThreshold(
            DeviceStream stream,
            DeviceBuffer data,
            long offset,
            long count,
            float threshold,
            DeviceBuffer entries,
            long entriesOffset,
            int capacity,
            DeviceBuffer scratch) {
        own.encodeThreshold(stream, data, offset, count, threshold, entries, entriesOffset, capacity, scratch);
    }

    @Override
    public String toString() {
        return own + (cublas == null ? "" : " and cuBLAS");
    }
}
