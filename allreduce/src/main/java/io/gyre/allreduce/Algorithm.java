package io.gyre.allreduce;

import java.util.Locale;

/** How the ranks of a world combine their vectors. */
public enum Algorithm {
    /** What suits the world: see {@link Collectives#choose(io.gyre.network.Endpoint)}. */
    AUTO,
    /** In shared memory, without messages: {@link DirectCollective}. All ranks share memory. */
    DIRECT,
    /**
     * In shared memory inside hosts, on rings between them: {@link HierarchicalCollective}. All hosts have as many
     * ranks.
     */
    HIERARCHICAL,
    /** By messages on a ring: {@link RingCollective}. */
    RING;

    /** As command lines spell it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
