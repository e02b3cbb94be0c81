package io.gyre.dl4j;

import io.gyre.dl4j.SameDiffLosses.Composition;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.nd4j.autodiff.samediff.ArrayHolder;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.indexing.conditions.Conditions;

/**
 * A SameDiff graph. Until {@link #close} its trained variables, and the state of their updaters, are views of flat
 * vectors: so ranks exchange them without copies, and whoever reads or saves the graph finds the present values.
 */
final class SameDiffModel implements TrainedModel {

    private final SameDiff graph;
    private final SameDiffVariables variables;
    private final SameDiffInputs inputs;
    private final SameDiffEvents events;
    private final Composition losses;
    private final ArrayHolder ownArrays;
    private final ArrayHolder ownArraysOfGradients;
    private final INDArray parameters;
    private final List<INDArray> parameterParts;
    private final SameDiffUpdaters updaters;
    private INDArray gradients;
    private List<INDArray> gradientParts;
    private double score = Double.NaN;
    private boolean closed;

    /** Nothing in the graph is changed, unless its gradient function is missing, before all of it is checked. */
    private SameDiffModel(SameDiff graph) {
        checkConfigured(graph);
        UndefinedProducts.refuse(graph);
        this.graph = graph;
        inputs = new SameDiffInputs(graph);
        variables = SameDiffVariables.of(graph);
        losses = SameDiffLosses.of(graph);
        if (!losses.weights().isEmpty() && !inputs.has(losses.weights())) {
            throw new IllegalArgumentException("the placeholder '" + losses.weights()
                    + "', which weights the losses of the SameDiff, takes no array of a batch: map one to it in the"
                    + " TrainingConfig");
        }
        events = new SameDiffEvents(graph, variables.gradientFunction());
        updaters = new SameDiffUpdaters(graph, variables);
        variables.gradientFunction().setTrainingConfig(graph.getTrainingConfig());
        parameters = Nd4j.create(variables.type(), variables.elements());
        parameterParts = variables.viewsOf(parameters);
        gradients = Nd4j.create(variables.type(), variables.elements());
        gradientParts = variables.viewsOf(gradients);
        for (int i = 0; i < parameterParts.size(); i++) {
            parameterParts.get(i).assign(variables.list().get(i).array());
        }
        ownArrays = graph.getVariablesArrays();
        ownArraysOfGradients = variables.gradientFunction().getVariablesArrays();
        useArrays(
                new FlatArrayHolder(variables, parameterParts, ownArrays),
                new FlatArrayHolder(variables, parameterParts, ownArraysOfGradients));
    }

    /**
     * Attaches a graph.
     *
     * @throws IllegalArgumentException if it cannot be trained
     */
    static SameDiffModel attach(SameDiff graph) {
        return new SameDiffModel(graph);
    }

    /** Fails unless the graph has what {@code SameDiff.fit} needs. */
    static void checkConfigured(SameDiff graph) {
        if (graph.getTrainingConfig() == null) {
            throw new IllegalArgumentException(
                    "the SameDiff has no TrainingConfig: call setTrainingConfig, with an updater"
                            + " and the mappings of features and labels, before it is given to a trainer");
        }
    }

    private void useArrays(ArrayHolder ofGraph, ArrayHolder ofGradients) {
        graph.setArrayHolders(ofGraph, graph.getConstantArrays(), false);
        SameDiff gradientFunction = variables.gradientFunction();
        gradientFunction.setArrayHolders(ofGradients, gradientFunction.getConstantArrays(), false);
    }

    @Override
    public SameDiff model() {
        return graph;
    }

    SameDiffVariables variables() {
        return variables;
    }

    SameDiffInputs inputs() {
        return inputs;
    }

    SameDiffEvents events() {
        return events;
    }

    SameDiffUpdaters updaters() {
        return updaters;
    }

    Composition losses() {
        return losses;
    }

    /** Each variable; live views. */
    List<INDArray> parameterParts() {
        return parameterParts;
    }

    /** The gradient of each variable; live views, until the gradients are moved. */
    List<INDArray> gradientParts() {
        return gradientParts;
    }

    @Override
    public void check(boolean divided) {
        if (divided && losses.kind() == SameDiffLosses.Kind.UNKNOWN) {
            throw new IllegalArgumentException("the SameDiff cannot be trained in parts: how the losses "
                    + graph.getLossVariables() + " of a batch are made up of those of its parts is not known: "
                    + losses.reason() + ". End them in a loss of SameDiff.loss, or in a mean or sum over the examples;"
                    + " or train on one rank, without micro-batches");
        }
    }

    @Override
    public ModelLayout layout() {
        return variables.layout();
    }

    @Override
    public INDArray parameters() {
        return parameters;
    }

    @Override
    public INDArray gradients() {
        return gradients;
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // Arrays with equal contents are different memory.
    public void moveGradients(INDArray value) {
        if (value != gradients) {
            value.assign(gradients);
            gradients = value;
            gradientParts = variables.viewsOf(value);
        }
    }

    /** Gradients of a mean are means, which ranks weight by their examples; those of a sum are added up as they are. */
    @Override
    public GradientViews gradientViews(BucketPlan plan) {
        gradients.assign(0);
        List<GradientViews.Mean> means = new ArrayList<>();
        if (losses.kind() != SameDiffLosses.Kind.SUM) {
            for (SameDiffVariables.Trained variable : variables.list()) {
                addMeans(plan, variable, means);
            }
        }
        return new GradientViews(gradients, new DefaultGradient(gradients), new IdentityHashMap<>(), List.of(), means);
    }

    private void addMeans(BucketPlan plan, SameDiffVariables.Trained variable, List<GradientViews.Mean> means) {
        for (Bucket bucket : plan.buckets()) {
            long from = Math.max(variable.offset(), bucket.offset());
            long to = Math.min(variable.offset() + variable.length(), bucket.offset() + bucket.length());
            if (from < to) {
                means.add(new GradientViews.Mean(from, bucket.index(), gradients.get(NDArrayIndex.interval(from, to))));
            }
        }
    }

    @Override
    public ModelSteps steps(GradientPlace place) {
        return new SameDiffSteps(this, place);
    }

    @Override
    public String faultOf(MultiDataSet batch) {
        return inputs.faultOf(batch);
    }

    /** Rows; or, if the loss is a mean over what a mask leaves, the elements of the mask that are not 0. */
    @Override
    public int examplesIn(MultiDataSet batch) {
        return losses.weights().isEmpty()
                ? Rows.count(batch)
                : inputs.arrayFor(losses.weights(), batch)
                        .scan(Conditions.notEquals(0))
                        .intValue();
    }

    @Override
    public double score() {
        return score;
    }

    void setScore(double value) {
        score = value;
    }

    @Override
    public int step() {
        return graph.getTrainingConfig().getIterationCount();
    }

    @Override
    public int epoch() {
        return graph.getTrainingConfig().getEpochCount();
    }

    @Override
    public void setProgress(int step, int epoch) {
        TrainingConfig config = graph.getTrainingConfig();
        config.setIterationCount(step);
        config.setEpochCount(epoch);
    }

    @Override
    public void beginCall() {
        events.beginCall();
    }

    @Override
    public void endCall() {
        events.endCall();
    }

    @Override
    public void beginEpoch() {
        events.beginEpoch();
    }

    @Override
    public boolean endEpoch() {
        return events.endEpoch();
    }

    @Override
    public String configurationJson() {
        return SameDiffText.json(graph, variables);
    }

    @Override
    public INDArray[] output(MultiDataSet batch) {
        String fault = inputs.faultOf(batch);
        if (!fault.isEmpty()) {
            throw new IllegalArgumentException("a batch of the data " + fault);
        }
        List<String> names = outputs();
        Map<String, INDArray> values = graph.output(inputs.of(batch), names);
        return names.stream().map(values::get).toArray(INDArray[]::new);
    }

    /** Those that the program has named; otherwise those that nothing in the graph uses. */
    private List<String> outputs() {
        List<String> named = graph.outputs();
        List<String> outputs = new ArrayList<>(named == null || named.isEmpty() ? SameDiffText.unused(graph) : named);
        outputs.removeAll(graph.getLossVariables());
        return outputs;
    }

    @Override
    public void clearPass() {
        // Sessions keep nothing that a later pass sees.
    }

    @Override
    public void export(Path file) {
        ModelExport.write(graph, file);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (int i = 0; i < parameterParts.size(); i++) {
            String name = variables.list().get(i).name();
            ownArrays.getArray(name).assign(parameterParts.get(i));
            // The same array, unless the gradient function has its own copy.
            ownArraysOfGradients.getArray(name).assign(parameterParts.get(i));
        }
        updaters.close();
        useArrays(ownArrays, ownArraysOfGradients);
    }
}
