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
 * The kernels of {@code gradient-kernels.cu}, which the driver compiles for the device when they are first used, and
 * cuBLAS for the sums for which it was chosen. {@link io.gyre.device.CheckedKernels} has checked the arguments.
 */
final class CudaKernels implements GradientKernels {

    static final String SOURCE = "gradient-kernels.cu";
    static final String PTX = "gradient-kernels.ptx";

    private final CudaDevice device;
    private final CublasChoice choice;
    private final CUmodule module;
    private final Map<ElementType, Launch> sums;
    private final Map<ElementType, Launch> notFinites;

    /** Compiles the kernels. */
    CudaKernels(CudaDevice device, CublasChoice choice) {
        this.device = device;
        this.choice = choice;
        module = new CUmodule();
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

    private CudaKernels(CudaKernels compiled, CublasChoice choice) {
        this.choice = choice;
        device = compiled.device;
        module = compiled.module;
        sums = compiled.sums;
        notFinites = compiled.notFinites;
    }

    /** The same kernels, not to be closed, with another choice. */
    CudaKernels with(CublasChoice other) {
        return new CudaKernels(this, other);
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
        CudaStream queue = CudaStream.of(stream);
        Cublas cublas = choice.of(type, count);
        if (cublas != null) {
            cublas.sum(queue, type, CudaBuffer.of(into), intoOffset, CudaBuffer.of(from), fromOffset, count);
            return;
        }
        long target = address(into, intoOffset);
        long source = address(from, fromOffset);
        of(sums, type).with(target).with(source).with(count).run(queue, count);
    }

    @Override
    public void findNotFinite(DeviceStream stream, ElementType type, DeviceBuffer data, DeviceBuffer flag) {
        long count = data.byteLength() / type.bytes();
        CudaStream queue = CudaStream.of(stream);
        long source = address(data, 0);
        long word = address(flag, 0);
        of(notFinites, type).with(source).with(word).with(count).run(queue, count);
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
        return "kernels of " + SOURCE + choice;
    }
}
