package io.gyre.device;

/** Memory of a device. Offsets and lengths are in bytes. */
public interface DeviceBuffer extends AutoCloseable {

    /** Its purpose, for errors. */
    String name();

    /** The device whose memory it is. */
    Device device();

    /** Its address, from the driver. */
    long address();

    /** Length in bytes. */
    long byteLength();

    /** Frees the memory, unless it is a view. The work that uses it must be done. A second call does nothing. */
    @Override
    void close();
}
