package io.gyre.cuda;

import io.gyre.device.PinnedMemory;
import io.gyre.memory.Region;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import jcuda.Pointer;

/** Host memory page-locked by the driver: the complete windows that contain a region. */
final class CudaPin implements PinnedMemory {

    private final CudaDevice device;
    private final Region region;
    private final List<ByteBuffer> windows = new ArrayList<>();
    private final OffsetCache<Pointer> pointers = new OffsetCache<>(this::pointer);
    private boolean closed;

    CudaPin(CudaDevice device, Region region) {
        this.device = device;
        this.region = region;
        device.context().checkUsable();
        region.enter("a device's pin");
        try {
            for (long at = 0; at < region.byteLength(); at += region.contiguous(at, region.byteLength() - at)) {
                Registrations.add(device.context(), region.window(at));
                windows.add(region.window(at));
            }
        } catch (RuntimeException e) {
            release();
            throw e;
        }
    }

    private Pointer pointer(long offset) {
        return Pointer.to(region.window(offset)).withByteOffset(region.windowOffset(offset));
    }

    /** Pointer to the byte at an offset; valid for {@link Region#contiguous} bytes. */
    Pointer at(long offset) {
        if (closed) {
            throw new IllegalStateException(this + " is closed");
        }
        return pointers.at(offset);
    }

    CudaDevice device() {
        return device;
    }

    @Override
    public Region region() {
        return region;
    }

    @Override
    public void close() {
        device.context().checkOwner();
        if (!closed) {
            closed = true;
            device.forget(this);
            release();
        }
    }

    private void release() {
        try {
            for (ByteBuffer window : windows) {
                Registrations.remove(device.context(), window);
            }
        } finally {
            windows.clear();
            region.exit();
        }
    }

    @Override
    public String toString() {
        return "pin of " + region;
    }
}
