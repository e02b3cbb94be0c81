package io.gyre.cuda;

import io.gyre.device.DeviceBuffer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.JCudaDriver;

/** Memory of a GPU. */
final class CudaBuffer implements DeviceBuffer {

    private final CudaDevice device;
    private final String name;
    private final CUdeviceptr pointer;
    private final long address;
    private final long byteLength;
    private final boolean isView;
    private final OffsetCache<CUdeviceptr> pointers;
    private boolean closed;

    /** Exposes the address, which JCuda keeps protected. */
    private static final class Address extends CUdeviceptr {
        long value() {
            return getNativePointer() + getByteOffset();
        }
    }

    private CudaBuffer(
            CudaDevice device, String name, CUdeviceptr pointer, long address, long byteLength, boolean isView) {
        this.device = device;
        this.name = name;
        this.pointer = pointer;
        this.address = address;
        this.byteLength = byteLength;
        this.isView = isView;
        pointers = new OffsetCache<>(pointer::withByteOffset);
    }

    static CudaBuffer allocate(CudaDevice device, String name, long byteLength) {
        Address address = new Address();
        // The driver cannot allocate 0 bytes.
        device.context()
                .call(
                        "allocate " + byteLength + " bytes for '" + name + "'",
                        () -> JCudaDriver.cuMemAlloc(address, Math.max(1, byteLength)));
        return new CudaBuffer(device, name, address, address.value(), byteLength, false);
    }

    static CudaBuffer view(CudaDevice device, String name, long address, long byteLength) {
        return new CudaBuffer(device, name, new CUdeviceptr().withByteOffset(address), address, byteLength, true);
    }

    /** Returns the buffer, if it is an open buffer in GPU memory. */
    static CudaBuffer of(DeviceBuffer buffer) {
        if (!(buffer instanceof CudaBuffer cuda)) {
            throw new IllegalArgumentException("device buffer '" + buffer.name() + "' is not in a GPU's memory");
        }
        if (cuda.closed) {
            throw new IllegalStateException("device buffer '" + buffer.name() + "' is closed");
        }
        return cuda;
    }

    @Override
    public CudaDevice device() {
        return device;
    }

    CUdeviceptr at(long offset) {
        return pointers.at(offset);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long address() {
        return address;
    }

    @Override
    public long byteLength() {
        return byteLength;
    }

    @Override
    public void close() {
        Context context = device.context();
        context.checkOwner();
        if (closed) {
            return;
        }
        closed = true;
        device.forget(this);
        if (!isView && !context.hasFailed()) {
            context.call("free '" + name + "'", () -> JCudaDriver.cuMemFree(pointer));
        }
    }

    @Override
    public String toString() {
        return "buffer '" + name + "'";
    }
}
