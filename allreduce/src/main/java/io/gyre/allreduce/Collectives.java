package io.gyre.allreduce;

import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.openblas.FastKernels;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses the collectives for a network. */
public final class Collectives {

    private static final Logger LOG = LoggerFactory.getLogger(Collectives.class);

    private Collectives() {}

    /**
     * Returns the fastest collectives for the placement of the ranks: shared memory if all ranks share it; shared
     * memory and rings between hosts if every host has the same number of ranks; otherwise a ring of messages. All
     * ranks call it together. The choice is logged.
     *
     * @param endpoint borrowed, not closed
     */
    public static Collective choose(Endpoint endpoint) {
        return choose(endpoint, Algorithm.AUTO);
    }

    /**
     * Creates the collectives of one rank. All ranks call it together, with the same algorithm.
     *
     * @param endpoint borrowed, not closed
     * @throws IllegalArgumentException if the ranks do not share memory as the algorithm requires
     */
    public static Collective choose(Endpoint endpoint, Algorithm algorithm) {
        return switch (algorithm) {
            case AUTO -> suiting(endpoint);
            case DIRECT -> new DirectCollective(endpoint);
            case HIERARCHICAL -> hierarchical(endpoint, Hosts.of(endpoint, new RingCollective(endpoint)));
            case RING -> new RingCollective(endpoint);
        };
    }

    private static Collective suiting(Endpoint endpoint) {
        int size = endpoint.world().size();
        List<Integer> near = endpoint.boxes().ranks();
        if (size > 1 && near.size() == size) {
            logChoice(endpoint, "collectives in shared memory, because all {} ranks share it", size);
            return new DirectCollective(endpoint);
        }
        RingCollective ring = new RingCollective(endpoint);
        if (size == 1) {
            return ring;
        }
        Hosts hosts = Hosts.of(endpoint, ring);
        if (hosts.ranksEach() > 1) {
            logChoice(
                    endpoint,
                    "collectives in shared memory and on rings between hosts: {} hosts have {} ranks each",
                    hosts.ranksByHost().size(),
                    hosts.ranksEach());
            return hierarchical(endpoint, hosts);
        }
        logChoice(
                endpoint,
                "collectives by messages on a ring, because these ranks share memory: {}",
                hosts.ranksByHost());
        return ring;
    }

    /** Logs the choice, on the root of the run or of the group only. */
    private static void logChoice(Endpoint endpoint, String choice, Object... values) {
        if (endpoint.world().isRoot()) {
            LOG.info(choice, values);
        }
    }

    private static Collective hierarchical(Endpoint endpoint, Hosts hosts) {
        if (hosts.ranksEach() == 0) {
            throw new IllegalArgumentException("rank " + endpoint.world().rank()
                    + ": the hierarchical algorithm needs as many ranks on every host, and these ranks share memory: "
                    + hosts.ranksByHost() + ". Use auto or ring");
        }
        return new HierarchicalCollective(endpoint, hosts, FastKernels.choose());
    }
}
