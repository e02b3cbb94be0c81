package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.training.GradientProgress;
import io.gyre.training.StepSummary;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * The step of a model in parts, each as the model's own {@code fit} computes it: the pass, the updater, and the end.
 * {@link Replica} has their order.
 */
interface ModelSteps {

    /** Called before each pass: undoes what the program may have done to the updater between steps. */
    void keepUpdater();

    /**
     * Computes the gradients of a batch.
     *
     * @param batch null for none: the gradients are zero
     * @param progress notified how much of them is complete; null for none
     * @return mean loss over the batch, including regularisation unless the model's score is a sum; 0 if there is no
     *     batch
     */
    double backward(@Nullable MultiDataSet batch, @Nullable GradientProgress progress, GradientViews gradients);

    /** Clips gradients, which are means, as the model is configured. */
    void clip(GradientViews gradients);

    /**
     * Turns the reduced gradients into the update, in place, and applies it to the parameters.
     *
     * @param examples behind them
     */
    void update(GradientViews gradients, long examples);

    /**
     * The first half of {@link #update}, for one chunk, with the same bits: turns its reduced gradients into the
     * update, in place. What the other gradients hold afterwards is undefined.
     */
    default void computeUpdate(GradientViews gradients, long examples, Chunk chunk) {
        throw new UnsupportedOperationException("the update of this model cannot be divided");
    }

    /** The second half of {@link #update}: applies the update that the gradients hold. */
    default void applyUpdate(GradientViews gradients) {
        throw new UnsupportedOperationException("the update of this model cannot be divided");
    }

    /**
     * {@link #update} of one chunk of parameters that ranks share, with the same bits. What the other gradients hold
     * afterwards is undefined.
     */
    default void updateShared(GradientViews gradients, long examples, Chunk chunk) {
        throw new UnsupportedOperationException("the parameters of this model cannot be shared");
    }

    /**
     * From now on ranks divide the update, and keep the updater's state in memory that they share, also after a new
     * learning rate.
     *
     * @param sharedState of the length of the updater's state, with its values; null if it has none. Stays open until
     *     {@link #endDividing}
     */
    default void beginDividing(@Nullable INDArray sharedState) {
        throw new UnsupportedOperationException("the update of this model cannot be divided");
    }

    /** Moves the updater's state back to memory of the model's own. Does nothing if ranks do not divide the update. */
    default void endDividing() {}

    /** The learning rates of the present step; null unless ranks divide the update, each with its own. */
    default @Nullable ReplicaPart learningRates() {
        return null;
    }

    /** Sets the score, notifies the listeners and counts the step. */
    void end(StepSummary total, GradientViews gradients);

    /** The updater's state as one flat vector; null if it has none. A new learning rate may move it. */
    @Nullable INDArray updaterState();
}
