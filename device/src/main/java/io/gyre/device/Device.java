package io.gyre.device;

import io.gyre.memory.Region;

/**
 * One accelerator, used by the thread that opened it.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The device, and every object it created, is confined to the thread that opened it; calls from other threads
 *       fail. Enqueued work runs later, on the device: see {@link DeviceStream}.
 *   <dt>Ownership
 *   <dd>The caller closes the buffers, streams, events and pins that it creates. Closing the device waits for its work,
 *       closes those left open, and logs their names.
 *   <dt>Failure
 *   <dd>{@link DeviceException}. After {@link DeviceException.Reason#FAILED} or {@link DeviceException.Reason#LOST}
 *       every call except {@code close} fails with the same message.
 * </dl>
 */
public interface Device extends AutoCloseable {

    /** Description of the device. */
    DeviceInfo info();

    /** Memory still available on the device to all processes, in bytes. */
    long freeBytes();

    /**
     * Allocates memory; its contents are undefined.
     *
     * @param name its purpose, for errors
     * @param byteLength may be 0, and beyond 2^31
     */
    DeviceBuffer allocate(String name, long byteLength);

    /**
     * A view of memory on this device that was allocated elsewhere and must outlive the view.
     *
     * @param address as returned by the driver
     */
    DeviceBuffer view(String name, long address, long byteLength);

    /** Creates a queue of work, independent of all others. */
    DeviceStream stream(String name);

    /**
     * A view of a stream that was created elsewhere in this process and must outlive the view.
     *
     * @param handle the driver's handle; 0 for the default stream
     */
    DeviceStream viewStream(String name, long handle);

    /** Creates an event; it counts as done until it is first recorded. */
    DeviceEvent event(String name);

    /**
     * Page-locks host memory, so that the device can copy to and from it while the host continues. The region cannot be
     * closed before the pin.
     */
    PinnedMemory pin(Region memory);

    /** Closes the device, also after a failure. A second call does nothing. */
    @Override
    void close();
}
