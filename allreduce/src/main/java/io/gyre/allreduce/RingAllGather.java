package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.Region;

/**
 * All-gather on a ring: each rank's chunk travels once around the ring, and every rank on its way copies it.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>For N ranks and S bytes: N - 1 hops, S(N-1)/N bytes sent per rank, no extra memory.
 * </dl>
 *
 * @see <a href="https://doi.org/10.1016/j.jpdc.2008.09.002">Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms
 *     for clusters of workstations, JPDC 69(2), 2009</a>
 */
final class RingAllGather {

    private final RingPass ring;

    RingAllGather(RingPass ring) {
        this.ring = ring;
    }

    void run(Region data, ElementType type, long step, int bucket) {
        int start = ring.halfway();
        ReduceOp unused = ReduceOp.SUM;
        ring.run("all-gather (ring)", start, 2 * start, data, type, unused, step, bucket);
    }
}
