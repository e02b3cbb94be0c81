package io.gyre.cuda;

import io.gyre.device.Bounds;
import io.gyre.device.Device;
import io.gyre.device.DeviceBuffer;
import io.gyre.device.DeviceEvent;
import io.gyre.device.DeviceStream;
import io.gyre.device.PinnedMemory;
import io.gyre.memory.Region;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import jcuda.runtime.cudaStream_t;

/** A stream of the driver. */
final class CudaStream implements DeviceStream {

    private final CudaDevice device;
    private final String name;
    private final CUstream stream;
    private final cudaStream_t runtimeStream;
    private final long handle;
    private final boolean isView;
    private final BooleanSupplier isDone = this::isDone;
    private boolean closed;

    /** Exposes the handle, which JCuda keeps protected. */
    private static final class Handle extends CUstream {
        long value() {
            return getNativePointer();
        }
    }

    CudaStream(CudaDevice device, String name, CUstream stream, long handle, boolean isView) {
        this.device = device;
        this.name = name;
        this.stream = stream;
        runtimeStream = new cudaStream_t(stream);
        this.handle = handle;
        this.isView = isView;
    }

    static CudaStream create(CudaDevice device, String name) {
        Handle stream = new Handle();
        device.context()
                .call(
                        "create stream '" + name + "'",
                        () -> JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING));
        return new CudaStream(device, name, stream, stream.value(), false);
    }

    /** Returns the stream, if it is an open CUDA stream. */
    static CudaStream of(DeviceStream stream) {
        CudaStream cuda = (CudaStream) stream;
        cuda.checkOpen();
        return cuda;
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException(this + " is closed");
        }
    }

    /** Begins a call; must be paired with {@link Context#exit}. */
    Context enter() {
        checkOpen();
        Context context = device.context();
        context.enter();
        return context;
    }

    CUstream stream() {
        return stream;
    }

    /** The stream's type for libraries on the CUDA runtime. */
    cudaStream_t runtimeStream() {
        return runtimeStream;
    }

    @Override
    public Device device() {
        return device;
    }

    @Override
    public long handle() {
        return handle;
    }

    private void checkHere(DeviceBuffer buffer) {
        if (CudaBuffer.of(buffer).device().info().ordinal() != device.info().ordinal()) {
            throw new IllegalArgumentException("device buffer '" + buffer.name() + "' is on "
                    + CudaBuffer.of(buffer).device().info() + ", and " + this + " on " + device.info());
        }
    }

    @Override
    public void copyToHost(DeviceBuffer from, long fromOffset, PinnedMemory to, long toOffset, long byteLength) {
        Bounds.check(from, fromOffset, byteLength);
        Bounds.check(to.region(), toOffset, byteLength);
        checkHere(from);
        Context context = enter();
        try {
            Region region = to.region();
            for (long done = 0; done < byteLength; ) {
                int n = region.contiguous(toOffset + done, byteLength - done);
                context.check(
                        JCudaDriver.cuMemcpyDtoHAsync(
                                ((CudaPin) to).at(toOffset + done),
                                CudaBuffer.of(from).at(fromOffset + done),
                                n,
                                stream),
                        "copy to the host");
                done += n;
            }
        } finally {
            context.exit();
        }
    }

    @Override
    public void copyToDevice(PinnedMemory from, long fromOffset, DeviceBuffer to, long toOffset, long byteLength) {
        Bounds.check(from.region(), fromOffset, byteLength);
        Bounds.check(to, toOffset, byteLength);
        checkHere(to);
        Context context = enter();
        try {
            Region region = from.region();
            for (long done = 0; done < byteLength; ) {
                int n = region.contiguous(fromOffset + done, byteLength - done);
                context.check(
                        JCudaDriver.cuMemcpyHtoDAsync(
                                CudaBuffer.of(to).at(toOffset + done),
                                ((CudaPin) from).at(fromOffset + done),
                                n,
                                stream),
                        "copy from the host");
                done += n;
            }
        } finally {
            context.exit();
        }
    }

    @Override
    public void copy(DeviceBuffer from, long fromOffset, DeviceBuffer to, long toOffset, long byteLength) {
        Bounds.check(from, fromOffset, byteLength);
        Bounds.check(to, toOffset, byteLength);
        checkHere(from);
        checkHere(to);
        Context context = enter();
        try {
            if (byteLength == 0) {
                return;
            }
            context.check(
                    JCudaDriver.cuMemcpyDtoDAsync(
                            CudaBuffer.of(to).at(toOffset), CudaBuffer.of(from).at(fromOffset), byteLength, stream),
                    "copy inside the device");
        } finally {
            context.exit();
        }
    }

    @Override
    public void clear(DeviceBuffer buffer, long offset, long byteLength) {
        Bounds.check(buffer, offset, byteLength);
        checkHere(buffer);
        Context context = enter();
        try {
            if (byteLength > 0) {
                context.check(
                        JCudaDriver.cuMemsetD8Async(CudaBuffer.of(buffer).at(offset), (byte) 0, byteLength, stream),
                        "clear memory");
            }
        } finally {
            context.exit();
        }
    }

    @Override
    public void record(DeviceEvent event) {
        CudaEvent cuda = (CudaEvent) event;
        if (cuda.device().info().ordinal() != device.info().ordinal()) {
            throw new IllegalArgumentException(
                    event + " belongs to " + cuda.device().info() + ", and " + this + " to " + device.info());
        }
        Context context = enter();
        try {
            context.check(JCudaDriver.cuEventRecord(cuda.handle(), stream), "record an event");
        } finally {
            context.exit();
        }
    }

    @Override
    public void waitFor(DeviceEvent event) {
        Context context = enter();
        try {
            context.check(JCudaDriver.cuStreamWaitEvent(stream, ((CudaEvent) event).handle(), 0), "wait for an event");
        } finally {
            context.exit();
        }
    }

    @Override
    public boolean isDone() {
        Context context = enter();
        try {
            int result = JCudaDriver.cuStreamQuery(stream);
            if (result == CUresult.CUDA_ERROR_NOT_READY) {
                return false;
            }
            context.check(result, "finish what is in " + this);
            return true;
        } finally {
            context.exit();
        }
    }

    @Override
    public void await(Duration timeout, String what) {
        Waiting.until(isDone, timeout, what, device.info());
    }

    @Override
    public void close() {
        Context context = device.context();
        context.checkOwner();
        if (closed) {
            return;
        }
        if (!isView && !context.hasFailed()) {
            context.call("end " + this, () -> JCudaDriver.cuStreamDestroy(stream));
        }
        closed = true;
        device.forget(this);
    }

    @Override
    public String toString() {
        return "stream '" + name + "'";
    }
}
