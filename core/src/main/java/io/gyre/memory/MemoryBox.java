package io.gyre.memory;

/**
 * Memory that several ranks may have mapped at the same time: what one writes, all see. See {@link MemoryBoxes}.
 *
 * <dl>
 *   <dt>Ownership
 *   <dd>Every rank closes what it created or attached. The memory is freed when the last of them has: what a peer has
 *       mapped stays valid for it, even if the rank that created it is lost.
 *   <dt>Ordering
 *   <dd>None by itself: ranks agree on who may access what, and hand over with counters in acquire and release order.
 * </dl>
 */
public interface MemoryBox extends AutoCloseable {

    /** Its name, unique among the boxes of the rank that created it. */
    String name();

    /** The memory; valid until this box is closed. */
    Region region();

    /** Creates zeroed memory that this rank does not share. */
    static MemoryBox ofOneRank(String name, long byteLength) {
        return new PrivateBox(name, Region.allocate(name, byteLength));
    }

    /**
     * Frees the memory. A second call does nothing.
     *
     * @throws IllegalStateException naming the operation that is using it
     */
    @Override
    void close();
}
