package io.gyre.device;

import io.gyre.memory.Region;

/** Bounds checks at the API boundary: a wrong offset is an error instead of a write to other memory. */
public final class Bounds {

    private Bounds() {}

    /** Fails unless the range is within the buffer. */
    public static void check(DeviceBuffer buffer, long offset, long byteLength) {
        if (offset < 0 || byteLength < 0 || offset > buffer.byteLength() - byteLength) {
            throw new IndexOutOfBoundsException("device buffer '" + buffer.name() + "' has " + buffer.byteLength()
                    + " bytes; " + byteLength + " bytes from " + offset + " are outside");
        }
    }

    /** Fails unless the range is within the region. */
    public static void check(Region region, long offset, long byteLength) {
        if (offset < 0 || byteLength < 0 || offset > region.byteLength() - byteLength) {
            throw new IndexOutOfBoundsException(region + ": " + byteLength + " bytes from " + offset + " are outside");
        }
    }
}
