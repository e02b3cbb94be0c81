package io.gyre.cuda;

import io.gyre.ElementType;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.GradientKernels;
import org.jspecify.annotations.Nullable;

/**
 * Gyre's own kernels, and cuBLAS for sums of the lengths at which it was measured to be faster. Without a measurement
 * there are none.
 */
final class ChosenKernels implements GradientKernels {

    /** Length from which cuBLAS is never used. */
    static final long NEVER = Long.MAX_VALUE;

    private final GradientKernels own;
    private @Nullable Cublas cublas;
    private long fromFloats = NEVER;
    private long fromDoubles = NEVER;

    ChosenKernels(GradientKernels own) {
        this.own = own;
    }

    /** cuBLAS for all sums, regardless of speed. */
    static ChosenKernels always(GradientKernels own, Cublas cublas) {
        ChosenKernels kernels = new ChosenKernels(own);
        for (ElementType type : ElementType.values()) {
            kernels.choose(cublas, type, 1);
        }
        return kernels;
    }

    /** Uses cuBLAS for sums of at least {@code fromElements} elements. */
    void choose(Cublas newCublas, ElementType type, long fromElements) {
        cublas = newCublas;
        switch (type) {
            case FLOAT32 -> fromFloats = fromElements;
            case FLOAT64 -> fromDoubles = fromElements;
        }
    }

    /** cuBLAS, if it is used for {@code count} elements. */
    private @Nullable Cublas cublas(ElementType type, long count) {
        return count >= (type == ElementType.FLOAT32 ? fromFloats : fromDoubles) ? cublas : null;
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
        Cublas chosen = cublas(type, count);
        if (chosen == null) {
            own.sum(stream, type, into, intoOffset, other, otherOffset, count);
        } else {
            chosen.sum(
                    CudaStream.of(stream),
                    type,
                    CudaBuffer.of(into),
                    intoOffset,
                    CudaBuffer.of(other),
                    otherOffset,
                    count);
        }
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
    public String toString() {
        return own + (cublas == null ? "" : " and cuBLAS");
    }
}
