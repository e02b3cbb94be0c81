package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.memory.Region;

/**
 * What turns pushed gradients into new parameters, on the server that holds them. One instance per shard, with that
 * shard's memory of earlier gradients, used by one thread at a time.
 */
@FunctionalInterface
public interface ServerOptimizer {

    /**
     * Applies one update, in place.
     *
     * @param parameters the shard
     * @param gradient mean gradient, as long as the shard; may be overwritten
     * @param update number of the update, from 0: what schedules and bias corrections count
     * @param epoch pass over the data of the worker that is farthest
     * @param part of the learning rate that this update is worth, above 0 and at most 1
     */
    void update(Region parameters, Region gradient, long update, int epoch, double part);

    /** Makes the optimiser of a shard. */
    @FunctionalInterface
    interface Factory {

        /**
         * Called on the server's thread.
         *
         * @param offset where in the whole vector the shard begins, in elements
         * @param length of the shard in elements
         */
        ServerOptimizer create(ElementType type, long offset, long length);
    }
}
