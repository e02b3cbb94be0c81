package io.gyre.device;

import java.time.Duration;

/**
 * A queue of copies and kernels, which the device works off in order while the host goes on. Work in different streams
 * has no order but what events give it.
 *
 * <p>Memory that enqueued work uses must stay as it is, and open, until the work is done.
 */
public interface DeviceStream extends AutoCloseable {

    /** The device that works it off. */
    Device device();

    /** The driver's handle. */
    long handle();

    /** Copies to the host. */
    void copyToHost(DeviceBuffer from, long fromOffset, PinnedMemory to, long toOffset, long byteLength);

    /** Copies from the host. */
    void copyToDevice(PinnedMemory from, long fromOffset, DeviceBuffer to, long toOffset, long byteLength);

    /** Copies between stretches that do not overlap: inside this stream's device, to another, or from another. */
    void copy(DeviceBuffer from, long fromOffset, DeviceBuffer to, long toOffset, long byteLength);

    /** Sets bytes to zero. */
    void clear(DeviceBuffer buffer, long offset, long byteLength);

    /** Puts an event of this device at the end of what is enqueued now. */
    void record(DeviceEvent event);

    /** Lets what is enqueued from now on wait for an event, of any device, as it was last recorded. */
    void waitFor(DeviceEvent event);

    /** Whether all that was enqueued is done. */
    boolean isDone();

    /**
     * Waits until all that was enqueued is done.
     *
     * @param what the work that is waited for, as the error shall say
     * @throws DeviceException with {@link DeviceException.Reason#TIMEOUT} if it takes longer
     */
    void await(Duration timeout, String what);

    /** Ends the stream once its work is done, unless it is a view. A second call does nothing. */
    @Override
    void close();
}
