package io.gyre.dl4j;

import io.gyre.BucketPlan;
import io.gyre.ElementType;
import io.gyre.Region;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceProvider;
import io.gyre.device.DeviceStream;
import io.gyre.device.Devices;
import io.gyre.device.StagedGradients;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model's gradients on a GPU, taken to the memory where ranks combine them and back, without ND4J's own copies: those are of the
 * whole vector, to memory that is not shared.
 *
 * <p>Not run on a GPU yet; see {@code docs/gpu.md}.
 */
final class DeviceGradients implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DeviceGradients.class);
    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final Devices devices;
    private final Device device;
    private final StagedGradients staged;
    private final GradientMemory memory;
    private @Nullable DeviceBuffer vector;
    private @Nullable DeviceStream compute;

    /** Where a backend keeps an array, and in which stream it computes. */
    interface GradientMemory {
        /** Ordinal of the device. */
        int device(INDArray array);

        /** Address of the first element on the device, which holds what was written last. */
        long address(INDArray array);

        /** Handle of the stream in which the calling thread's operations run. */
        long stream();

        /** Notes that the device's copy was written by somebody else. */
        void written(INDArray array);
    }

    DeviceGradients(
            Devices devices,
            GradientMemory memory,
            INDArray gradients,
            Region host,
            ElementType type,
            BucketPlan plan) {
        this.devices = devices;
        this.memory = memory;
        device = devices.open(memory.device(gradients));
        staged = new StagedGradients(device, host, type, plan, TIMEOUT);
    }

    /**
     * Prepares the way, if the backend is ND4J CUDA and there is a driver for Gyre's own copies; else null, and the reason is
     * logged.
     */
    static @Nullable DeviceGradients of(INDArray gradients, Region host, ElementType type, BucketPlan plan) {
        if (Nd4j.getEnvironment().isCPU()) {
            return null;
        }
        for (DeviceProvider provider : DeviceProvider.all()) {
            if (provider.name().equals("cuda")) {
                LOG.info(
                        "gradients go from the GPU to shared memory in {} buckets",
                        plan.buckets().size());
                return new DeviceGradients(provider.open(), new Nd4jCudaMemory(), gradients, host, type, plan);
            }
        }
        LOG.warn("gyre-cuda is not on the class path: ND4J copies all gradients to the host and back in every step");
        return null;
    }

    StagedGradients staged() {
        return staged;
    }

    /** Lets the gradients leave, after what computes them. */
    void begin(INDArray gradients) {
        DeviceBuffer newVector = device.view(
                "gradients", memory.address(gradients), staged.region().byteLength());
        DeviceStream newCompute = device.viewStream("ND4J's", memory.stream());
        vector = newVector;
        compute = newCompute;
        staged.begin(newVector, newCompute);
    }

    /** Waits until all are on the host; for who does not take them bucket by bucket. */
    void awaitAll() {
        staged.awaitHost(0, staged.region().byteLength());
    }

    /** Lets what ND4J computes from now on see the combined gradients. */
    void end(INDArray gradients) {
        if (compute != null && vector != null) {
            staged.end(compute);
            memory.written(gradients);
            compute.close();
            vector.close();
            compute = null;
            vector = null;
        }
    }

    @Override
    public void close() {
        staged.close();
        device.close();
        devices.close();
    }
}
