package io.gyre.allreduce;

import io.gyre.Collective;
import io.gyre.Endpoint;
import io.gyre.kernels.FastKernels;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Picks the collectives that suit a network. */
public final class Collectives {

    private static final Logger LOG = LoggerFactory.getLogger(Collectives.class);

    private Collectives() {}

    /**
     * The fastest collectives for where the ranks are: in shared memory if all of them share it, in shared memory and on rings
     * between hosts if every host has as many, else on a ring of messages. All ranks call it together; the choice is logged.
     *
     * @param endpoint borrowed, not closed
     */
    public static Collective choose(Endpoint endpoint) {
        int rank = endpoint.member(endpoint.world().rank()).rank();
        int size = endpoint.world().size();
        List<Integer> near = endpoint.boxes().ranks();
        if (size > 1 && near.size() == size) {
            LOG.info("rank {}: collectives in shared memory, because all {} ranks share it", rank, size);
            return new DirectCollective(endpoint);
        }
        RingCollective ring = new RingCollective(endpoint);
        if (size == 1) {
            return ring;
        }
        Hosts hosts = Hosts.of(endpoint, ring);
        int each = hosts.ranksEach();
        if (each > 1) {
            LOG.info(
                    "rank {}: collectives in shared memory and on rings between hosts: {} hosts have {} ranks each",
                    rank,
                    hosts.ranksByHost().size(),
                    each);
            return new HierarchicalCollective(endpoint, hosts, FastKernels.choose());
        }
        LOG.info(
                "rank {}: collectives by messages on a ring, because ranks share memory so: {}",
                rank,
                hosts.ranksByHost());
        return ring;
    }
}
