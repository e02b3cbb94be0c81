package io.gyre.device;

import io.gyre.ElementType;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The sum of the gradients of several passes, in memory of the device that computes them. All work runs in the first of
 * the streams that compute, in order with the others, and nothing waits for it.
 *
 * <p>Sums element by element, in the order of the calls: the result is bit-identical to a sum on the host in that
 * order.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>That of the device.
 *   <dt>Ownership
 *   <dd>The device is borrowed. Its memory for the sum, as long as the gradients, is allocated by the first {@link
 *       #start}; nothing is allocated later.
 * </dl>
 */
public final class GradientSum implements AutoCloseable {

    private final Device device;
    private final ElementType type;
    private final Duration timeout;
    private final DeviceEvent complete;
    private final DeviceEvent summed;
    private @Nullable DeviceBuffer sum;
    private boolean closed;

    /**
     * Creates the events.
     *
     * @param timeout how long {@link #close} waits for pending work
     */
    public GradientSum(Device device, ElementType type, Duration timeout) {
        this.device = device;
        this.type = type;
        this.timeout = timeout;
        complete = device.event("gradients of a pass are complete");
        summed = device.event("gradients of a pass are summed");
    }

    /**
     * Replaces the sum with the gradients of a pass.
     *
     * @param gradients whole, and equally long in each call
     * @param computes the streams that write them and will write them again; at least one
     */
    public void start(DeviceBuffer gradients, List<DeviceStream> computes) {
        DeviceBuffer target = sum;
        if (target == null) {
            target = device.allocate("sum of the passes' gradients", gradients.byteLength());
            sum = target;
        }
        DeviceStream first = join(computes);
        first.copy(gradients, 0, target, 0, gradients.byteLength());
        fork(computes);
    }

    /** Adds the gradients of a pass to the sum. */
    public void add(DeviceBuffer gradients, List<DeviceStream> computes) {
        DeviceStream first = join(computes);
        long count = gradients.byteLength() / type.bytes();
        device.kernels().sum(first, type, started(), 0, gradients, 0, count);
        fork(computes);
    }

    /** Adds a part of the sum to the same part of the gradients. */
    public void addTo(DeviceBuffer gradients, List<DeviceStream> computes, long byteOffset, long byteLength) {
        DeviceStream first = join(computes);
        long count = byteLength / type.bytes();
        device.kernels().sum(first, type, gradients, byteOffset, started(), byteOffset, count);
        fork(computes);
    }

    private DeviceBuffer started() {
        DeviceBuffer known = sum;
        if (known == null) {
            throw new IllegalStateException("no pass has started the sum");
        }
        return known;
    }

    /** Makes the first stream wait for the others. */
    private DeviceStream join(List<DeviceStream> computes) {
        DeviceStream first = computes.get(0);
        for (int i = 1; i < computes.size(); i++) {
            computes.get(i).record(complete);
            first.waitFor(complete);
        }
        return first;
    }

    /** Makes the other streams wait for the first. */
    private void fork(List<DeviceStream> computes) {
        computes.get(0).record(summed);
        for (int i = 1; i < computes.size(); i++) {
            computes.get(i).waitFor(summed);
        }
    }

    /** Waits for pending work, and frees the memory. A second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        summed.await(timeout, "the sum of the passes' gradients");
        if (sum != null) {
            sum.close();
        }
        summed.close();
        complete.close();
    }
}
