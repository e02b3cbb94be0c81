package io.gyre.device;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.time.Duration;
import java.util.List;

/**
 * Looks for NaN and infinities in gradients where they are: 4 bytes cross the link to the host, whatever the length.
 * Nothing is allocated per call.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>That of the device.
 *   <dt>Failure
 *   <dd>{@link DeviceException}; a wait that takes too long names the search.
 * </dl>
 */
public final class FiniteCheck implements AutoCloseable {

    private static final String SEARCH = "the search for NaN and infinities in the gradients";

    private final Device device;
    private final ElementType type;
    private final Duration timeout;
    private final DeviceStream stream;
    private final DeviceEvent complete;
    private final DeviceBuffer flag;
    private final Region result;
    private final PinnedMemory pinned;
    private boolean closed;

    /**
     * Creates a stream, and allocates the flag on the device and on the host.
     *
     * @param device borrowed
     * @param timeout how long a search may take
     */
    public FiniteCheck(Device device, ElementType type, Duration timeout) {
        this.device = device;
        this.type = type;
        this.timeout = timeout;
        stream = device.stream("search for NaN and infinities");
        complete = device.event("gradients can be searched");
        flag = device.allocate("flag of the search", Integer.BYTES);
        result = Region.allocate("flag of the search", Integer.BYTES);
        pinned = device.pin(result);
    }

    /**
     * Whether all elements are finite. Waits for the answer.
     *
     * @param computes the streams that write the gradients; the search follows all work enqueued so far in them
     */
    public boolean isFinite(DeviceBuffer gradients, List<DeviceStream> computes) {
        for (int i = 0; i < computes.size(); i++) {
            computes.get(i).record(complete);
            stream.waitFor(complete);
        }
        stream.clear(flag, 0, Integer.BYTES);
        device.kernels().findNotFinite(stream, type, gradients, flag);
        stream.copyToHost(flag, 0, pinned, 0, Integer.BYTES);
        stream.await(timeout, SEARCH);
        return result.window(0).getInt(result.windowOffset(0)) == 0;
    }

    /** Releases all resources. A second call does nothing. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        stream.await(timeout, SEARCH);
        pinned.close();
        result.close();
        flag.close();
        complete.close();
        stream.close();
    }
}
