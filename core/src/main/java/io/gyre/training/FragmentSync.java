package io.gyre.training;

import io.gyre.memory.Region;
import java.util.List;

/**
 * What a synchronisation of ranks that have taken local steps sums over them, and what it makes of the sum. One
 * fragment of the parameters at a time, all ranks the same ones in the same order.
 */
interface FragmentSync {

    /** Allocates memory. All ranks call it together. */
    void start(TrainableModel model);

    /** Called when all ranks have the same parameters: before the first step, and when a sequence of steps begins. */
    default void begin(TrainableModel model) {}

    /** Memory besides the parameters with the same content on all ranks, between two synchronisations. */
    default List<Region> common() {
        return List.of();
    }

    /** Memory with this rank's content, from {@link #prepare} to {@link #apply}, if these are not in one step. */
    default List<Region> own() {
        return List.of();
    }

    /**
     * Prepares this rank's part of the sum.
     *
     * @param weight of this rank in the mean; those of all ranks add up to 1
     */
    void prepare(TrainableModel model, Span fragment, double weight);

    /** The part that was prepared, to be replaced by the sum over all ranks. */
    Region part(TrainableModel model, Span fragment);

    /** Uses the sum, which is in {@link #part}. */
    void apply(TrainableModel model, Span fragment);
}
