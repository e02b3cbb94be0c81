package io.gyre.training;

import io.gyre.memory.Region;
import io.gyre.network.Collective;

/** Gives a group what its lead has. Counts its own calls, so that ranks which do not keep step are found out. */
final class LeadBroadcast {

    /** Bucket number that marks frames which carry no gradients. */
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
     * Memory from which the group reads without copies in between, as long as its collective is open. The group calls
     * it together.
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
