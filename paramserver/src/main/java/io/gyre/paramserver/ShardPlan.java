package io.gyre.paramserver;

import io.gyre.Chunk;
import java.util.function.LongUnaryOperator;

/**
 * How a vector is divided among servers: one contiguous shard for each, in the order of the servers, as equally long as
 * whole cache lines allow, and then as the optimiser of trained parameters requires. It is a function of its components,
 * so all that know them have the same plan.
 *
 * @param elements length of the vector
 * @param servers number of shards, at least 1; with a short vector some are empty
 * @param border see {@link ServerOptimizer.Factory#border}
 */
public record ShardPlan(long elements, int servers, LongUnaryOperator border) {

    /**
     * Unless an optimiser moves a border, two servers never write to the same cache line of a vector that they both map:
     * 64 bytes, of the smallest elements.
     */
    private static final int LINE_ELEMENTS = 16;

    public ShardPlan {
        if (elements < 0) {
            throw new IllegalArgumentException("a vector of " + elements + " elements");
        }
        if (servers < 1) {
            throw new IllegalArgumentException(servers + " servers: at least 1 is needed");
        }
    }

    /** Any border may be between two shards. */
    public ShardPlan(long elements, int servers) {
        this(elements, servers, LongUnaryOperator.identity());
    }

    /** Offset of a shard, in elements; for {@code shard == servers}, the length of the vector. */
    public long offset(int shard) {
        if (shard < 0 || shard > servers) {
            throw new IllegalArgumentException("shard " + shard + " of " + servers);
        }
        long lines = (elements + LINE_ELEMENTS - 1) / LINE_ELEMENTS;
        long even = Math.min(elements, Chunk.offset(shard, servers, lines) * LINE_ELEMENTS);
        return even == 0 || even == elements ? even : border.applyAsLong(even);
    }

    /** Length of a shard in elements. */
    public long length(int shard) {
        return offset(shard + 1) - offset(shard);
    }
}
