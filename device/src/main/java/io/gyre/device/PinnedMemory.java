package io.gyre.device;

import io.gyre.memory.Region;

/** Host memory that a device can access as long as this is open. */
public interface PinnedMemory extends AutoCloseable {

    /** The memory. */
    Region region();

    /** Unpins the memory without closing it. The work that uses it must be done. A second call does nothing. */
    @Override
    void close();
}
