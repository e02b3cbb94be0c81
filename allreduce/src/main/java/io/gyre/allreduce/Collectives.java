package io.gyre.allreduce;

import io.gyre.kernel.GradientCodec;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.openblas.FastKernels;
import java.util.List;
import org.jspecify.annotations.Nullable;
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

    /** As {@link #choose(Endpoint, Algorithm, GradientCodec)}, without a codec. */
    public static Collective choose(Endpoint endpoint, Algorithm algorithm) {
        return choose(endpoint, algorithm, null);
    }

    /**
     * Creates the collectives of one rank. All ranks call it together, with the same algorithm.
     *
     * @param endpoint borrowed, not closed
     * @param codec of the gradients, the sums of floats, that are sent in messages; what ranks reduce in shared memory
     *     is not encoded. Used by this rank only; null if gradients are sent as they are
     * @throws IllegalArgumentException if the ranks do not share memory as the algorithm requires
     */
    public static Collective choose(Endpoint endpoint, Algorithm algorithm, @Nullable GradientCodec codec) {
        return switch (algorithm) {
            case AUTO -> suiting(endpoint, codec);
            case DIRECT -> direct(endpoint, codec);
            case HIERARCHICAL -> hierarchical(endpoint, Hosts.of(endpoint, new RingCollective(endpoint)), codec);
            case RING -> byMessages(endpoint, codec);
        };
    }

    private static Collective suiting(Endpoint endpoint, @Nullable GradientCodec codec) {
        int size = endpoint.world().size();
        List<Integer> near = endpoint.boxes().ranks();
        if (size > 1 && near.size() == size) {
            logChoice(endpoint, "collectives in shared memory, because all {} ranks share it", size);
            return direct(endpoint, codec);
        }
        RingCollective ring = new RingCollective(endpoint);
        if (size == 1) {
            return ring;
        }
        Hosts hosts = Hosts.of(endpoint, ring);
        if (hosts.ranksEach() > 1) {
            logChoice(
                    endpoint,
                    "collectives in shared memory and {} between hosts: {} hosts have {} ranks each",
                    way(codec, "on rings"),
                    hosts.ranksByHost().size(),
                    hosts.ranksEach());
            return hierarchical(endpoint, hosts, codec);
        }
        logChoice(
                endpoint,
                "collectives by messages {}, because these ranks share memory: {}",
                way(codec, "on a ring"),
                hosts.ranksByHost());
        return codec == null ? ring : byMessages(endpoint, codec);
    }

    private static String way(@Nullable GradientCodec codec, String without) {
        return codec == null ? without : "with gradients in " + codec.name() + " to their owners and back";
    }

    private static Collective byMessages(Endpoint endpoint, @Nullable GradientCodec codec) {
        return codec == null ? new RingCollective(endpoint) : new CompressedCollective(endpoint, codec);
    }

    private static Collective direct(Endpoint endpoint, @Nullable GradientCodec codec) {
        if (codec != null) {
            logChoice(endpoint, "gradients are not encoded in {}: all ranks share memory", codec.name());
        }
        return new DirectCollective(endpoint);
    }

    /** Logs the choice, on the root of the run or of the group only. */
    private static void logChoice(Endpoint endpoint, String choice, Object... values) {
        if (endpoint.world().isRoot()) {
            LOG.info(choice, values);
        }
    }

    private static Collective hierarchical(Endpoint endpoint, Hosts hosts, @Nullable GradientCodec codec) {
        if (hosts.ranksEach() == 0) {
            throw new IllegalArgumentException("rank " + endpoint.world().rank()
                    + ": the hierarchical algorithm needs as many ranks on every host, and these ranks share memory: "
                    + hosts.ranksByHost() + ". Use auto or ring");
        }
        return new HierarchicalCollective(endpoint, hosts, FastKernels.choose(), codec);
    }
}
