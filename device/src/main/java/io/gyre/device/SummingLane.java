package io.gyre.device;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;

/**
 * One device of a group in one process, with its resources to sum a chunk of all devices' vectors, in device order: the
 * result is bit-identical to a sum on the host in that order. Devices with peer access copy directly, others through
 * pinned host memory.
 */
final class SummingLane {

    final int index;
    final Device device;
    final DeviceStream stream;
    final DeviceStream helper;
    final DeviceBuffer sum;
    final DeviceEvent ready;
    final DeviceEvent done;
    final DeviceEvent helped;
    private final DeviceBuffer received;
    private final Region slot;
    private final PinnedMemory[] pins;

    private SummingLane(int index, List<Device> devices, long mostBytes) {
        this.index = index;
        device = devices.get(index);
        stream = device.stream("all-reduce");
        helper = device.stream("all-reduce for others");
        sum = device.allocate("chunk of the all-reduce", mostBytes);
        received = device.allocate("received chunk of the all-reduce", mostBytes);
        ready = device.event("gradients are complete");
        done = device.event("chunk is everywhere");
        helped = device.event("others are served");
        boolean all = devices.stream().allMatch(this::reaches);
        slot = Region.allocate("slot of " + device.info(), all ? 0 : mostBytes);
        // Memory is pinned by each device that copies to or from it.
        pins = new PinnedMemory[devices.size()];
        for (int peer = 0; peer < pins.length && !all; peer++) {
            pins[peer] = devices.get(peer).pin(slot);
        }
    }

    /**
     * Creates a lane for each device.
     *
     * @param devices at least one; a device may be listed several times, as several devices
     * @param mostBytes of a chunk, at most
     */
    static List<SummingLane> of(List<Device> devices, long mostBytes) {
        if (devices.isEmpty()) {
            throw new IllegalArgumentException("an all-reduce among no devices");
        }
        List<SummingLane> lanes = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
            lanes.add(new SummingLane(i, devices, mostBytes));
        }
        return List.copyOf(lanes);
    }

    /** Makes all lanes wait for the work that the devices compute. */
    static void begin(List<SummingLane> lanes, List<DeviceBuffer> vectors, List<DeviceStream> computes, long bytes) {
        if (vectors.size() != lanes.size() || computes.size() != lanes.size()) {
            throw new IllegalArgumentException(
                    lanes.size() + " devices, " + vectors.size() + " vectors and " + computes.size() + " streams");
        }
        for (SummingLane lane : lanes) {
            Bounds.check(vectors.get(lane.index), 0, bytes);
            computes.get(lane.index).record(lane.ready);
        }
        for (SummingLane lane : lanes) {
            for (SummingLane peer : lanes) {
                lane.stream.waitFor(peer.ready);
                lane.helper.waitFor(peer.ready);
            }
        }
    }

    boolean reaches(Device peer) {
        return peer == device || (device.reaches(peer) && peer.reaches(device));
    }

    /** Starts to sum a chunk into the buffer of this lane. */
    void add(List<SummingLane> lanes, List<DeviceBuffer> vectors, ElementType type, long offset, long bytes) {
        GradientKernels kernels = device.kernels();
        long count = bytes / type.bytes();
        for (int i = 0; i < lanes.size(); i++) {
            SummingLane from = lanes.get(i);
            DeviceBuffer vector = vectors.get(i);
            if (from == this && i > 0) {
                kernels.sum(stream, type, sum, 0, vector, offset, count);
            } else {
                fetch(from, vector, offset, bytes, i == 0 ? sum : received);
                if (i > 0) {
                    kernels.sum(stream, type, sum, 0, received, 0, count);
                }
            }
        }
    }

    private void fetch(SummingLane from, DeviceBuffer vector, long offset, long bytes, DeviceBuffer into) {
        if (reaches(from.device)) {
            stream.copy(vector, offset, into, 0, bytes);
            return;
        }
        // The previous copy may still read the slot.
        stream.record(done);
        from.helper.waitFor(done);
        from.helper.copyToHost(vector, offset, pins[from.index], 0, bytes);
        from.helper.record(from.helped);
        stream.waitFor(from.helped);
        stream.copyToDevice(pins[index], 0, into, 0, bytes);
    }

    /** Starts to copy a summed chunk to all devices. */
    void spread(List<SummingLane> lanes, List<DeviceBuffer> vectors, long offset, long bytes) {
        boolean inSlot = false;
        for (SummingLane to : lanes) {
            DeviceBuffer vector = vectors.get(to.index);
            if (reaches(to.device)) {
                stream.copy(sum, 0, vector, offset, bytes);
                continue;
            }
            if (!inSlot) {
                inSlot = true;
                stream.copyToHost(sum, 0, pins[index], 0, bytes);
                stream.record(done);
            }
            to.helper.waitFor(done);
            to.helper.copyToDevice(pins[to.index], 0, vector, offset, bytes);
        }
        stream.record(done);
    }

    void close() {
        for (PinnedMemory pin : pins) {
            if (pin != null) {
                pin.close();
            }
        }
        slot.close();
        helped.close();
        done.close();
        ready.close();
        received.close();
        sum.close();
        helper.close();
        stream.close();
    }
}
