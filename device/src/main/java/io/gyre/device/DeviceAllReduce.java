package io.gyre.device;

import io.gyre.Chunk;
import io.gyre.ElementType;
import java.time.Duration;
import java.util.List;

/**
 * All-reduce among the devices of one process. Each device sums one chunk of all vectors, in device order, and copies
 * it to the others: the result is bit-identical on all of them, and to a sum on the host in that order. Devices with
 * peer access copy directly, others through pinned host memory.
 *
 * <p>For S bytes and N devices each device receives and sends 2S(N-1)/N bytes, and all links are used concurrently.
 * Enqueues all work without waiting. If other ranks take part too, use {@link HierarchicalDeviceAllReduce}.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>All devices belong to the calling thread.
 *   <dt>Ownership
 *   <dd>The devices are borrowed. Each device needs memory for two chunks, the host for one chunk of each device.
 * </dl>
 */
public final class DeviceAllReduce implements AutoCloseable {

    private final ElementType type;
    private final long elements;
    private final Duration timeout;
    private final List<SummingLane> lanes;
    private boolean closed;

    /**
     * Allocates the buffers.
     *
     * @param devices at least one; a device may be listed several times, as several devices
     * @param elements length of each vector
     * @param timeout how long {@link #close} waits for pending work
     */
    public DeviceAllReduce(List<Device> devices, ElementType type, long elements, Duration timeout) {
        this.type = type;
        this.elements = elements;
        this.timeout = timeout;
        // The first chunk is the longest.
        long most =
                devices.isEmpty() ? 0 : Chunk.of(0, devices.size(), elements).length();
        lanes = SummingLane.of(devices, most * type.bytes());
    }

    /**
     * Enqueues the replacement of each vector by the sum of all.
     *
     * @param vectors one per device
     * @param computes the streams that write them, and read the sum afterwards
     */
    public void sum(List<DeviceBuffer> vectors, List<DeviceStream> computes) {
        SummingLane.begin(lanes, vectors, computes, elements * type.bytes());
        for (SummingLane lane : lanes) {
            Chunk chunk = Chunk.of(lane.index, lanes.size(), elements);
            long offset = chunk.offset() * type.bytes();
            long bytes = chunk.length() * type.bytes();
            lane.add(lanes, vectors, type, offset, bytes);
            lane.spread(lanes, vectors, offset, bytes);
        }
        for (SummingLane lane : lanes) {
            lane.helper.record(lane.helped);
        }
        for (DeviceStream compute : computes) {
            for (SummingLane lane : lanes) {
                compute.waitFor(lane.done);
                compute.waitFor(lane.helped);
            }
        }
    }

    /** Waits for pending work, and frees the memory. A second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (SummingLane lane : lanes) {
            lane.stream.await(timeout, "the last all-reduce");
            lane.helper.await(timeout, "the last all-reduce");
        }
        lanes.forEach(SummingLane::close);
    }
}
