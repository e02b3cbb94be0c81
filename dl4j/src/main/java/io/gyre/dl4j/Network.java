package io.gyre.dl4j;

import io.gyre.training.BucketPlan;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** What Deeplearning4j's two kinds of model have in common, though not by inheritance. */
interface Network extends TrainedModel {

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

    @Override
    Model model();

    /**
     * Layers and vertices with parameters, by the prefix of their parameter names, in the order of the flat vectors.
     */
    Map<String, Trainable> trainables();

    /** The layers in the order of a forward pass; a backward pass takes them in reverse. */
    List<PassedLayer> passedLayers();

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

    /** The updater in use, created if there is none. */
    Updater updater();

    /** Whether the model has no updater, as after {@code MultiLayerNetwork.clear()}, which drops it with its state. */
    boolean lacksUpdater();

    void setUpdater(Updater updater);

    /**
     * Makes an updater as the model configures it, without giving it to the model.
     *
     * @param state of all parameters, as of the model's updater; used, not copied; null if it has none
     */
    BaseMultiLayerUpdater<?> updaterOver(@Nullable INDArray state);

    /** Turns gradient sums into the update to subtract, in place. */
    void applyUpdater(Gradient gradients, int examples, LayerWorkspaceMgr workspaces);

    /** The model's own list, live. */
    List<TrainingListener> listeners();

    /** Gives the model a list of listeners of its own, if it may have that of another: each rank changes its list. */
    default void ownListeners() {}

    void setScore(double score);

    List<NeuralNetConfiguration> configurations();

    /** All layers, in the model's order; in a graph those of its vertices. */
    Layer[] layers();

    @Override
    default RecurrentState recurrentState() {
        return segmentLength() == Segments.NONE ? RecurrentState.none() : RecurrentState.of(layers());
    }

    WorkspaceMode trainingWorkspaceMode();

    @Override
    default void check(boolean divided) {
        ModelChecks.check(this);
        if (divided) {
            ModelChecks.checkDivisible(this);
        }
    }

    @Override
    default ModelLayout layout() {
        return new ModelLayout(this);
    }

    @Override
    default INDArray parameters() {
        return model().params();
    }

    @Override
    default GradientViews gradientViews(BucketPlan plan) {
        return GradientViews.of(this, plan);
    }

    @Override
    default ModelSteps steps(GradientPlace place) {
        return new NetworkSteps(this, place);
    }

    @Override
    default String faultOf(MultiDataSet batch) {
        String lacking = lackingIn(batch);
        return lacking.isEmpty() ? "" : "has no " + lacking;
    }

    @Override
    default int examplesIn(MultiDataSet batch) {
        return Rows.countTrained(batch);
    }

    @Override
    default double score() {
        return model().score();
    }

    @Override
    default void beginEpoch() {
        listeners().forEach(listener -> listener.onEpochStart(model()));
    }

    @Override
    default boolean endEpoch() {
        listeners().forEach(listener -> listener.onEpochEnd(model()));
        return false;
    }

    @Override
    default void export(Path file) {
        ModelExport.write(model(), file);
    }
}
