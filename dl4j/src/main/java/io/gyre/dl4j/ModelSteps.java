package io.gyre.dl4j;

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

    /** Sets the score, notifies the listeners and counts the step. */
    void end(StepSummary total, GradientViews gradients);

    /** The updater's state as one flat vector; null if it has none. A new learning rate may move it. */
    @Nullable INDArray updaterState();
}
