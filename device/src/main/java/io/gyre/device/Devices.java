package io.gyre.device;

import java.util.List;

/**
 * The accelerators that this process can reach through one driver.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Any thread may list and open devices; an opened device is confined to its thread, see {@link Device}.
 *   <dt>Ownership
 *   <dd>Closing this closes no device: the caller that opened a device closes it.
 * </dl>
 */
public interface Devices extends AutoCloseable {

    /** Name of the driver, for logs, such as {@code CUDA driver 12.4}. */
    String name();

    /** All devices, by ordinal. */
    List<DeviceInfo> list();

    /** Whether a kernel or copy of one device can access the memory of another without the host. */
    boolean peerAccess(int from, int to);

    /**
     * Opens a device for the calling thread. A thread may open several devices, and one device several times.
     *
     * @param ordinal from 0
     * @throws IllegalArgumentException if there is no such device
     * @throws DeviceException if the driver fails
     */
    Device open(int ordinal);

    /** Releases the driver. A second call does nothing. */
    @Override
    void close();
}
