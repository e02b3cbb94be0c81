package io.gyre.device;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Copies gradients from a device to the host memory where ranks reduce them, bucket by bucket, and back. This is the
 * side of the thread that computes them; {@link StagedExchange} is the side of the thread that reduces them, which may
 * be another.
 *
 * <pre>{@code
 * staged.beginBucket(gradients, streams, 0);   // leaves once the streams have come here: during the backward pass
 * ...                                          exchange.await(0); collective.allReduce(...); exchange.copyBack(0);
 * staged.begin(gradients, streams);            // all that have not left yet
 * ...                                          exchange.await(1); ...
 * staged.end(streams);                         // what the streams do from now on sees the result
 * }</pre>
 *
 * <p>Each copy direction has its own stream, so both directions of the link work concurrently with each other and with
 * computation. The host memory is pinned: the device accesses it directly, without a second copy. Nothing is allocated
 * after the first step.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>That of the device. The hand-over of a begun bucket to the other side, and of the end of all copies back to
 *       this one, must establish happens-before: by a semaphore or a queue.
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
    private final DeviceEvent complete;
    private final List<DeviceEvent> arrived = new ArrayList<>();
    private final boolean[] begun;
    private volatile @Nullable StagedExchange exchange;
    private @Nullable DeviceBuffer gradients;
    private boolean closed;

    /**
     * Pins the memory, and creates a stream and an event for each bucket.
     *
     * @param device borrowed
     * @param host as long as the gradients; borrowed, and must not be closed before this
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
        complete = device.event("gradients are complete");
        for (Bucket bucket : plan.buckets()) {
            arrived.add(device.event("bucket " + bucket.index() + " is on the host"));
        }
        begun = new boolean[arrived.size()];
    }

    /**
     * Creates an exchange for the calling thread, which reduces the gradients. There may be several; in a step one of
     * them handles all buckets. Close it after the last {@link #end}.
     *
     * @param device the same GPU as this one's, opened by the calling thread; borrowed
     */
    public StagedExchange exchange(Device device) {
        return new StagedExchange(this, device);
    }

    /**
     * Starts the copies of all buckets that {@link #beginBucket} has not started yet.
     *
     * @param vector the gradients; must stay valid until the work that {@link #end} enqueues is done
     * @param computes the streams that write them
     */
    public void begin(DeviceBuffer vector, List<DeviceStream> computes) {
        for (int i = 0; i < begun.length; i++) {
            if (!begun[i]) {
                beginBucket(vector, computes, i);
            }
        }
    }

    /**
     * Starts the copy of one bucket, ordered after all work enqueued so far in {@code computes}: during the backward
     * pass.
     */
    public void beginBucket(DeviceBuffer vector, List<DeviceStream> computes, int index) {
        if (begun[index]) {
            throw new IllegalStateException(describe(index) + " has begun before in this step");
        }
        Bucket bucket = plan.buckets().get(index);
        copyToHost(vector, computes, bucket.offset() * elementBytes, bucket.length() * elementBytes);
        leaving.record(arrived.get(index));
        gradients = vector;
        begun[index] = true;
    }

    /**
     * Copies a part to the host and waits for it, outside any step, for inspection.
     *
     * @param computes the streams that write it
     */
    public void fetch(DeviceBuffer vector, List<DeviceStream> computes, long byteOffset, long byteLength) {
        copyToHost(vector, computes, byteOffset, byteLength);
        leaving.await(timeout, "a copy of gradients to the host");
    }

    private void copyToHost(DeviceBuffer vector, List<DeviceStream> computes, long byteOffset, long byteLength) {
        // The streams have waited for the copies back of the previous step, so this waits for them too.
        for (int i = 0; i < computes.size(); i++) {
            computes.get(i).record(complete);
            leaving.waitFor(complete);
        }
        leaving.copyToHost(vector, byteOffset, host, byteOffset, byteLength);
    }

    /** The memory on the host. */
    public Region region() {
        return host.region();
    }

    /** How the gradients are divided into buckets. */
    public BucketPlan plan() {
        return plan;
    }

    int elementBytes() {
        return elementBytes;
    }

    Duration timeout() {
        return timeout;
    }

    /** Records which exchange has copied a bucket back; called by that side. */
    void copiedBackBy(StagedExchange side) {
        exchange = side;
    }

    static String describe(int bucket) {
        return "the copy of bucket " + bucket + " to the host";
    }

    /** The event after which a bucket is on the host; fails if its copy was not started. */
    DeviceEvent arrived(int bucket) {
        if (!begun[bucket]) {
            throw new IllegalStateException(describe(bucket) + " has not begun");
        }
        return arrived.get(bucket);
    }

    /** The vector of this step. */
    DeviceBuffer gradients() {
        DeviceBuffer known = gradients;
        if (known == null) {
            throw new IllegalStateException("no gradients have left the device");
        }
        return known;
    }

    /**
     * Ends the step, once all buckets were copied back. Does not wait; {@code computes} will.
     *
     * @param computes the streams that read them
     */
    public void end(List<DeviceStream> computes) {
        StagedExchange known = exchange;
        if (known == null || gradients == null) {
            throw new IllegalStateException("no gradients have left the device");
        }
        known.endStep();
        for (int i = 0; i < computes.size(); i++) {
            computes.get(i).waitFor(known.returned());
        }
        Arrays.fill(begun, false);
        gradients = null;
    }

    /** Waits for the copies, and releases all resources. Close the other side first. A second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        leaving.await(timeout, "the last copy of gradients to the host");
        arrived.forEach(DeviceEvent::close);
        complete.close();
        leaving.close();
        host.close();
    }
}
