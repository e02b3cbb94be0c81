package io.gyre.cuda;

import io.gyre.ElementType;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.device.PinnedMemory;
import io.gyre.device.StagedExchange;
import io.gyre.device.StagedGradients;
import io.gyre.memory.Region;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import jcuda.Pointer;
import jcuda.driver.JCudaDriver;

/**
 * Measures a GPU: copies between host and device, pinned and not; kernels compared with a copy inside the device, which
 * is the floor of memory-bound work; cuBLAS, if present, compared with Gyre's kernels; gradients of 102 MB to the host
 * and back, bucket by bucket. Medians and 99th percentiles of many rounds.
 */
final class MeasureGpu {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long BYTES = 102_000_000L / 64 * 64;
    private static final int ROUNDS = 60;
    private static final int WARM_UP = 10;

    private MeasureGpu() {}

    public static void main(String[] arguments) {
        try (Devices devices = CudaDevices.open();
                Device device = devices.open(0)) {
            System.out.println(devices.name() + ", " + device.info() + ", compute capability "
                    + device.info().computeCapability());
            copies(device);
            kernels(device);
            System.out.println(device.tuneKernels());
            exchange(device);
        }
    }

    private static void copies(Device device) {
        try (DeviceBuffer buffer = device.allocate("buffer", BYTES);
                DeviceStream stream = device.stream("copies")) {
            Region memory = Region.allocate("host", BYTES);
            memory.clear();
            ByteBuffer window = memory.window(0);
            CudaBuffer target = CudaBuffer.of(buffer);
            Context context = target.device().context();
            report("pageable memory to device", BYTES, times(() -> {
                context.enter();
                try {
                    context.check(JCudaDriver.cuMemcpyHtoD(target.at(0), Pointer.to(window), BYTES), "copy");
                } finally {
                    context.exit();
                }
            }));
            report("device to pageable memory", BYTES, times(() -> {
                context.enter();
                try {
                    context.check(JCudaDriver.cuMemcpyDtoH(Pointer.to(window), target.at(0), BYTES), "copy");
                } finally {
                    context.exit();
                }
            }));
            try (PinnedMemory pinned = device.pin(memory)) {
                report("pinned memory to device", BYTES, times(() -> {
                    stream.copyToDevice(pinned, 0, buffer, 0, BYTES);
                    stream.await(PATIENCE, "a copy");
                }));
                report("device to pinned memory", BYTES, times(() -> {
                    stream.copyToHost(buffer, 0, pinned, 0, BYTES);
                    stream.await(PATIENCE, "a copy");
                }));
            }
        }
    }

    private static void kernels(Device device) {
        long count = BYTES / Float.BYTES;
        try (DeviceBuffer into = device.allocate("into", BYTES);
                DeviceBuffer from = device.allocate("from", BYTES);
                DeviceBuffer flag = device.allocate("flag", Integer.BYTES);
                DeviceStream stream = device.stream("kernels")) {
            stream.clear(into, 0, BYTES);
            stream.clear(from, 0, BYTES);
            // Read once, written once.
            report("copy inside the device", 2 * BYTES, times(() -> {
                stream.copy(from, 0, into, 0, BYTES);
                stream.await(PATIENCE, "a copy");
            }));
            report("sum kernel", 3 * BYTES, times(() -> {
                device.kernels().sum(stream, ElementType.FLOAT32, into, 0, from, 0, count);
                stream.await(PATIENCE, "a sum");
            }));
            report("search for NaN", BYTES, times(() -> {
                device.kernels().findNotFinite(stream, ElementType.FLOAT32, into, flag);
                stream.await(PATIENCE, "a search");
            }));
        }
    }

    private static void exchange(Device device) {
        List<Long> layers = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            layers.add(BYTES / Float.BYTES / 50);
        }
        BucketPlan plan = BucketPlan.of(layers, 1 << 20);
        long bytes = plan.elements() * Float.BYTES;
        try (DeviceBuffer gradients = device.allocate("gradients", bytes);
                DeviceStream compute = device.stream("compute");
                StagedGradients staged = new StagedGradients(
                        device, Region.allocate("box", bytes), ElementType.FLOAT32, plan, PATIENCE);
                StagedExchange exchange = staged.exchange(device)) {
            List<DeviceStream> computes = List.of(compute);
            report("to the host and back, " + plan.buckets().size() + " buckets", 2 * bytes, times(() -> {
                staged.begin(gradients, computes);
                for (Bucket bucket : plan.buckets()) {
                    exchange.await(bucket.index());
                    exchange.copyBack(bucket.index());
                }
                staged.end(computes);
                compute.await(PATIENCE, "the return");
            }));
        }
    }

    private static double[] times(Runnable round) {
        double[] seconds = new double[ROUNDS];
        for (int i = -WARM_UP; i < ROUNDS; i++) {
            long start = System.nanoTime();
            round.run();
            if (i >= 0) {
                seconds[i] = (System.nanoTime() - start) / 1e9;
            }
        }
        Arrays.sort(seconds);
        return seconds;
    }

    private static void report(String what, long bytes, double[] seconds) {
        double median = seconds[seconds.length / 2];
        double late = seconds[(int) (seconds.length * 0.99)];
        System.out.printf(
                Locale.ROOT,
                "%-32s p50 %8.3f ms  p99 %8.3f ms  %7.1f GB/s%n",
                what,
                median * 1e3,
                late * 1e3,
                bytes / median / 1e9);
    }
}
