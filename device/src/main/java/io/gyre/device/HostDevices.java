package io.gyre.device;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/**
 * Devices simulated in host memory. Work is done when it is enqueued, one element at a time: slow, and the reference
 * for other implementations. Starts no thread.
 */
public final class HostDevices implements Devices {

    private final int count;

    /** Simulated start addresses of the allocations of these devices, so that views by address can be tested. */
    private final ConcurrentSkipListMap<Long, HostBuffer> allocations = new ConcurrentSkipListMap<>();

    private final AtomicLong nextAddress = new AtomicLong(1L << 32);

    /**
     * Creates devices.
     *
     * @param count at least 1
     */
    public HostDevices(int count) {
        if (count < 1) {
            throw new IllegalArgumentException(count + " devices: at least 1 is needed");
        }
        this.count = count;
    }

    @Override
    public String name() {
        return "host memory";
    }

    @Override
    public List<DeviceInfo> list() {
        return IntStream.range(0, count).mapToObj(HostDevices::info).toList();
    }

    private static DeviceInfo info(int ordinal) {
        return new DeviceInfo(ordinal, "host memory", 0, 0, Runtime.getRuntime().maxMemory());
    }

    @Override
    public boolean peerAccess(int from, int to) {
        return true;
    }

    @Override
    public Device open(int ordinal) {
        if (ordinal < 0 || ordinal >= count) {
            throw new IllegalArgumentException("there is no device " + ordinal + ", but 0 to " + (count - 1));
        }
        return new HostDevice(this, info(ordinal));
    }

    /** Assigns an address to a buffer. */
    long place(HostBuffer buffer) {
        long address = nextAddress.getAndAdd((buffer.byteLength() + 511) / 256 * 256);
        allocations.put(address, buffer);
        return address;
    }

    void remove(long address) {
        allocations.remove(address);
    }

    /** The allocation that contains a range. */
    HostBuffer find(int device, long address, long byteLength) {
        Map.Entry<Long, HostBuffer> found = allocations.floorEntry(address);
        if (found == null
                || found.getValue().device().info().ordinal() != device
                || address - found.getKey() > found.getValue().byteLength() - byteLength) {
            throw new IllegalArgumentException(
                    "device " + device + " has no " + byteLength + " bytes at address 0x" + Long.toHexString(address));
        }
        return found.getValue();
    }

    @Override
    public void close() {
        // There is nothing to release.
    }
}
