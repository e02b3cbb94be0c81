package io.gyre.device;

import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A device that is the host. */
final class HostDevice implements Device {

    private static final Logger LOG = LoggerFactory.getLogger(HostDevice.class);

    private final HostDevices devices;
    private final DeviceInfo info;
    private final Owner owner;
    private final Set<AutoCloseable> open = new LinkedHashSet<>();
    private final Map<Long, HostStream> streams = new HashMap<>();
    private long nextHandle = 1;
    private boolean closed;

    HostDevice(HostDevices devices, DeviceInfo info) {
        this.devices = devices;
        this.info = info;
        owner = new Owner(info.toString());
    }

    HostDevices devices() {
        return devices;
    }

    /** Fails unless called by the owner with the device open. */
    void check() {
        owner.check();
        if (closed) {
            throw new IllegalStateException(info + " is closed");
        }
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
        return info;
    }

    @Override
    public long freeBytes() {
        return Runtime.getRuntime().freeMemory();
    }

    @Override
    public DeviceBuffer allocate(String name, long byteLength) {
        check();
        return keep(new HostBuffer(this, name, byteLength));
    }

    @Override
    public DeviceBuffer view(String name, long address, long byteLength) {
        check();
        HostBuffer whole = devices.find(info.ordinal(), address, byteLength);
        Region part = whole.region().slice(address - whole.address(), byteLength);
        return keep(new HostBuffer(this, name, address, part));
    }

    @Override
    public DeviceStream stream(String name) {
        check();
        HostStream stream = new HostStream(this, name, nextHandle++);
        streams.put(stream.handle(), stream);
        return keep(stream);
    }

    @Override
    public DeviceStream viewStream(String name, long handle) {
        check();
        if (handle != 0 && !streams.containsKey(handle)) {
            throw new IllegalArgumentException(info + " has no stream with handle " + handle);
        }
        return keep(new HostStream(this, name, handle));
    }

    @Override
    public DeviceEvent event(String name) {
        check();
        return keep(new HostEvent(this, name));
    }

    @Override
    public PinnedMemory pin(Region memory) {
        check();
        return keep(new HostPin(this, memory));
    }

    @Override
    public void close() {
        owner.check();
        if (closed) {
            return;
        }
        if (!open.isEmpty()) {
            LOG.warn("{} is closed before {}", info, open);
        }
        List<AutoCloseable> forgotten = new ArrayList<>(open);
        for (AutoCloseable resource : forgotten) {
            try {
                resource.close();
            } catch (Exception e) {
                throw new IllegalStateException(info + " cannot be closed: " + e.getMessage(), e);
            }
        }
        closed = true;
    }

    /** Host memory needs no pinning; but as on other devices it cannot be closed before the pin. */
    private static final class HostPin implements PinnedMemory {
        private final HostDevice device;
        private final Region region;
        private boolean ended;

        HostPin(HostDevice device, Region region) {
            this.device = device;
            this.region = region;
            region.enter("a device's pin");
        }

        @Override
        public Region region() {
            return region;
        }

        @Override
        public void close() {
            device.owner.check();
            if (!ended) {
                ended = true;
                region.exit();
                device.forget(this);
            }
        }

        @Override
        public String toString() {
            return "pin of " + region;
        }
    }
}
