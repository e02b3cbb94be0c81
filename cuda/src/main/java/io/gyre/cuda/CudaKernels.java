package io.gyre.cuda;

import io.gyre.ElementType;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.GradientKernels;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;

/**
 * The kernels of {@code gradient-kernels.cu}, which the driver compiles for the device when they are first used. {@link
 * io.gyre.device.CheckedKernels} has checked the arguments.
 */
final class CudaKernels implements GradientKernels {

    static final String SOURCE = "gradient-kernels.cu";
    static final String PTX = "gradient-kernels.ptx";

    private final CudaDevice device;
    private final CUmodule module = new CUmodule();
    private final Map<ElementType, Launch> sums;
    private final Map<ElementType, Launch> notFinites;

    CudaKernels(CudaDevice device) {
        this.device = device;
        Context context = device.context();
        context.enter();
        try {
            byte[] text = resource(PTX);
            // The driver expects a null-terminated string.
            context.check(
                    JCudaDriver.cuModuleLoadData(module, Arrays.copyOf(text, text.length + 1)), "compile the kernels");
            sums = both("sum");
            notFinites = both("not_finite");
        } finally {
            context.exit();
        }
    }

    static byte[] resource(String name) {
        try (InputStream in = CudaKernels.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("there is no " + name + " beside " + CudaKernels.class);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Map<ElementType, Launch> both(String name) {
        return new EnumMap<>(
                Map.of(ElementType.FLOAT32, kernel(name + "_f32"), ElementType.FLOAT64, kernel(name + "_f64")));
    }

    private Launch kernel(String name) {
        return new Launch(device.context(), module, name);
    }

    /** The kernel for a type. */
    private static Launch of(Map<ElementType, Launch> kernels, ElementType type) {
        return Objects.requireNonNull(kernels.get(type));
    }

    /** Address of the start of a range. */
    private static long address(DeviceBuffer buffer, long offset) {
        return CudaBuffer.of(buffer).address() + offset;
    }

    @Override
    public void sum(
            DeviceStream stream,
            ElementType type,
            DeviceBuffer into,
            long intoOffset,
            DeviceBuffer from,
            long fromOffset,
            long count) {
        long target = address(into, intoOffset);
        long source = address(from, fromOffset);
        of(sums, type).with(target).with(source).with(count).run(CudaStream.of(stream), count);
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
        long source = address(data, offset);
        long word = address(flag, flagOffset);
        of(notFinites, type).with(source).with(word).with(count).run(CudaStream.of(stream), count);
    }

    void close() {
        Context context = device.context();
        if (!context.hasFailed()) {
            context.enter();
            try {
                JCudaDriver.cuModuleUnload(module);
            } finally {
                context.exit();
            }
        }
    }

    @Override
    public String toString() {
        return "kernels of " + SOURCE;
    }
}
