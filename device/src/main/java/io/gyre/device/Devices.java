package io.gyre.device;

import java.util.List;

/**
 * The accelerators that this process can reach through one driver.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Any thread may ask what there is and open a device; what it opened is its own, see {@link Device}.
 *   <dt>Ownership
 *   <dd>Closing this closes no device: whoever opened one closes it.
 * </dl>
 */
public interface Devices extends AutoCloseable {

    /** What drives them, for logs: {@code CUDA driver 12.4}. */
    String name();

    /** All of them, by ordinal. */
    List<DeviceInfo> list();

    /** Whether a kernel or copy of one device can reach the memory of another without the host. */
    boolean peerAccess(int from, int to);

    /**
     * Opens a device for the calling thread. Several may be opened by one thread, and one several times.
     *
     * @param ordinal from 0
     * @throws IllegalArgumentException if there is no such device
     * @throws DeviceException if the driver refuses
     */
    Device open(int ordinal);

    /** Gives the driver back. A second call does nothing. */
    @Override
    void close();
}
