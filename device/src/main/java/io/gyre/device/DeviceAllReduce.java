package io.gyre.device;

import io.gyre.Chunk;
import io.gyre.ElementType;
import java.time.Duration;
import java.util.List;

/**
 * All-reduce among the devices of one process. Each device sums one chunk of all vectors, in the order of the devices,
 * and gives it to the others: the result is the same bits on all of them, and those of a sum on the host in that order.
 * Devices that reach each other copy directly, others through pinned memory of the host.
 *
 * <p>For S bytes and N devices each device receives and sends 2S(N-1)/N bytes, and all links work at once. Enqueues
 * everything and waits for nothing. Where other ranks take part too, {@link HierarchicalDeviceAllReduce}.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>All devices belong to the calling thread.
 *   <dt>Ownership
 *   <dd>The devices are borrowed. Each needs room for two chunks, the host for one chunk of each.
 * </dl>
 */
public final class DeviceAllReduce implements AutoCloseable {

    private final ElementType type;
    private final long elements;
    private final Duration timeout;
    private final List<SummingLane> lanes;
    private boolean closed;

    /**
     * Prepares it.
     *
     * @param devices at least one; one device may be there several times, as several
     * @param elements length of each vector
     * @param timeout how long {@link #close} waits for work that is under way
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
     * Begins to replace each vector by the sum of all.
     *
     * @param vectors one of each device
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

    /** Waits for what is under way, and gives the memory back. A second call does nothing. */
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
