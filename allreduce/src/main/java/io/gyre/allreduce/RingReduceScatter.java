package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.Region;

/**
 * Reduce-scatter on a ring: each chunk travels once around the ring, accumulates every rank's contribution, and ends,
 * complete, on the rank with its number. The other chunks are left partially reduced.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>For N ranks and S bytes: N - 1 hops, S(N-1)/N bytes sent and reduced per rank, no extra memory.
 *   <dt>Result
 *   <dd>Contributions to chunk {@code c} are reduced in the order of ranks c+1, c+2, …, c.
 * </dl>
 *
 * @see <a href="https://doi.org/10.1016/j.jpdc.2008.09.002">Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms
 *     for clusters of workstations, JPDC 69(2), 2009</a>
 */
final class RingReduceScatter {

    private final RingPass ring;

    RingReduceScatter(RingPass ring) {
        this.ring = ring;
    }

    void run(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        ring.run("reduce-scatter (ring)", 0, ring.halfway(), data, type, op, step, bucket);
    }
}
