package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.impl.FrozenVertex;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** A {@link ComputationGraph}. */
final class GraphNetwork implements Network {

    private static final HiddenField PARAMETERS = HiddenField.of(ComputationGraph.class, "flattenedParams");
    private static final HiddenField GRADIENT = HiddenField.of(ComputationGraph.class, "gradient");
    private static final HiddenField LISTENERS = HiddenField.of(ComputationGraph.class, "trainingListeners");

    private final ComputationGraph model;
    private final BackwardHooks hooks;

    GraphNetwork(ComputationGraph model) {
        this.model = model;
        hooks = new ProxyHooks<>(
                new ProxyHooks.Parts<>(
                        model::getVertices,
                        model::topologicalSortOrder,
                        GraphVertex::numParams,
                        GraphNetwork::mayBeProxy,
                        "doBackward"),
                this::listeners);
    }

    /** A copy without listeners; that of {@code clone} has the very list of the original. */
    static ComputationGraph copyOf(ComputationGraph graph) {
        ComputationGraph copy = graph.clone();
        LISTENERS.set(copy, new ArrayList<>());
        return copy;
    }

    /** Outputs are never replaced: the graph also reaches them by other references. */
    private static boolean mayBeProxy(GraphVertex vertex) {
        return vertex.getClass() == LayerVertex.class
                && !vertex.isOutputVertex()
                && !(vertex.getLayer() instanceof FrozenLayer);
    }

    @Override
    public Model model() {
        return model;
    }

    @Override
    public Map<String, Trainable> trainables() {
        Map<String, Trainable> trainables = new LinkedHashMap<>();
        for (int index : model.topologicalSortOrder()) {
            GraphVertex vertex = model.getVertices()[index];
            if (vertex.numParams() > 0) {
                trainables.put(vertex.getConfig().getLayerName(), vertex);
            }
        }
        return trainables;
    }

    @Override
    public INDArray parameterVector() {
        return Objects.requireNonNull((INDArray) PARAMETERS.get(model));
    }

    @Override
    public List<PassedLayer> passedLayers() {
        List<PassedLayer> passed = new ArrayList<>();
        boolean hasBackward = true;
        int[] order = model.topologicalSortOrder();
        for (int i = order.length - 1; i >= 0; i--) {
            GraphVertex vertex = model.getVertices()[order[i]];
            hasBackward &= !(vertex instanceof FrozenVertex || vertex.getLayer() instanceof FrozenLayer);
            if (vertex.hasLayer()) {
                passed.add(0, new PassedLayer(vertex.getVertexName(), vertex.getLayer(), hasBackward));
            }
        }
        return passed;
    }

    @Override
    public INDArray gradients() {
        if (model.getFlattenedGradients() == null) {
            model.initGradientsView();
        }
        return model.getFlattenedGradients();
    }

    @Override
    public BackwardHooks hooks() {
        return hooks;
    }

    @Override
    public String lackingIn(MultiDataSet batch) {
        List<String> outputs = model.getConfiguration().getNetworkOutputs();
        for (int i = 0; i < outputs.size(); i++) {
            boolean hasLabels = i < batch.numLabelsArrays() && batch.getLabels(i) != null;
            if (!hasLabels && model.getOutputLayer(i) instanceof IOutputLayer output && output.needsLabels()) {
                return "labels " + i + ", which the output '" + outputs.get(i) + "' needs";
            }
        }
        return segmentLength() == Segments.NONE ? "" : Segments.lackingIn(batch, false);
    }

    @Override
    public double backward(MultiDataSet batch) {
        model.setInputs(batch.getFeatures());
        model.setLabels(batch.getLabels());
        model.setLayerMaskArrays(batch.getFeaturesMaskArrays(), batch.getLabelsMaskArrays());
        model.computeGradientAndScore();
        return model.score();
    }

    @Override
    public void showNoExamples(Gradient gradients) {
        INDArray none = Nd4j.create(model.params().dataType(), 0, 1);
        model.setInputs(repeated(none, model.getNumInputArrays()));
        model.setLabels(repeated(none, model.getNumOutputArrays()));
        GRADIENT.set(model, gradients);
    }

    private static INDArray[] repeated(INDArray array, int times) {
        INDArray[] all = new INDArray[times];
        Arrays.fill(all, array);
        return all;
    }

    @Override
    public List<Layer> lastLayers() {
        List<Layer> layers = new ArrayList<>();
        for (String output : model.getConfiguration().getNetworkOutputs()) {
            GraphVertex vertex = model.getVertex(output);
            if (!vertex.hasLayer()) {
                throw new IllegalArgumentException(
                        "vertex '" + output + "', an output of the graph, has no layer: there is no"
                                + " loss to train for. Let an OutputLayer, LossLayer or the like be the output");
            }
            layers.add(vertex.getLayer());
        }
        return layers;
    }

    @Override
    public double regularisation() {
        return model.calcRegularizationScore(true);
    }

    @Override
    public void moveGradients(INDArray gradients) {
        GradientField.of(ComputationGraph.class)
                .set(model, gradients, trainables().values());
    }

    @Override
    public void clearPass() {
        model.clearLayerMaskArrays();
        model.clearLayersStates();
    }

    @Override
    public Updater updater() {
        return model.getUpdater();
    }

    @Override
    public boolean lacksUpdater() {
        return model.getUpdater(false) == null;
    }

    @Override
    public void setUpdater(Updater updater) {
        model.setUpdater((ComputationGraphUpdater) updater);
    }

    @Override
    public BaseMultiLayerUpdater<?> updaterOver(@Nullable INDArray state) {
        return new ComputationGraphUpdater(model, state);
    }

    @Override
    public void applyUpdater(Gradient gradients, int examples, LayerWorkspaceMgr workspaces) {
        model.getUpdater().update(gradients, step(), epoch(), examples, workspaces);
    }

    @Override
    public List<TrainingListener> listeners() {
        return (List<TrainingListener>) model.getListeners();
    }

    @Override
    public void ownListeners() {
        LISTENERS.set(model, new ArrayList<>(model.getListeners()));
    }

    @Override
    public int step() {
        return model.getConfiguration().getIterationCount();
    }

    @Override
    public int epoch() {
        return model.getConfiguration().getEpochCount();
    }

    @Override
    public void setProgress(int step, int epoch) {
        model.getConfiguration().setIterationCount(step);
        model.getConfiguration().setEpochCount(epoch);
    }

    @Override
    public void setScore(double score) {
        model.setScore(score);
    }

    @Override
    public List<NeuralNetConfiguration> configurations() {
        return Arrays.stream(model.getLayers()).map(Layer::conf).toList();
    }

    @Override
    public Layer[] layers() {
        return model.getLayers();
    }

    @Override
    public int segmentLength() {
        ComputationGraphConfiguration configuration = model.getConfiguration();
        return configuration.getBackpropType() == BackpropType.TruncatedBPTT
                ? configuration.getTbpttFwdLength()
                : Segments.NONE;
    }

    @Override
    public WorkspaceMode trainingWorkspaceMode() {
        return model.getConfiguration().getTrainingWorkspaceMode();
    }

    @Override
    public String configurationJson() {
        return model.getConfiguration().toJson();
    }

    @Override
    public INDArray[] output(MultiDataSet batch) {
        if (segmentLength() != Segments.NONE) {
            model.setLayerMaskArrays(batch.getFeaturesMaskArrays(), batch.getLabelsMaskArrays());
            return model.rnnTimeStep(batch.getFeatures());
        }
        return model.output(false, batch.getFeatures(), batch.getFeaturesMaskArrays(), batch.getLabelsMaskArrays());
    }
}
