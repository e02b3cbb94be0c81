package io.gyre.paramserver;

import io.gyre.GyreException;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The push boxes of one shard: for each client on the server's host, memory into which that client puts its gradients
 * and in which the optimiser works on them, so that no gradient is sent. A client without a box, for lack of room,
 * sends its gradients.
 */
final class PushBoxes {

    private static final Logger LOG = LoggerFactory.getLogger(PushBoxes.class);

    private final String shard;
    private final long bytes;
    private final MemoryBudget budget;
    private final ShardTable.Allocator allocator;
    private final Map<Integer, StripedMemory> byRank = new TreeMap<>();

    /**
     * Creates the table without boxes.
     *
     * @param shard that they belong to, for the log
     * @param bytes length of the shard
     * @param budget charged for boxes
     */
    PushBoxes(String shard, long bytes, MemoryBudget budget, ShardTable.Allocator allocator) {
        this.shard = shard;
        this.bytes = bytes;
        this.budget = budget;
        this.allocator = allocator;
    }

    /** Creates a box for a client, if it can map one, has none, and there is room. */
    void add(int rank) {
        String purpose = "pushes of rank " + rank + " to " + shard;
        boolean useful = bytes > 0 && allocator.isNear(rank) && !byRank.containsKey(rank);
        if (!useful || budget.objection(bytes, purpose) != null) {
            return;
        }
        try {
            byRank.put(rank, allocator.allocate(purpose, bytes, true));
            budget.take(bytes);
        } catch (OutOfMemoryError | GyreException e) {
            LOG.warn("no room for {}: they are sent ({})", purpose, e.getMessage());
        }
    }

    /** Name of a client's box; empty if it has none. */
    String name(int rank) {
        StripedMemory box = byRank.get(rank);
        return box == null ? "" : box.box();
    }

    /** A client's box, if it has this name. A restarted worker has a new one. */
    @Nullable StripedMemory find(int rank, String name) {
        StripedMemory box = byRank.get(rank);
        return box != null && box.box().equals(name) ? box : null;
    }

    /** Frees a client's box. */
    void free(int rank) {
        StripedMemory box = byRank.remove(rank);
        if (box != null) {
            free(box);
        }
    }

    void freeAll() {
        byRank.values().forEach(this::free);
        byRank.clear();
    }

    private void free(StripedMemory box) {
        budget.release(bytes);
        allocator.free(box);
    }
}
