package io.gyre.training;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.util.List;

/**
 * One rank's replica of a model, as an update strategy sees it: named vectors in memory.
 *
 * <p>The regions are live: writing to them changes the model. They stay at their place while the model is attached.
 */
public interface TrainableModel {

    /** Type of all elements. */
    ElementType elementType();

    /** Gradients, in the order of the layers: sums over examples until {@link #averageGradients}. */
    Region gradients();

    /** How {@link #gradients} is cut. */
    BucketPlan bucketPlan();

    /** The parameters, in the same order. */
    Region parameters();

    /** Passes over the data so far. */
    int epoch();

    /**
     * What a rank must have to be this replica: parameters, updater state. The same number and lengths on all ranks.
     */
    List<Region> state();

    /**
     * Turns the reduced gradients into new parameters, by the model's own updater.
     *
     * @param total what the ranks brought whose gradients were reduced
     */
    void update(StepSummary total);

    /**
     * Makes the reduced gradients ready for an updater elsewhere: they become means, and are clipped as the model wants
     * it.
     *
     * @param total what the ranks brought whose gradients were reduced
     */
    void averageGradients(StepSummary total);
}
