package io.gyre.dl4j;

import io.gyre.training.BucketPlan;
import java.nio.file.Path;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * A model as its trainer needs it, whatever its kind: vectors, steps, counters, listeners, outputs and a file.
 *
 * <p>Confined to the thread that trains. The model itself is borrowed.
 */
interface TrainedModel extends AutoCloseable {

    /**
     * Returns a model of any kind as a trainer needs it.
     *
     * @param model a {@code MultiLayerNetwork}, {@code ComputationGraph} or {@code SameDiff}
     * @throws IllegalArgumentException if it is not initialised, or cannot be trained
     */
    static TrainedModel of(Object model) {
        if (model instanceof Model network) {
            return Network.of(network);
        }
        return SameDiffModel.attach((SameDiff) model);
    }

    /** The user's object, which is locked while it computes, as {@code fit} does. */
    Object model();

    /**
     * Rejects what one exchange of gradients per step cannot train correctly.
     *
     * @param divided whether batches are divided, among ranks or micro-batches
     */
    void check(boolean divided);

    /** How its vectors are arranged. */
    ModelLayout layout();

    /** All parameters; live. */
    INDArray parameters();

    /**
     * The array in which it keeps {@link #parameters}: the same object in every call, and with the same buffer, until
     * they move. That of a graph is another than the one that it returns.
     */
    default INDArray parameterVector() {
        return parameters();
    }

    /** All gradients; live, and never null. */
    INDArray gradients();

    /**
     * Makes the model keep its gradients elsewhere.
     *
     * @param gradients of the length, shape and order of {@link #gradients}; its contents are kept
     */
    void moveGradients(INDArray gradients);

    /** Splits the gradients, and clears them. */
    GradientViews gradientViews(BucketPlan plan);

    /**
     * Its steps, for one replica.
     *
     * @param place of its gradients; borrowed
     */
    ModelSteps steps(GradientPlace place);

    /** What is wrong with a batch, as the rest of a sentence that begins with the batch; empty if nothing. */
    String faultOf(MultiDataSet batch);

    /** The number of examples that a batch counts for: that by which the gradient's sum is divided. */
    int examplesIn(MultiDataSet batch);

    /** The score after the last step. */
    double score();

    int step();

    int epoch();

    void setProgress(int step, int epoch);

    /** Notifies the model's listeners that a call of {@code fit} begins. */
    default void beginCall() {}

    /** Notifies the model's listeners that a call of {@code fit} ends. */
    default void endCall() {}

    /** Notifies the model's listeners. */
    void beginEpoch();

    /** Notifies the model's listeners; returns whether one wants to stop. */
    boolean endEpoch();

    /** As text in JSON, for comparison. */
    String configurationJson();

    /** Steps of time of a segment of truncated backpropagation; {@link Segments#NONE} without it. */
    default int segmentLength() {
        return Segments.NONE;
    }

    /** What the model carries from segment to segment. */
    default RecurrentState recurrentState() {
        return RecurrentState.none();
    }

    /** Inference: the activations of each output; of a segment, continued from the recurrent state. */
    INDArray[] output(MultiDataSet batch);

    /** Clears what a pass left in the model. */
    void clearPass();

    /** Writes the model, with its updater's state, as its own kind of file. Replaces a file atomically. */
    void export(Path file);

    /** Gives the model back as it was, with its present values. A second call does nothing. */
    @Override
    default void close() {}
}
