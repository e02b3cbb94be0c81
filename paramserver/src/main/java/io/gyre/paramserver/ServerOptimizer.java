package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.memory.Region;

/**
 * Turns pushed gradients into new parameters, on the server that holds them. One instance per shard, with that shard's
 * state, used by one thread at a time.
 */
@FunctionalInterface
public interface ServerOptimizer {

    /**
     * Applies one update, in place.
     *
     * @param parameters the shard
     * @param gradient mean gradient, as long as the shard; may be overwritten
     * @param update number of the update, from 0, for schedules and bias corrections
     * @param epoch number of the pass over the data of the most advanced worker
     * @param part fraction of the learning rate for this update, above 0 and at most 1
     */
    void update(Region parameters, Region gradient, long update, int epoch, double part);

    /**
     * Copies one of the {@link Factory#slots}, between two updates.
     *
     * @param into as long as the shard
     */
    default void readSlot(int slot, Region into) {
        throw new UnsupportedOperationException("this optimiser has no slot " + slot);
    }

    /** Replaces one of the {@link Factory#slots}, between two updates. */
    default void writeSlot(int slot, Region from) {
        throw new UnsupportedOperationException("this optimiser has no slot " + slot);
    }

    /** Creates the optimiser of a shard. */
    @FunctionalInterface
    interface Factory {

        /**
         * Called on the server's thread.
         *
         * @param offset of the shard in the whole vector, in elements
         * @param length of the shard in elements
         */
        ServerOptimizer create(ElementType type, long offset, long length);

        /**
         * Number of slots: vectors of state with one element for each parameter, such as the moments of Adam.
         * Checkpoints contain them. Default: none; a state that is in no slot begins anew when a run is resumed.
         */
        default int slots() {
            return 0;
        }

        /**
         * Moves a border between two shards to a place where this optimiser lets the vector be divided. Clients and
         * servers call it with equal optimisers. Default: every place.
         *
         * @param offset inside the vector, in elements
         * @return inside the vector or an end of it; not less than for a smaller offset
         */
        default long border(long offset) {
            return offset;
        }
    }
}
