package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.updater.MultiLayerUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** A {@link MultiLayerNetwork}. */
final class LayeredNetwork implements Network {

    private static final HiddenField PARAMETERS = HiddenField.of(MultiLayerNetwork.class, "flattenedParams");
    private static final HiddenField INPUT = HiddenField.of(MultiLayerNetwork.class, "input");
    private static final HiddenField GRADIENT = HiddenField.of(MultiLayerNetwork.class, "gradient");

    private final MultiLayerNetwork model;
    private final BackwardHooks hooks;

    LayeredNetwork(MultiLayerNetwork model) {
        this.model = model;
        hooks = new ProxyHooks<>(
                new ProxyHooks.Parts<>(
                        model::getLayers,
                        () -> IntStream.range(0, model.getnLayers()).toArray(),
                        Layer::numParams,
                        this::mayBeProxy,
                        "backpropGradient"),
                this::listeners);
    }

    /** The network checks the class of some layers. */
    private boolean mayBeProxy(Layer layer) {
        return !(layer instanceof FrozenLayer
                || layer instanceof FrozenLayerWithBackprop
                || layer instanceof BaseWrapperLayer
                || layer instanceof MultiLayerNetwork
                || layer == model.getLayer(model.getnLayers() - 1));
    }

    @Override
    public Model model() {
        return model;
    }

    @Override
    public Map<String, Trainable> trainables() {
        Map<String, Trainable> trainables = new LinkedHashMap<>();
        Layer[] layers = model.getLayers();
        for (int i = 0; i < layers.length; i++) {
            if (layers[i].numParams() > 0) {
                trainables.put(String.valueOf(i), layers[i]);
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
        for (int i = model.getnLayers() - 1; i >= 0; i--) {
            hasBackward &= !(model.getLayer(i) instanceof FrozenLayer);
            passed.add(0, new PassedLayer(String.valueOf(i), model.getLayer(i), hasBackward));
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
        boolean hasLabels = batch.numLabelsArrays() > 0 && batch.getLabels(0) != null;
        if (!hasLabels && model.getOutputLayer() instanceof IOutputLayer output && output.needsLabels()) {
            return "labels, which the output layer needs";
        }
        return segmentLength() == Segments.NONE ? "" : Segments.lackingIn(batch, true);
    }

    @Override
    public double backward(MultiDataSet batch) {
        checkSingle(batch);
        model.setInput(batch.getFeatures(0));
        model.setLabels(batch.numLabelsArrays() == 0 ? null : batch.getLabels(0));
        model.setLayerMaskArrays(batch.getFeaturesMaskArray(0), batch.getLabelsMaskArray(0));
        model.computeGradientAndScore();
        return model.score();
    }

    @Override
    public void showNoExamples(Gradient gradients) {
        INDArray none = Nd4j.create(model.params().dataType(), 0, 1);
        INPUT.set(model, none);
        model.setLabels(none);
        GRADIENT.set(model, gradients);
    }

    @Override
    public List<Layer> lastLayers() {
        return List.of(model.getLayer(model.getnLayers() - 1));
    }

    @Override
    public double regularisation() {
        return model.calcRegularizationScore(true);
    }

    @Override
    public void moveGradients(INDArray gradients) {
        GradientField.of(MultiLayerNetwork.class)
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
        model.setUpdater(updater);
    }

    @Override
    public BaseMultiLayerUpdater<?> updaterOver(@Nullable INDArray state) {
        return new MultiLayerUpdater(model, state);
    }

    @Override
    public void applyUpdater(Gradient gradients, int examples, LayerWorkspaceMgr workspaces) {
        model.getUpdater().update(model, gradients, step(), epoch(), examples, workspaces);
    }

    @Override
    public List<TrainingListener> listeners() {
        return (List<TrainingListener>) model.getListeners();
    }

    @Override
    public int step() {
        return model.getIterationCount();
    }

    @Override
    public int epoch() {
        return model.getEpochCount();
    }

    @Override
    public void setProgress(int step, int epoch) {
        model.setIterationCount(step);
        model.setEpochCount(epoch);
    }

    @Override
    public void setScore(double score) {
        model.setScore(score);
    }

    @Override
    public List<NeuralNetConfiguration> configurations() {
        return model.getLayerWiseConfigurations().getConfs();
    }

    @Override
    public Layer[] layers() {
        return model.getLayers();
    }

    @Override
    public int segmentLength() {
        MultiLayerConfiguration configuration = model.getLayerWiseConfigurations();
        return configuration.getBackpropType() == BackpropType.TruncatedBPTT
                ? configuration.getTbpttFwdLength()
                : Segments.NONE;
    }

    @Override
    public WorkspaceMode trainingWorkspaceMode() {
        return model.getLayerWiseConfigurations().getTrainingWorkspaceMode();
    }

    @Override
    public String configurationJson() {
        return model.getLayerWiseConfigurations().toJson();
    }

    @Override
    public INDArray[] output(MultiDataSet batch) {
        checkSingle(batch);
        if (segmentLength() != Segments.NONE) {
            model.setLayerMaskArrays(batch.getFeaturesMaskArray(0), batch.getLabelsMaskArray(0));
            return new INDArray[] {model.rnnTimeStep(batch.getFeatures(0))};
        }
        return new INDArray[] {
            model.output(batch.getFeatures(0), false, batch.getFeaturesMaskArray(0), batch.getLabelsMaskArray(0))
        };
    }

    private static void checkSingle(MultiDataSet batch) {
        // Some output layers need no labels.
        if (batch.numFeatureArrays() != 1 || batch.numLabelsArrays() > 1) {
            throw new IllegalArgumentException(
                    "a MultiLayerNetwork takes batches with 1 features and 1 labels array, not "
                            + batch.numFeatureArrays() + " and " + batch.numLabelsArrays());
        }
    }
}
