package io.gyre.device;

import io.gyre.memory.Region;

/**
 * One accelerator, as the thread that opened it uses it.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The device, and all that it made, belong to the thread that opened it; calls from others fail. What is enqueued
 *       runs later, on the device: see {@link DeviceStream}.
 *   <dt>Ownership
 *   <dd>Whoever asked for a buffer, stream, event or pin closes it. Closing the device waits for its work, closes what
 *       was forgotten, and logs the names of that.
 *   <dt>Failure
 *   <dd>{@link DeviceException}. After {@link DeviceException.Reason#FAILED} or {@link DeviceException.Reason#LOST}
 *       every call but {@code close} fails with the same words.
 * </dl>
 */
public interface Device extends AutoCloseable {

    /** What it is. */
    DeviceInfo info();

    /** Memory that can still be allocated, in bytes, by all processes together. */
    long freeBytes();

    /**
     * Allocates memory; its contents are whatever was there.
     *
     * @param name what it is for, as errors shall call it
     * @param byteLength may be 0, and beyond 2^31
     */
    DeviceBuffer allocate(String name, long byteLength);

    /**
     * Memory on this device that somebody else has allocated, and keeps until the view is closed.
     *
     * @param address as the driver gave it
     */
    DeviceBuffer view(String name, long address, long byteLength);

    /** Creates a queue of work that waits for no other. */
    DeviceStream stream(String name);

    /**
     * A stream of somebody else in this process, who keeps it until the view is closed.
     *
     * @param handle the driver's; 0 for the default stream
     */
    DeviceStream viewStream(String name, long handle);

    /** Creates an event; it counts as reached until it is first recorded. */
    DeviceEvent event(String name);

    /**
     * Locks host memory in place, so that the device can copy to and from it while the host goes on. Until it is closed
     * the region cannot be.
     */
    PinnedMemory pin(Region memory);

    /** Arithmetic on this device. The same object each time. */
    GradientKernels kernels();

    /**
     * Looks for other implementations of {@link #kernels}, and measures them beside the usual ones. From now on one is
     * used for the operations and lengths at which it was faster, if its results are the same bits. Takes part of a
     * second, and waits for the device. Nothing is changed without this.
     *
     * @return what was chosen and why, in one line
     */
    String tuneKernels();

    /** Whether copies between this device and another go without the host. */
    boolean reaches(Device peer);

    /** Ends the use of the device, also after a failure. A second call does nothing. */
    @Override
    void close();
}
