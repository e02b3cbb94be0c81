package io.gyre.device;

import io.gyre.memory.Region;

/** Checks at the edge, so that a wrong offset is an error and not a write to somebody else's memory. */
public final class Bounds {

    private Bounds() {}

    /** Fails unless the stretch lies in the buffer. */
    public static void check(DeviceBuffer buffer, long offset, long byteLength) {
        if (offset < 0 || byteLength < 0 || offset > buffer.byteLength() - byteLength) {
            throw new IndexOutOfBoundsException("device buffer '" + buffer.name() + "' has " + buffer.byteLength()
                    + " bytes; " + byteLength + " bytes from " + offset + " are outside");
        }
    }

    /** Fails unless the stretch lies in the region. */
    public static void check(Region region, long offset, long byteLength) {
        if (offset < 0 || byteLength < 0 || offset > region.byteLength() - byteLength) {
            throw new IndexOutOfBoundsException(region + ": " + byteLength + " bytes from " + offset + " are outside");
        }
    }

    /** Fails unless so many elements lie in the buffer, at a multiple of their size. */
    public static void check(DeviceBuffer buffer, long offset, long count, int elementBytes) {
        if (offset % elementBytes != 0) {
            throw new IllegalArgumentException("device buffer '" + buffer.name() + "': offset " + offset
                    + " is not a multiple of the element's " + elementBytes + " bytes");
        }
        check(buffer, offset, Math.multiplyExact(count, elementBytes));
    }
}
