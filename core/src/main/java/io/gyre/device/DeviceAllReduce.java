package io.gyre.device;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.Region;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * All-reduce among the devices of one process. Each device sums one chunk of all vectors, in the order of the devices, and gives
 * it to the others: the result is the same bits on all of them, and those of a sum on the host in that order. Devices that reach
 * each other copy directly, others through pinned memory of the host.
 *
 * <p>For S bytes and N devices each device receives and sends 2S(N-1)/N bytes, and all links work at once. Enqueues everything
 * and waits for nothing.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>All devices belong to the calling thread.
 *   <dt>Ownership
 *   <dd>The devices are borrowed. Each needs room for two chunks, the host for one chunk of each.
 * </dl>
 */
public final class DeviceAllReduce implements AutoCloseable {

    private final List<Device> devices;
    private final ElementType type;
    private final long elements;
    private final Duration timeout;
    private final Lane[] lanes;
    private boolean closed;

    /** What one device has for the chunk that it sums. */
    private final class Lane {
        final int index;
        final Device device;
        final long offset;
        final long bytes;
        final DeviceStream stream;
        final DeviceStream helper;
        final DeviceBuffer sum;
        final DeviceBuffer received;
        final Region slot;
        final PinnedMemory[] pins;
        final DeviceEvent ready;
        final DeviceEvent done;
        final DeviceEvent helped;

        Lane(int index) {
            this.index = index;
            device = devices.get(index);
            Chunk chunk = Chunk.of(index, devices.size(), elements);
            offset = chunk.offset() * type.bytes();
            bytes = chunk.length() * type.bytes();
            stream = device.stream("all-reduce");
            helper = device.stream("all-reduce for others");
            sum = device.allocate("chunk of the all-reduce", bytes);
            received = device.allocate("received chunk of the all-reduce", bytes);
            ready = device.event("gradients are complete");
            done = device.event("chunk is everywhere");
            helped = device.event("others are served");
            boolean all = devices.stream().allMatch(this::reaches);
            slot = Region.allocate("slot of " + device.info(), all ? 0 : bytes);
            // Memory is pinned by each device that copies to or from it.
            pins = new PinnedMemory[devices.size()];
            for (int peer = 0; peer < pins.length && !all; peer++) {
                pins[peer] = devices.get(peer).pin(slot);
            }
        }

        boolean reaches(Device peer) {
            return peer == device || (device.reaches(peer) && peer.reaches(device));
        }

        void close() {
            for (PinnedMemory pin : pins) {
                if (pin != null) {
                    pin.close();
                }
            }
            slot.close();
            List.<DeviceEvent>of(ready, done, helped).forEach(DeviceEvent::close);
            received.close();
            sum.close();
            helper.close();
            stream.close();
        }
    }

    /**
     * Prepares it.
     *
     * @param devices at least one; one device may be there several times, as several
     * @param elements length of each vector
     * @param timeout how long {@link #close} waits for work that is under way
     */
    public DeviceAllReduce(List<Device> devices, ElementType type, long elements, Duration timeout) {
        if (devices.isEmpty()) {
            throw new IllegalArgumentException("an all-reduce among no devices");
        }
        this.devices = List.copyOf(devices);
        this.type = type;
        this.elements = elements;
        this.timeout = timeout;
        List<Lane> made = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
            made.add(new Lane(i));
        }
        lanes = made.toArray(Lane[]::new);
    }

    /**
     * Begins to replace each vector by the sum of all.
     *
     * @param vectors one of each device
     * @param computes the streams that write them, and read the sum afterwards
     */
    public void sum(List<DeviceBuffer> vectors, List<DeviceStream> computes) {
        if (vectors.size() != lanes.length || computes.size() != lanes.length) {
            throw new IllegalArgumentException(
                    lanes.length + " devices, " + vectors.size() + " vectors and " + computes.size() + " streams");
        }
        for (Lane lane : lanes) {
            Bounds.check(vectors.get(lane.index), 0, elements * type.bytes());
            computes.get(lane.index).record(lane.ready);
        }
        for (Lane lane : lanes) {
            for (Lane peer : lanes) {
                lane.stream.waitFor(peer.ready);
                lane.helper.waitFor(peer.ready);
            }
        }
        for (Lane lane : lanes) {
            reduce(lane, vectors);
            spread(lane, vectors);
        }
        for (Lane lane : lanes) {
            lane.helper.record(lane.helped);
        }
        for (DeviceStream compute : computes) {
            for (Lane lane : lanes) {
                compute.waitFor(lane.done);
                compute.waitFor(lane.helped);
            }
        }
    }

    /** Sums the lane's chunk in the order of the devices. */
    private void reduce(Lane lane, List<DeviceBuffer> vectors) {
        GradientKernels kernels = lane.device.kernels();
        long count = lane.bytes / type.bytes();
        for (Lane from : lanes) {
            DeviceBuffer vector = vectors.get(from.index);
            boolean first = from.index == 0;
            if (from == lane && !first) {
                kernels.sum(lane.stream, type, lane.sum, 0, vector, lane.offset, count);
            } else {
                fetch(from, vector, lane, first ? lane.sum : lane.received);
                if (!first) {
                    kernels.sum(lane.stream, type, lane.sum, 0, lane.received, 0, count);
                }
            }
        }
    }

    private static void fetch(Lane from, DeviceBuffer vector, Lane lane, DeviceBuffer into) {
        if (lane.reaches(from.device)) {
            lane.stream.copy(vector, lane.offset, into, 0, lane.bytes);
            return;
        }
        // The slot may still be read by the copy before.
        lane.stream.record(lane.done);
        from.helper.waitFor(lane.done);
        from.helper.copyToHost(vector, lane.offset, lane.pins[from.index], 0, lane.bytes);
        from.helper.record(from.helped);
        lane.stream.waitFor(from.helped);
        lane.stream.copyToDevice(lane.pins[lane.index], 0, into, 0, lane.bytes);
    }

    /** Gives the lane's chunk to all. */
    private void spread(Lane lane, List<DeviceBuffer> vectors) {
        boolean inSlot = false;
        for (Lane to : lanes) {
            DeviceBuffer vector = vectors.get(to.index);
            if (lane.reaches(to.device)) {
                lane.stream.copy(lane.sum, 0, vector, lane.offset, lane.bytes);
                continue;
            }
            if (!inSlot) {
                inSlot = true;
                lane.stream.copyToHost(lane.sum, 0, lane.pins[lane.index], 0, lane.bytes);
                lane.stream.record(lane.done);
            }
            to.helper.waitFor(lane.done);
            to.helper.copyToDevice(lane.pins[to.index], 0, vector, lane.offset, lane.bytes);
        }
        lane.stream.record(lane.done);
    }

    /** Waits for what is under way, and gives the memory back. A second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Lane lane : lanes) {
            lane.stream.await(timeout, "the last all-reduce");
            lane.helper.await(timeout, "the last all-reduce");
        }
        for (Lane lane : lanes) {
            lane.close();
        }
    }
}
