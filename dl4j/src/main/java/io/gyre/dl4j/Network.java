package io.gyre.dl4j;

import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** What Deeplearning4j's two kinds of model have in common, but not by inheritance. */
interface Network {

    /** The model's view as a network; fails for other kinds, and for one that is not initialised. */
    static Network of(Model model) {
        if (model instanceof MultiLayerNetwork layers) {
            checkInitialised(layers.isInitCalled());
            return new LayeredNetwork(layers);
        }
        if (model instanceof ComputationGraph graph) {
            checkInitialised(graph.getVertices() != null);
            return new GraphNetwork(graph);
        }
        throw new IllegalArgumentException("a model of " + model.getClass().getName()
                + ": only MultiLayerNetwork and ComputationGraph can be trained");
    }

    private static void checkInitialised(boolean initialised) {
        if (!initialised) {
            throw new IllegalArgumentException(
                    "the model is not initialised: call init() before it is given to a trainer");
        }
    }

    Model model();

    /**
     * Layers and vertices with parameters, by the prefix of their parameters' names, in the order of the flat vectors.
     */
    Map<String, Trainable> trainables();

    /** All gradients; live, and never null. */
    INDArray gradients();

    /**
     * Makes the model keep its gradients elsewhere.
     *
     * @param gradients of the length, shape and order of {@link #gradients}; its contents are kept
     */
    void moveGradients(INDArray gradients);

    /** Hooks for its backward passes. The same object for every call. */
    BackwardHooks hooks();

    /** What the model needs to train on a batch and the batch lacks, in words; empty if nothing. */
    String lackingIn(MultiDataSet batch);

    /**
     * Forward and backward pass; leaves the sums of the gradients over the batch, and returns the model's own score of
     * it.
     */
    double backward(MultiDataSet batch);

    /**
     * Shows what a step without examples leaves: a batch of 0 rows, where listeners look for the last batch, and the
     * gradients.
     *
     * @param gradients by parameter
     */
    void showNoExamples(Gradient gradients);

    /** The layers whose activations are the model's outputs. */
    List<Layer> lastLayers();

    /**
     * Whether the model's score is a sum over the examples: with {@code miniBatch(false)}, unless its output layer
     * divides anyway.
     */
    default boolean sumsScore() {
        return lastLayers().stream().allMatch(OutputScore::isSum);
    }

    /** What l1, l2 and weight decay add to the score. */
    double regularisation();

    /** Drops what a pass left in the layers: inputs, masks, noise. */
    void clearPass();

    /** The updater in use, created if there is none. */
    Updater updater();

    /** Whether the model has no updater, as after {@code MultiLayerNetwork.clear()}, which drops it with its state. */
    boolean lacksUpdater();

    void setUpdater(Updater updater);

    /** Turns gradient sums into the update that is to be subtracted, in place. */
    void applyUpdater(Gradient gradients, int examples, LayerWorkspaceMgr workspaces);

    /** The model's own list. */
    List<TrainingListener> listeners();

    int step();

    int epoch();

    void setProgress(int step, int epoch);

    void setScore(double score);

    List<NeuralNetConfiguration> configurations();

    BackpropType backpropType();

    WorkspaceMode trainingWorkspaceMode();

    String configurationJson();

    /** Inference: the activations of each output. */
    INDArray[] output(MultiDataSet batch);
}
