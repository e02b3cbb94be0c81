package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Which placeholder of a graph takes which array of a batch, as its {@link TrainingConfig} says. */
final class SameDiffInputs {

    private final List<Input> inputs = new ArrayList<>();
    private final List<String> features;
    private final List<String> labels;

    /** The arrays of a batch. */
    private enum Kind {
        FEATURES("features"),
        LABELS("labels"),
        FEATURES_MASK("features mask"),
        LABELS_MASK("labels mask");

        private final String text;

        Kind(String text) {
            this.text = text;
        }

        @Nullable INDArray of(MultiDataSet batch, int index) {
            return switch (this) {
                case FEATURES -> batch.getFeatures(index);
                case LABELS -> batch.getLabels(index);
                case FEATURES_MASK -> batch.getFeaturesMaskArray(index);
                case LABELS_MASK -> batch.getLabelsMaskArray(index);
            };
        }
    }

    /**
     * An array of a batch and its placeholder.
     *
     * @param shape that the placeholder takes, -1 for any length; null for any shape. Its first length does not count,
     *     as in {@code fit}: importers fix the number of examples
     */
    private record Input(
            String placeholder,
            Kind kind,
            int index,
            @Nullable List<Long> shape) {

        String name() {
            return kind.text + " " + index;
        }

        String faultOf(MultiDataSet batch) {
            INDArray array = kind.of(batch, index);
            if (array == null) {
                return "has no " + name() + ", which the placeholder '" + placeholder + "' takes";
            }
            return shape == null || fits(shape, array)
                    ? ""
                    : "has " + name() + " of shape " + Arrays.toString(array.shape()) + ", and the placeholder '"
                            + placeholder + "' takes " + shape;
        }

        private static boolean fits(List<Long> shape, INDArray array) {
            boolean fits = shape.size() == array.rank();
            for (int i = 1; fits && i < shape.size(); i++) {
                fits = shape.get(i) < 0 || shape.get(i) == array.size(i);
            }
            return fits;
        }
    }

    /**
     * Reads the mappings.
     *
     * @throws IllegalArgumentException if there are none, or if one names what is no placeholder
     */
    SameDiffInputs(SameDiff graph) {
        TrainingConfig config = graph.getTrainingConfig();
        features = known(config.getDataSetFeatureMapping());
        labels = known(config.getDataSetLabelMapping());
        if (features.isEmpty()) {
            throw new IllegalArgumentException("the TrainingConfig of the SameDiff maps no features to a placeholder:"
                    + " call dataSetFeatureMapping in its builder");
        }
        add(graph, features, Kind.FEATURES);
        add(graph, labels, Kind.LABELS);
        add(graph, known(config.getDataSetFeatureMaskMapping()), Kind.FEATURES_MASK);
        add(graph, known(config.getDataSetLabelMaskMapping()), Kind.LABELS_MASK);
    }

    private static List<String> known(@Nullable List<String> mapping) {
        return mapping == null ? List.of() : mapping;
    }

    private void add(SameDiff graph, List<String> mapping, Kind kind) {
        for (int i = 0; i < mapping.size(); i++) {
            String name = mapping.get(i);
            // An array without mask has null in its place.
            if (name != null) {
                SDVariable variable = graph.getVariable(name);
                if (variable == null || !variable.isPlaceHolder()) {
                    throw new IllegalArgumentException("the TrainingConfig of the SameDiff maps " + kind.text + " " + i
                            + " to '" + name + "', which is no placeholder of the graph");
                }
                long[] shape = variable.placeholderShape();
                inputs.add(new Input(
                        name,
                        kind,
                        i,
                        shape == null ? null : LongStream.of(shape).boxed().toList()));
            }
        }
    }

    /** What is wrong with a batch, as the rest of a sentence that begins with the batch; empty if nothing. */
    String faultOf(MultiDataSet batch) {
        if (batch.numFeatureArrays() != features.size()) {
            return "has " + batch.numFeatureArrays() + " features arrays, and the TrainingConfig maps "
                    + features.size() + ", to " + features;
        }
        if (batch.numLabelsArrays() != labels.size()) {
            return "has " + batch.numLabelsArrays() + " labels arrays, and the TrainingConfig maps " + labels.size()
                    + ", to " + labels;
        }
        for (Input input : inputs) {
            String fault = input.faultOf(batch);
            if (!fault.isEmpty()) {
                return fault;
            }
        }
        return "";
    }

    /** The arrays of a batch without fault, by placeholder. */
    Map<String, INDArray> of(MultiDataSet batch) {
        Map<String, INDArray> arrays = new HashMap<>();
        for (Input input : inputs) {
            arrays.put(input.placeholder(), Objects.requireNonNull(input.kind().of(batch, input.index())));
        }
        return arrays;
    }

    /** The array of a batch without fault that a placeholder takes. */
    INDArray arrayFor(String placeholder, MultiDataSet batch) {
        return Objects.requireNonNull(of(batch).get(placeholder));
    }

    /** Whether a placeholder takes an array of a batch. */
    boolean has(String placeholder) {
        return inputs.stream().anyMatch(input -> input.placeholder().equals(placeholder));
    }
}
