package io.gyre.paramserver;

import io.gyre.memory.MemoryBox;
import io.gyre.memory.MemoryBoxes;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.session.Session;
import java.util.HashMap;
import java.util.Map;

/** Allocates a server's shards, in memory boxes if there are ranks to share them with. Used by the service's thread. */
final class BoxAllocator implements ShardTable.Allocator, StripeLocks.Guard {

    private final Session session;
    private final Endpoint endpoint;
    private final boolean shares;
    private final Activity activity = new Activity();
    private final Map<StripedMemory, MemoryBox> boxes = new HashMap<>();

    /**
     * Creates an allocator without allocations.
     *
     * @param endpoint of the service's thread, which waits for locks with it
     */
    BoxAllocator(Session session, Endpoint endpoint) {
        this(session, endpoint, true);
    }

    /**
     * Creates an allocator without allocations.
     *
     * @param shares whether memory is shared with clients at all
     */
    BoxAllocator(Session session, Endpoint endpoint, boolean shares) {
        this.shares = shares;
        this.session = session;
        this.endpoint = endpoint;
        activity.begin("waiting for a stripe of a shard", 0, -1, 0);
    }

    @Override
    public StripedMemory allocate(String purpose, long bytes, boolean shared) {
        long whole = StripedMemory.wholeBytes(bytes);
        int own = session.world().rank();
        MemoryBoxes neighbours = session.endpoint().boxes();
        if (!shared || !shares || neighbours.ranks().size() == 1) {
            return new StripedMemory(Region.allocate(purpose, whole), bytes, "", own, this);
        }
        MemoryBox box = neighbours.create(neighbours.newName("parameters"), whole);
        // Held until the end: whoever closes the session first must not unmap it from under the service's thread.
        box.region().enter("the parameter service");
        StripedMemory memory = new StripedMemory(box.region(), bytes, box.name(), own, this);
        boxes.put(memory, box);
        return memory;
    }

    @Override
    public boolean isNear(int rank) {
        MemoryBoxes neighbours = session.endpoint().boxes();
        return shares && neighbours.ranks().size() > 1 && neighbours.ranks().contains(rank);
    }

    @Override
    public void free(StripedMemory memory) {
        MemoryBox box = boxes.remove(memory);
        if (box != null) {
            box.region().exit();
            box.close();
        }
    }

    /** Ends the use of all boxes, which the session then closes. */
    void exitAll() {
        boxes.values().forEach(box -> box.region().exit());
        boxes.clear();
    }

    @Override
    public void pause() {
        endpoint.await(0, activity);
    }

    @Override
    public boolean hasEnded(int rank) {
        return session.hasEnded(rank);
    }

    @Override
    public int incarnation(int rank) {
        return session.incarnation(rank);
    }
}
