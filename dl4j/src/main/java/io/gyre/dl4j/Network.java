package io.gyre.dl4j;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
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

/** What Deeplearning4j's two kinds of model have in common, though not by inheritance. */
interface Network {

    /** Returns a view of the model as a network; fails for other kinds, and for a model that is not initialised. */
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
     * Layers and vertices with parameters, by the prefix of their parameter names, in the order of the flat vectors.
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

    /** Hooks for its backward passes. Every call returns the same object. */
    BackwardHooks hooks();

    /** Describes what the model needs for training and the batch lacks; empty if nothing. */
    String lackingIn(MultiDataSet batch);

    /** Forward and backward pass. Leaves the gradients summed over the batch, and returns the model's own score. */
    double backward(MultiDataSet batch);

    /**
     * Makes a step without examples visible to listeners: a last batch of 0 rows, and the gradients.
     *
     * @param gradients by parameter
     */
    void showNoExamples(Gradient gradients);

    /** All layers; a graph's other vertices have none. */
    Stream<Layer> layers();

    /** The layers whose activations are the model's outputs. */
    List<Layer> lastLayers();

    /**
     * Whether the model's score is a sum over the examples: with {@code miniBatch(false)}, unless its output layer
     * divides regardless.
     */
    default boolean sumsScore() {
        return lastLayers().stream().allMatch(OutputScore::isSum);
    }

    /** What l1, l2 and weight decay add to the score. */
    double regularisation();

    /** Clears what a pass left in the layers: inputs, masks, noise. */
    void clearPass();

    /** The updater in use, created if there is none. */
    Updater updater();

    /** Whether the model has no updater, as after {@code MultiLayerNetwork.clear()}, which drops it with its state. */
    boolean lacksUpdater();

    void setUpdater(Updater updater);

    /** Turns gradient sums into the update to subtract, in place. */
    void applyUpdater(Gradient gradients, int examples, LayerWorkspaceMgr workspaces);

    /** The model's own list, live. */
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
