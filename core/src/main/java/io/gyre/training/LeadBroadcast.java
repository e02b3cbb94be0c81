package io.gyre.training;

import io.gyre.memory.Region;
import io.gyre.network.Collective;

/** Broadcasts the lead's data to its group. Counts its own calls, so that ranks out of step are detected. */
final class LeadBroadcast {

    /** Bucket number of frames that carry no gradients. */
    private static final int NO_BUCKET = -1;

    private static final int LEAD = 0;

    private final Collective group;
    private long calls;

    /**
     * Prepares it for one rank.
     *
     * @param group borrowed
     */
    LeadBroadcast(Collective group) {
        this.group = group;
    }

    /**
     * Allocates memory from which the group reads without intermediate copies, as long as its collective is open. The
     * group calls it together.
     */
    Region allocate(String name, long byteLength) {
        return group.world().size() == 1
                ? Region.allocate(name, byteLength)
                : group.allocate(name, byteLength).region();
    }

    /** Copies the lead's data to all ranks of the group. */
    void run(Region data) {
        if (group.world().size() > 1) {
            group.broadcast(data, LEAD, calls, NO_BUCKET);
        }
        calls++;
    }
}
