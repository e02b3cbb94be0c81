package io.gyre.device;

import io.gyre.memory.Region;

/** Memory of a device that is the host. */
final class HostBuffer implements DeviceBuffer {

    private final HostDevice owner;
    private final String name;
    private final Region region;
    private final boolean isView;
    private final long address;

    HostBuffer(HostDevice owner, String name, long byteLength) {
        this.owner = owner;
        this.name = name;
        region = Region.allocate(name, byteLength);
        isView = false;
        address = owner.devices().place(this);
    }

    HostBuffer(HostDevice owner, String name, long address, Region part) {
        this.owner = owner;
        this.name = name;
        this.address = address;
        region = part;
        isView = true;
    }

    /** The memory, if the buffer is one of these. */
    static Region region(DeviceBuffer buffer) {
        if (buffer instanceof HostBuffer host) {
            return host.region;
        }
        throw new IllegalArgumentException("device buffer '" + buffer.name() + "' is not in the host's memory");
    }

    Region region() {
        return region;
    }

    @Override
    public Device device() {
        return owner;
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
        return region.byteLength();
    }

    @Override
    public void close() {
        owner.check();
        if (!isView) {
            owner.devices().remove(address);
            region.close();
        }
        owner.forget(this);
    }

    @Override
    public String toString() {
        return "buffer '" + name + "'";
    }
}
