package io.gyre.device;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Sums gradients over all devices of a process on their way to the host, and copies the result back to all devices,
 * bucket by bucket: to other ranks the devices are one. The code that reduces buckets on the host, an all-reduce or any
 * strategy, does not know of devices: this is the level below ranks.
 *
 * <pre>{@code
 * group.begin(vectors, streams);
 * for each bucket: group.await(bucket); collective.allReduce(...); group.copyBack(bucket);
 * group.end(streams);
 * }</pre>
 *
 * <p>Of each bucket every device sums one chunk, in device order, and copies it to the host: each byte of the sum
 * crosses the link to the host once in each direction. It then copies its chunk of the result to the other devices,
 * directly if they have peer access; otherwise they copy from the host as well. Nothing is allocated after the first
 * step.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>All devices belong to the calling thread.
 *   <dt>Ownership
 *   <dd>Devices and memory are borrowed. Each device needs memory for two chunks of the largest bucket.
 *   <dt>Failure
 *   <dd>{@link DeviceException}; a wait that takes too long names the bucket.
 * </dl>
 */
public final class StagedGroup implements AutoCloseable {

    private final BucketPlan plan;
    private final ElementType type;
    private final Duration timeout;
    private final List<SummingLane> lanes;
    private final List<Way> ways = new ArrayList<>();
    private final boolean[] givenBack;
    private List<DeviceBuffer> vectors = List.of();
    private boolean closed;

    /** A device's resources for the copies to the host and back. */
    private final class Way {
        final SummingLane lane;
        final PinnedMemory host;
        final DeviceStream returning;
        final DeviceEvent returned;
        final List<DeviceEvent> arrived = new ArrayList<>();

        Way(SummingLane lane, Region region) {
            this.lane = lane;
            host = lane.device.pin(region);
            returning = lane.device.stream("gradients to the device");
            returned = lane.device.event("gradients are back");
            for (Bucket bucket : plan.buckets()) {
                arrived.add(lane.device.event("bucket " + bucket.index() + " is on the host"));
            }
        }

        void close() {
            arrived.forEach(DeviceEvent::close);
            returned.close();
            returning.close();
            host.close();
        }
    }

    /**
     * Allocates the buffers.
     *
     * @param devices at least one; a device may be listed several times, as several devices
     * @param host as long as each device's gradients; must not be closed before this
     * @param timeout how long a copy may take
     */
    public StagedGroup(List<Device> devices, Region host, ElementType type, BucketPlan plan, Duration timeout) {
        if (host.byteLength() != plan.elements() * type.bytes()) {
            throw new IllegalArgumentException(host + " is not as long as " + plan.elements() + " elements of " + type);
        }
        this.plan = plan;
        this.type = type;
        this.timeout = timeout;
        long most = 0;
        for (Bucket bucket : plan.buckets()) {
            most = Math.max(most, (bucket.length() + devices.size() - 1) / Math.max(1, devices.size()));
        }
        lanes = SummingLane.of(devices, most * type.bytes());
        for (SummingLane lane : lanes) {
            ways.add(new Way(lane, host));
        }
        givenBack = new boolean[plan.buckets().size()];
    }

    private long offset(Bucket bucket, SummingLane lane) {
        return (bucket.offset() + Chunk.offset(lane.index, lanes.size(), bucket.length())) * type.bytes();
    }

    private long bytes(Bucket bucket, SummingLane lane) {
        long end = Chunk.offset(lane.index + 1, lanes.size(), bucket.length());
        return (end - Chunk.offset(lane.index, lanes.size(), bucket.length())) * type.bytes();
    }

    /**
     * Begins a step: starts to sum all buckets and copy them to the host. Does not wait.
     *
     * @param ofDevices the gradients of each device; must stay valid until the work that {@link #end} enqueues is done
     * @param computes the streams that write them
     */
    public void begin(List<DeviceBuffer> ofDevices, List<DeviceStream> computes) {
        // The streams have waited for the copies back of the previous step, so the lanes wait for them too.
        SummingLane.begin(lanes, ofDevices, computes, plan.elements() * type.bytes());
        vectors = ofDevices;
        for (Bucket bucket : plan.buckets()) {
            for (Way way : ways) {
                leave(bucket, way);
            }
        }
    }

    private void leave(Bucket bucket, Way way) {
        SummingLane lane = way.lane;
        long offset = offset(bucket, lane);
        long bytes = bytes(bucket, lane);
        if (bytes > 0 && lanes.size() == 1) {
            lane.stream.copyToHost(vectors.get(0), offset, way.host, offset, bytes);
        } else if (bytes > 0) {
            lane.add(lanes, vectors, type, offset, bytes);
            lane.stream.copyToHost(lane.sum, 0, way.host, offset, bytes);
        }
        lane.stream.record(way.arrived.get(bucket.index()));
    }

    /** Waits until the sum of a bucket is on the host. */
    public void await(int bucket) {
        if (vectors.isEmpty()) {
            throw new IllegalStateException(StagedGradients.describe(bucket) + " has not begun");
        }
        for (int i = 0; i < ways.size(); i++) {
            ways.get(i).arrived.get(bucket).await(timeout, StagedGradients.describe(bucket));
        }
    }

    /** Starts to copy a bucket back to all devices; once per step, after {@link #await}. */
    public void copyBack(int index) {
        if (givenBack[index]) {
            throw new IllegalStateException("bucket " + index + " was given back before in this step");
        }
        givenBack[index] = true;
        Bucket bucket = plan.buckets().get(index);
        for (Way way : ways) {
            long offset = offset(bucket, way.lane);
            long bytes = bytes(bucket, way.lane);
            if (bytes > 0) {
                copyBack(way, offset, bytes);
            }
        }
        for (Way way : ways) {
            way.returning.record(way.returned);
        }
    }

    private void copyBack(Way way, long offset, long bytes) {
        DeviceBuffer own = vectors.get(way.lane.index);
        way.returning.copyToDevice(way.host, offset, own, offset, bytes);
        for (Way other : ways) {
            DeviceBuffer vector = vectors.get(other.lane.index);
            if (other == way) {
                continue;
            }
            if (way.lane.reaches(other.lane.device)) {
                way.returning.copy(own, offset, vector, offset, bytes);
            } else {
                other.returning.copyToDevice(other.host, offset, vector, offset, bytes);
            }
        }
    }

    /**
     * Ends the step, once all buckets were copied back. Does not wait; {@code computes} will.
     *
     * @param computes the streams that read the result
     */
    public void end(List<DeviceStream> computes) {
        if (vectors.isEmpty()) {
            throw new IllegalStateException("no gradients have left the devices");
        }
        for (int i = 0; i < givenBack.length; i++) {
            if (!givenBack[i]) {
                throw new IllegalStateException("bucket " + i + " was not given back");
            }
        }
        for (int i = 0; i < computes.size(); i++) {
            for (int j = 0; j < ways.size(); j++) {
                computes.get(i).waitFor(ways.get(j).returned);
            }
        }
        Arrays.fill(givenBack, false);
        vectors = List.of();
    }

    /** Waits for pending work, and frees the memory. A second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Way way : ways) {
            way.lane.stream.await(timeout, "the last copy of gradients to the host");
            way.lane.helper.await(timeout, "the last copies for others");
            way.returning.await(timeout, "the last copy of gradients to the device");
        }
        ways.forEach(Way::close);
        lanes.forEach(SummingLane::close);
    }
}
