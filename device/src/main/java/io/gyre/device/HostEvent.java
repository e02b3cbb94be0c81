package io.gyre.device;

import java.time.Duration;

/** Work enqueued on the host is already done: the event only records its owner. */
final class HostEvent implements DeviceEvent {

    private final HostDevice device;
    private final String name;
    private boolean closed;

    HostEvent(HostDevice device, String name) {
        this.device = device;
        this.name = name;
    }

    void checkOpen() {
        if (closed) {
            throw new IllegalStateException(this + " is closed");
        }
    }

    HostDevice device() {
        return device;
    }

    @Override
    public boolean isDone() {
        device.check();
        checkOpen();
        return true;
    }

    @Override
    public void await(Duration timeout, String what) {
        device.check();
        checkOpen();
    }

    @Override
    public void close() {
        device.check();
        closed = true;
        device.forget(this);
    }

    @Override
    public String toString() {
        return "event '" + name + "'";
    }
}
