package io.gyre.device;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import java.time.Duration;
import java.util.List;

/**
 * All-reduce among all devices of all ranks: first among the devices of each process, then among ranks by a host
 * collective, then back to all devices. Buckets are pipelined: while ranks reduce one, the next is copied to the host
 * and the previous one back.
 *
 * <dl>
 *   <dt>Result
 *   <dd>Bit-identical on every device of every rank. Ranks may own different numbers of devices.
 *   <dt>Cost
 *   <dd>For S bytes the ranks exchange as much as if each had one device, and each process copies S bytes to the host
 *       and S back if its devices have peer access.
 *   <dt>Threading
 *   <dd>All devices belong to the calling thread. All ranks call it together; {@link #sum} blocks until the ranks have
 *   reduced.
 *   <dt>Failure
 *   <dd>The failures of the collective, and {@link DeviceException}.
 * </dl>
 */
public final class HierarchicalDeviceAllReduce implements AutoCloseable {

    private final Collective ranks;
    private final ElementType type;
    private final BucketPlan plan;
    private final MemoryBox box;
    private final List<Region> parts;
    private final StagedGroup group;
    private boolean closed;

    /**
     * Creates it. All ranks do so together, with the same type and plan.
     *
     * @param devices of this process, at least one; borrowed
     * @param ranks borrowed
     * @param timeout how long a copy may take
     */
    public HierarchicalDeviceAllReduce(
            List<Device> devices, Collective ranks, ElementType type, BucketPlan plan, Duration timeout) {
        this.ranks = ranks;
        this.type = type;
        this.plan = plan;
        box = ranks.allocate("gradients of devices", plan.elements() * type.bytes());
        parts = plan.buckets().stream()
                .map(bucket -> box.region().slice(bucket.offset() * type.bytes(), bucket.length() * type.bytes()))
                .toList();
        group = new StagedGroup(devices, box.region(), type, plan, timeout);
    }

    /**
     * Replaces the vector of each device by the sum over all devices of all ranks.
     *
     * @param vectors one per device of this process
     * @param computes the streams that write them, and read the sum afterwards
     */
    public void sum(List<DeviceBuffer> vectors, List<DeviceStream> computes, long step) {
        group.begin(vectors, computes);
        for (Bucket bucket : plan.buckets()) {
            group.await(bucket.index());
            ranks.allReduce(parts.get(bucket.index()), type, ReduceOp.SUM, step, bucket.index());
            group.copyBack(bucket.index());
        }
        group.end(computes);
    }

    /** Waits for pending work, and frees the memory. A second call does nothing. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            group.close();
            box.close();
        }
    }
}
