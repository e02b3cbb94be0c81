package io.gyre.training;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.memory.Region;
import java.util.List;

/**
 * One rank's replica of a model, as an update strategy sees it: named vectors in memory.
 *
 * <p>The regions are live: writing to them changes the model. They do not move while the model is attached.
 */
public interface TrainableModel {

    /** Type of all elements. */
    ElementType elementType();

    /** Gradients, in the order of the layers: sums over examples until {@link #averageGradients}. */
    Region gradients();

    /** How {@link #gradients} is divided. */
    BucketPlan bucketPlan();

    /** The parameters, in the same order. */
    Region parameters();

    /**
     * The parts of {@link #parameters} that are statistics of the data, such as running means, ascending: they follow
     * the data, and descend along no gradient.
     */
    default List<Span> statistics() {
        return List.of();
    }

    /** Number of passes over the data so far. */
    int epoch();

    /** The complete state of the replica: parameters, updater state. The same number and lengths on all ranks. */
    List<Region> state();

    /**
     * Turns the reduced gradients into new parameters, by the model's own updater.
     *
     * @param total the reports of the ranks whose gradients were reduced
     */
    void update(StepSummary total);

    /**
     * The first half of {@link #update}, for one chunk: turns its reduced gradients into the update, in place, with the
     * bits that {@link #update} would give them. What the other gradients hold afterwards is undefined.
     *
     * @param total the reports of the ranks whose gradients were reduced
     */
    default void computeUpdate(StepSummary total, Chunk chunk) {
        throw new UnsupportedOperationException("the update of this model cannot be divided");
    }

    /** The second half of {@link #update}: applies the update that {@link #gradients} hold, to all parameters. */
    default void applyUpdate() {
        throw new UnsupportedOperationException("the update of this model cannot be divided");
    }

    /** Whether the ranks that divide the update have one copy of {@link #parameters}, in memory that they share. */
    default boolean sharesParameters() {
        return false;
    }

    /**
     * {@link #update} of one chunk of parameters that ranks share, each a chunk of its own: in place.
     *
     * @param total the reports of the ranks whose gradients were reduced
     * @param meeting waits for the other ranks that share them. Called when nobody in this process reads the parameters
     *     any more, and when this chunk is updated
     */
    default void updateShared(StepSummary total, Chunk chunk, Runnable meeting) {
        throw new UnsupportedOperationException("the parameters of this model cannot be shared");
    }

    /**
     * Prepares the reduced gradients for an updater elsewhere: turns them into means, and clips them as the model is
     * configured.
     *
     * @param total the reports of the ranks whose gradients were reduced
     */
    void averageGradients(StepSummary total);
}
