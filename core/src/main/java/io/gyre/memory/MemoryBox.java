package io.gyre.memory;

/**
 * A stretch of memory that several ranks may have mapped at the same time: what one writes, all see. See {@link
 * MemoryBoxes}.
 *
 * <dl>
 *   <dt>Ownership
 *   <dd>Every rank closes what it created or attached. The memory is given back when the last of them has: what a peer
 *       has mapped stays valid for it, also if the rank that created it dies.
 *   <dt>Ordering
 *   <dd>None by itself: ranks agree on who may touch what, and hand over with counters in acquire and release order.
 * </dl>
 */
public interface MemoryBox extends AutoCloseable {

    /** What it is called; unique among the boxes of the rank that created it. */
    String name();

    /** The memory. It ends with this box. */
    Region region();

    /** Zeroed memory that this rank shares with nobody. */
    static MemoryBox ofOneRank(String name, long byteLength) {
        return new PrivateBox(name, Region.allocate(name, byteLength));
    }

    /**
     * Gives the memory back. A second call does nothing.
     *
     * @throws IllegalStateException if an operation is using it, which is named
     */
    @Override
    void close();
}
