package io.gyre.device;

import io.gyre.Bucket;
import io.gyre.BucketPlan;
import io.gyre.ElementType;
import io.gyre.Region;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Takes gradients from a device to the host memory where ranks combine them, bucket by bucket, and back.
 *
 * <pre>{@code
 * staged.begin(gradients, compute);       // all buckets begin to leave, in the order of the plan
 * staged.awaitHost(offset, length);       // ... of one bucket
 * collective.allReduce(...);              // while the next ones are on their way
 * staged.giveBack(offset, length);        // begins to return
 * staged.end(compute);                    // what compute does from now on sees the result
 * }</pre>
 *
 * <p>Leaving and returning have a stream each, so both directions of the link work at once. The host memory is pinned: the device
 * reads and writes it itself, and nobody copies a second time. Nothing is allocated after the first step.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The device's.
 *   <dt>Failure
 *   <dd>{@link DeviceException}; a wait that takes too long names the bucket.
 * </dl>
 */
public final class StagedGradients implements AutoCloseable {

    private final BucketPlan plan;
    private final int elementBytes;
    private final Duration timeout;
    private final PinnedMemory host;
    private final DeviceStream leaving;
    private final DeviceStream returning;
    private final DeviceEvent complete;
    private final DeviceEvent returned;
    private final List<DeviceEvent> arrived = new ArrayList<>();
    private final List<String> names = new ArrayList<>();
    private final boolean[] begun;
    private final boolean[] here;
    private DeviceBuffer gradients;
    private long bytesReturned;
    private boolean open;
    private boolean closed;

    /**
     * Prepares it: pins the memory, and creates two streams and an event for each bucket.
     *
     * @param device borrowed
     * @param host as long as the gradients; borrowed, and not to be closed before this
     * @param timeout how long a copy may take
     */
    public StagedGradients(Device device, Region host, ElementType type, BucketPlan plan, Duration timeout) {
        elementBytes = type.bytes();
        if (host.byteLength() != plan.elements() * elementBytes) {
            throw new IllegalArgumentException(host + " is not as long as " + plan.elements() + " elements of " + type);
        }
        this.plan = plan;
        this.timeout = timeout;
        this.host = device.pin(host);
        leaving = device.stream("gradients to the host");
        returning = device.stream("gradients to the device");
        complete = device.event("gradients are complete");
        returned = device.event("gradients are back");
        for (Bucket bucket : plan.buckets()) {
            arrived.add(device.event("bucket " + bucket.index() + " is on the host"));
            names.add("the copy of bucket " + bucket.index() + " to the host");
        }
        begun = new boolean[arrived.size()];
        here = new boolean[arrived.size()];
        gradients = NONE;
    }

    /**
     * Begins a step: lets all buckets leave that {@link #beginBucket} has not sent off before.
     *
     * @param vector the gradients; stays valid until {@link #end} and what follows there
     * @param compute the stream that writes them
     */
    public void begin(DeviceBuffer vector, DeviceStream compute) {
        for (int i = 0; i < begun.length; i++) {
            if (!begun[i]) {
                beginBucket(vector, compute, i);
            }
        }
    }

    /** Lets one bucket leave, as soon as what {@code compute} has been given until now is done: during the backward pass. */
    public void beginBucket(DeviceBuffer vector, DeviceStream compute, int index) {
        Bounds.check(vector, 0, host.region().byteLength());
        if (!open) {
            open = true;
            bytesReturned = 0;
            gradients = vector;
            // The host memory still holds what returns from the step before.
            leaving.waitFor(returned);
        }
        Bucket bucket = plan.buckets().get(index);
        compute.record(complete);
        leaving.waitFor(complete);
        long offset = bucket.offset() * elementBytes;
        leaving.copyToHost(vector, offset, host, offset, bucket.length() * elementBytes);
        leaving.record(arrived.get(index));
        begun[index] = true;
    }

    /** The memory on the host. */
    public Region region() {
        return host.region();
    }

    /** Waits until a part of the gradients is on the host. */
    public void awaitHost(long byteOffset, long byteLength) {
        List<Bucket> buckets = plan.buckets();
        for (int i = 0; i < here.length; i++) {
            long start = buckets.get(i).offset() * elementBytes;
            long end = start + buckets.get(i).length() * elementBytes;
            if (!here[i] && start < byteOffset + byteLength && byteOffset < end) {
                if (!begun[i]) {
                    throw new IllegalStateException(names.get(i) + " has not begun");
                }
                arrived.get(i).await(timeout, names.get(i));
                here[i] = true;
            }
        }
    }

    /** Begins to copy a part back to the device. Each byte at most once in a step. */
    public void giveBack(long byteOffset, long byteLength) {
        returning.copyToDevice(host, byteOffset, gradients, byteOffset, byteLength);
        bytesReturned += byteLength;
    }

    /** Whether a step has begun and not ended. */
    public boolean isOpen() {
        return open;
    }

    /**
     * Ends the step: all that was not given back returns now. Does not wait; {@code compute} will.
     *
     * @param compute the stream that reads them
     */
    public void end(DeviceStream compute) {
        if (!open) {
            throw new IllegalStateException("no gradients have left the device");
        }
        long whole = host.region().byteLength();
        awaitHost(0, whole);
        if (bytesReturned == 0) {
            giveBack(0, whole);
        } else if (bytesReturned != whole) {
            throw new IllegalStateException(
                    bytesReturned + " of " + whole + " bytes of gradients were given back: all or none");
        }
        returning.record(returned);
        compute.waitFor(returned);
        Arrays.fill(begun, false);
        Arrays.fill(here, false);
        open = false;
    }

    /** Waits for the copies, and gives back what was prepared. A second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        leaving.await(timeout, "the last copy of gradients to the host");
        returning.await(timeout, "the last copy of gradients to the device");
        arrived.forEach(DeviceEvent::close);
        returned.close();
        complete.close();
        returning.close();
        leaving.close();
        host.close();
    }

    /** Before the first step. */
    private static final DeviceBuffer NONE = new DeviceBuffer() {
        @Override
        public String name() {
            return "none";
        }

        @Override
        public long address() {
            return 0;
        }

        @Override
        public long byteLength() {
            return 0;
        }

        @Override
        public void close() {
            // There is nothing.
        }
    };
}
