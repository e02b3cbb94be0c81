package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.memory.Region;

/** Requirements of all operations on elements. */
final class Elements {

    private Elements() {}

    /** Fails unless the region holds whole elements. */
    static void check(Region data, ElementType type) {
        if (data.byteLength() % type.bytes() != 0 || data.windowOffset(0) % type.bytes() != 0) {
            throw new IllegalArgumentException(data + " does not hold whole elements of " + type + ": its start and its"
                    + " length must be multiples of " + type.bytes() + " bytes");
        }
    }
}
