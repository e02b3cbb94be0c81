package io.gyre.cuda;

import io.gyre.device.CheckedKernels;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceEvent;
import io.gyre.device.DeviceException;
import io.gyre.device.DeviceInfo;
import io.gyre.device.DeviceStream;
import io.gyre.device.GradientKernels;
import io.gyre.device.PinnedMemory;
import io.gyre.memory.Region;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import jcuda.driver.JCudaDriver;
import jcuda.driver.StreamHandle;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One GPU. */
final class CudaDevice implements Device {

    private static final Logger LOG = LoggerFactory.getLogger(CudaDevice.class);
    private static final Duration CLOSING = Duration.ofSeconds(60);

    private final Context context;
    private final Set<AutoCloseable> open = new LinkedHashSet<>();
    private @Nullable CudaKernels own;
    private final CublasChoice choice = new CublasChoice();
    private @Nullable GradientKernels kernels;
    private @Nullable Cublas cublas;
    private boolean closed;

    CudaDevice(DeviceInfo info) {
        context = new Context(info);
    }

    Context context() {
        return context;
    }

    private <T extends AutoCloseable> T keep(T resource) {
        open.add(resource);
        return resource;
    }

    void forget(AutoCloseable resource) {
        open.remove(resource);
    }

    @Override
    public DeviceInfo info() {
        return context.info();
    }

    @Override
    public long freeBytes() {
        long[] free = new long[1];
        context.call("say how much memory is free", () -> JCudaDriver.cuMemGetInfo(free, new long[1]));
        return free[0];
    }

    @Override
    public DeviceBuffer allocate(String name, long byteLength) {
        if (byteLength < 0) {
            throw new IllegalArgumentException("device buffer '" + name + "': length " + byteLength + " is negative");
        }
        return keep(CudaBuffer.allocate(this, name, byteLength));
    }

    @Override
    public DeviceBuffer view(String name, long address, long byteLength) {
        context.checkUsable();
        return keep(CudaBuffer.view(this, name, address, byteLength));
    }

    @Override
    public DeviceStream stream(String name) {
        return keep(CudaStream.create(this, name));
    }

    @Override
    public DeviceStream viewStream(String name, long handle) {
        context.checkUsable();
        return keep(new CudaStream(this, name, StreamHandle.of(handle), handle, true));
    }

    @Override
    public DeviceEvent event(String name) {
        return keep(new CudaEvent(this, name));
    }

    @Override
    public PinnedMemory pin(Region memory) {
        return keep(new CudaPin(this, memory));
    }

    @Override
    public GradientKernels kernels() {
        if (kernels == null) {
            own = new CudaKernels(this, choice);
            kernels = new CheckedKernels(own);
        }
        return kernels;
    }

    @Override
    public String tuneKernels() {
        return tuneKernels(KernelRace::fasterFrom, KernelRace.LENGTHS);
    }

    String tuneKernels(CublasTrial.Judge judge, long... lengths) {
        context.checkUsable();
        kernels();
        if (cublas == null) {
            try {
                CublasLibrary.load();
                cublas = new Cublas(context);
            } catch (DeviceException e) {
                return "cuBLAS is not used on " + info() + ": " + e.getMessage();
            }
        }
        return CublasTrial.run(this, Objects.requireNonNull(own), choice, cublas, judge, lengths);
    }

    @Override
    public void close() {
        context.checkOwner();
        if (closed) {
            return;
        }
        closed = true;
        if (!open.isEmpty()) {
            LOG.warn("{} is closed before {}", info(), open);
        }
        List<AutoCloseable> forgotten = new ArrayList<>(open);
        for (AutoCloseable resource : forgotten) {
            if (resource instanceof CudaStream stream && !context.hasFailed()) {
                try {
                    stream.await(CLOSING, "the last work");
                } catch (DeviceException e) {
                    LOG.warn("{}", e.getMessage());
                }
            }
        }
        for (AutoCloseable resource : forgotten) {
            try {
                resource.close();
            } catch (Exception e) {
                LOG.warn("{} of {} cannot be closed: {}", resource, info(), e.getMessage());
            }
        }
        if (cublas != null) {
            try {
                cublas.close();
            } catch (DeviceException e) {
                LOG.warn("{}", e.getMessage());
            }
        }
        if (own != null) {
            own.close();
        }
        context.close();
    }
}
