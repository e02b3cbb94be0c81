package io.gyre.device;

import java.time.Duration;

/**
 * A queue of copies, which the device executes in order while the host continues. Work in different streams is ordered
 * only by events.
 *
 * <p>Memory that enqueued work uses must stay unchanged and open until the work is done.
 */
public interface DeviceStream extends AutoCloseable {

    /** The device that executes it. */
    Device device();

    /** The driver's handle. */
    long handle();

    /** Copies to the host. */
    void copyToHost(DeviceBuffer from, long fromOffset, PinnedMemory to, long toOffset, long byteLength);

    /** Copies from the host. */
    void copyToDevice(PinnedMemory from, long fromOffset, DeviceBuffer to, long toOffset, long byteLength);

    /** Copies between ranges of this stream's device that do not overlap. */
    void copy(DeviceBuffer from, long fromOffset, DeviceBuffer to, long toOffset, long byteLength);

    /** Sets bytes to zero. */
    void clear(DeviceBuffer buffer, long offset, long byteLength);

    /** Records an event of this device after all work enqueued so far. */
    void record(DeviceEvent event);

    /** Makes all work enqueued from now on wait for an event, of any device, as it was last recorded. */
    void waitFor(DeviceEvent event);

    /** Whether all enqueued work is done. */
    boolean isDone();

    /**
     * Waits until all enqueued work is done.
     *
     * @param what the awaited work, for the error
     * @throws DeviceException with {@link DeviceException.Reason#TIMEOUT} if it takes longer
     */
    void await(Duration timeout, String what);

    /** Closes the stream, which is released once its work is done, unless it is a view. A second call does nothing. */
    @Override
    void close();
}
