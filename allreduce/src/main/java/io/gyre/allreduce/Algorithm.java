package io.gyre.allreduce;

import java.util.Locale;

/** How the ranks of a world reduce their vectors. */
public enum Algorithm {
    /** The best for the world: see {@link Collectives#choose(io.gyre.network.Endpoint)}. */
    AUTO,
    /** Shared memory, no messages: {@link DirectCollective}. All ranks must share memory. */
    DIRECT,
    /**
     * Shared memory inside hosts, rings between them: {@link HierarchicalCollective}. All hosts must have the same
     * number of ranks.
     */
    HIERARCHICAL,
    /** Messages on a ring: {@link RingCollective}. */
    RING;

    /**
     * The algorithm of a name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Algorithm of(String name) {
        for (Algorithm algorithm : values()) {
            if (algorithm.toString().equals(name)) {
                return algorithm;
            }
        }
        throw new IllegalArgumentException("algorithm '" + name + "' is unknown");
    }

    /** The name on command lines. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
