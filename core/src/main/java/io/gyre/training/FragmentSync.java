package io.gyre.training;

import io.gyre.memory.Region;

/**
 * What a synchronisation of ranks that have taken local steps sums over them, and what it makes of the sum. One
 * fragment of the parameters at a time, all ranks the same ones in the same order.
 */
interface FragmentSync {

    /** Allocates memory. All ranks call it together. */
    void start(TrainableModel model);

    /** Called when all ranks have the same parameters: before the first step, and when a sequence of steps begins. */
    default void begin(TrainableModel model) {}

    /**
     * Prepares this rank's part of the sum.
     *
     * @param weight of this rank in the mean; those of all ranks add up to 1
     * @return the part, to be replaced by the sum over all ranks
     */
    Region part(TrainableModel model, Span fragment, double weight);

    /** Uses the sum, which is in the region that {@link #part} has returned. */
    void apply(TrainableModel model, Span fragment);
}
