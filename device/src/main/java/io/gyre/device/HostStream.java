package io.gyre.device;

import io.gyre.memory.Region;
import java.time.Duration;

/** Does all work immediately. */
final class HostStream implements DeviceStream {

    private final HostDevice device;
    private final String name;
    private final long handle;
    private boolean closed;

    HostStream(HostDevice device, String name, long handle) {
        this.device = device;
        this.name = name;
        this.handle = handle;
    }

    void check() {
        device.check();
        if (closed) {
            throw new IllegalStateException(this + " is closed");
        }
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
        if (buffer.device().info().ordinal() != device.info().ordinal()) {
            throw new IllegalArgumentException("device buffer '" + buffer.name() + "' is on "
                    + buffer.device().info() + ", and " + this + " on " + device.info());
        }
    }

    @Override
    public void copyToHost(DeviceBuffer from, long fromOffset, PinnedMemory to, long toOffset, long byteLength) {
        Bounds.check(from, fromOffset, byteLength);
        copy(HostBuffer.region(from), fromOffset, to.region(), toOffset, byteLength);
    }

    @Override
    public void copyToDevice(PinnedMemory from, long fromOffset, DeviceBuffer to, long toOffset, long byteLength) {
        Bounds.check(to, toOffset, byteLength);
        copy(from.region(), fromOffset, HostBuffer.region(to), toOffset, byteLength);
    }

    @Override
    public void copy(DeviceBuffer from, long fromOffset, DeviceBuffer to, long toOffset, long byteLength) {
        Bounds.check(from, fromOffset, byteLength);
        Bounds.check(to, toOffset, byteLength);
        checkHere(from);
        checkHere(to);
        copy(HostBuffer.region(from), fromOffset, HostBuffer.region(to), toOffset, byteLength);
    }

    private void copy(Region from, long fromOffset, Region to, long toOffset, long byteLength) {
        check();
        Bounds.check(from, fromOffset, byteLength);
        Bounds.check(to, toOffset, byteLength);
        to.enter("copy");
        try {
            to.copyFrom(toOffset, from, fromOffset, byteLength);
        } finally {
            to.exit();
        }
    }

    @Override
    public void clear(DeviceBuffer buffer, long offset, long byteLength) {
        check();
        Bounds.check(buffer, offset, byteLength);
        HostBuffer.region(buffer).slice(offset, byteLength).clear();
    }

    @Override
    public void record(DeviceEvent event) {
        check();
        if (((HostEvent) event).device() != device) {
            throw new IllegalArgumentException(event + " belongs to "
                    + ((HostEvent) event).device().info() + ", and " + this + " to " + device.info());
        }
        ((HostEvent) event).checkOpen();
    }

    @Override
    public void waitFor(DeviceEvent event) {
        check();
        ((HostEvent) event).checkOpen();
    }

    @Override
    public boolean isDone() {
        check();
        return true;
    }

    @Override
    public void await(Duration timeout, String what) {
        check();
    }

    @Override
    public void close() {
        device.check();
        closed = true;
        device.forget(this);
    }

    @Override
    public String toString() {
        return "stream '" + name + "'";
    }
}
