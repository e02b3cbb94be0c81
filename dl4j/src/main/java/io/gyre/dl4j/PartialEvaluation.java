package io.gyre.dl4j;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** The evaluations of a model over one rank's share of the data. */
final class PartialEvaluation {

    /** What stands for evaluations without data. */
    static final String NO_DATA = "";

    private final TrainedModel network;
    private final Map<Integer, List<IEvaluation<?>>> evaluations = new TreeMap<>();
    private boolean anyData;

    /**
     * Begins without data.
     *
     * @param kinds for each output, evaluations of which only the settings are used
     */
    PartialEvaluation(TrainedModel network, Map<Integer, List<IEvaluation<?>>> kinds) {
        this.network = network;
        kinds.forEach((output, ofOutput) -> evaluations.put(
                output,
                ofOutput.stream().<IEvaluation<?>>map(EvaluationMerge::empty).toList()));
    }

    Set<Integer> outputs() {
        return evaluations.keySet();
    }

    List<IEvaluation<?>> of(int output) {
        return Objects.requireNonNull(evaluations.get(output));
    }

    /** An evaluation, as it is sent to other ranks. */
    String json(int output, int index) {
        return anyData ? of(output).get(index).toJson() : NO_DATA;
    }

    /** Evaluates a batch. */
    void add(MultiDataSet rows) {
        anyData = true;
        for (int output : evaluations.keySet()) {
            if (output >= rows.numLabelsArrays() || rows.getLabels(output) == null) {
                throw new IllegalArgumentException(
                        "output " + output + " cannot be evaluated: a batch of the data has no labels " + output);
            }
        }
        RecurrentState state = network.recurrentState();
        state.clear();
        int length = network.segmentLength();
        for (int segment = 0; segment < Segments.count(rows, length); segment++) {
            MultiDataSet part = Segments.cut(rows, segment, length);
            INDArray[] outputs = network.output(part);
            evaluations.forEach((output, ofOutput) -> evaluate(part, outputs, output, ofOutput));
        }
        state.clear();
        network.clearPass();
    }

    private static void evaluate(MultiDataSet rows, INDArray[] outputs, int output, List<IEvaluation<?>> evaluations) {
        if (output >= outputs.length) {
            throw new IllegalArgumentException(
                    "output " + output + " cannot be evaluated: the model has " + outputs.length + " outputs");
        }
        for (IEvaluation<?> evaluation : evaluations) {
            EvaluationMerge.evaluate(
                    evaluation, rows.getLabels(output), outputs[output], rows.getLabelsMaskArray(output));
        }
    }
}
