package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.Region;

/**
 * All-reduce on a ring: the hops of a reduce-scatter, then those of an all-gather, as one pipeline. A chunk starts its
 * second trip while others are still on their first.
 *
 * <dl>
 *   <dt>Cost
 *   <dd>For N ranks and S bytes: 2(N-1) hops and 2S(N-1)/N bytes sent per rank. The number of bytes is minimal; the
 *       number of hops is not, so short vectors use {@link OneShotAllReduce}. No extra memory.
 *   <dt>Result
 *   <dd>In place, and bit-identical on every rank: each chunk is reduced once, in ring order, then copied.
 * </dl>
 *
 * @see <a href="https://doi.org/10.1016/j.jpdc.2008.09.002">Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms
 *     for clusters of workstations, JPDC 69(2), 2009</a>
 */
final class RingAllReduce {

    private final RingPass ring;

    RingAllReduce(RingPass ring) {
        this.ring = ring;
    }

    void run(Region data, ElementType type, ReduceOp op, long step, int bucket) {
        ring.run("all-reduce (ring)", 0, 2 * ring.halfway(), data, type, op, step, bucket);
    }
}
