package io.gyre.device;

/** Memory of a device. Offsets and lengths are in bytes. */
public interface DeviceBuffer extends AutoCloseable {

    /** What it is for. */
    String name();

    /** Where it is. */
    Device device();

    /** Where it lies, as the driver says. */
    long address();

    /** Length in bytes. */
    long byteLength();

    /** Frees the memory, unless it is a view. The work that uses it must be done. A second call does nothing. */
    @Override
    void close();
}
