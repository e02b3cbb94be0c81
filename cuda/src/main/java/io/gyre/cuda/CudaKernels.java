package io.gyre.cuda;

import io.gyre.ElementType;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.GradientKernels;
import io.gyre.kernel.HalfFormat;
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
    private final Map<ElementType, Launch> scales;
    private final Map<ElementType, Launch> axpys;
    private final Map<ElementType, Launch> notFinites;
    private final Map<HalfFormat, Launch> narrows;
    private final Map<HalfFormat, Launch> widens;
    private final Launch thresholdCount;
    private final Launch thresholdGroups;
    private final Launch thresholdTotal;
    private final Launch thresholdPack;

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
            scales = both("scale");
            axpys = both("axpy");
            notFinites = both("not_finite");
            narrows = halves("narrow");
            widens = halves("widen");
            thresholdCount = kernel("threshold_count");
            thresholdGroups = kernel("threshold_groups");
            thresholdTotal = kernel("threshold_total");
            thresholdPack = kernel("threshold_pack");
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

    private Map<HalfFormat, Launch> halves(String name) {
        return new EnumMap<>(Map.of(HalfFormat.FP16, kernel(name + "_fp16"), HalfFormat.BF16, kernel(name + "_bf16")));
    }

    private Launch kernel(String name) {
        return new Launch(device.context(), module, name);
    }

    /** The kernel for a type. */
    private static <T extends Enum<T>> Launch of(Map<T, Launch> kernels, T type) {
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
    public void scale(
            DeviceStream stream, ElementType type, DeviceBuffer data, long offset, long count, double factor) {
        Launch launch = of(scales, type).with(address(data, offset));
        (type == ElementType.FLOAT32 ? launch.with((float) factor) : launch.with(factor))
                .with(count)
                .run(CudaStream.of(stream), count);
    }

    @Override
    public void axpy(
            DeviceStream stream,
            ElementType type,
            double factor,
            DeviceBuffer into,
            long intoOffset,
            DeviceBuffer from,
            long fromOffset,
            long count) {
        long target = address(into, intoOffset);
        long source = address(from, fromOffset);
        Launch launch = of(axpys, type).with(target).with(source);
        (type == ElementType.FLOAT32 ? launch.with((float) factor) : launch.with(factor))
                .with(count)
                .run(CudaStream.of(stream), count);
    }

    @Override
    public void narrow(
            DeviceStream stream,
            HalfFormat format,
            DeviceBuffer from,
            long fromOffset,
            DeviceBuffer into,
            long intoOffset,
            long count) {
        long source = address(from, fromOffset);
        long target = address(into, intoOffset);
        of(narrows, format).with(target).with(source).with(count).run(CudaStream.of(stream), count);
    }

    @Override
    public void widen(
            DeviceStream stream,
            HalfFormat format,
            DeviceBuffer from,
            long fromOffset,
            DeviceBuffer into,
            long intoOffset,
            long count) {
        long source = address(from, fromOffset);
        long target = address(into, intoOffset);
        of(widens, format).with(target).with(source).with(count).run(CudaStream.of(stream), count);
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
        long vector = address(data, offset);
        long out = address(entries, entriesOffset);
        long chunks = GradientKernels.chunks(count);
        long groups = GradientKernels.groups(count);
        long total = address(scratch, 0);
        long groupPlaces = total + Integer.BYTES;
        long chunkPlaces = groupPlaces + groups * Integer.BYTES;
        CudaStream queue = CudaStream.of(stream);
        thresholdCount
                .with(vector)
                .with(threshold)
                .with(chunkPlaces)
                .with(count)
                .run(queue, chunks);
        thresholdGroups.with(chunkPlaces).with(groupPlaces).with(chunks).run(queue, groups);
        thresholdTotal.with(groupPlaces).with(total).with(groups).run(queue, 1);
        thresholdPack
                .with(vector)
                .with(threshold)
                .with(chunkPlaces)
                .with(groupPlaces)
                .with(out)
                .with(capacity)
                .with(count)
                .run(queue, chunks);
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
