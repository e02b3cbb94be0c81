package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.training.BucketPlan;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Trainable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** How a model's parameters, and in the same way its gradients, are arranged in one flat vector. */
final class ModelLayout {

    private final Map<String, Trainable> trainables;
    private final ElementType elementType;
    private final String dataType;

    /** The layout of a model; fails if its data type cannot be reduced. */
    ModelLayout(Network network) {
        trainables = network.trainables();
        INDArray parameters = network.model().params();
        elementType = HostMemory.reducedType(parameters);
        dataType = parameters.dataType() == DataType.FLOAT16 ? DataType.FLOAT16.name() : elementType.name();
    }

    /** Type in which gradients are reduced. */
    ElementType elementType() {
        return elementType;
    }

    /** Name of the type of the parameters. */
    String dataType() {
        return dataType;
    }

    /**
     * Divides the vector into buckets.
     *
     * @param bucketBytes largest size of a bucket
     */
    BucketPlan bucketPlan(long bucketBytes) {
        List<Long> layerLengths = new ArrayList<>();
        for (Trainable trainable : trainables.values()) {
            layerLengths.add(trainable.paramTable(false).values().stream()
                    .mapToLong(INDArray::length)
                    .sum());
        }
        return BucketPlan.of(layerLengths, Math.max(1, bucketBytes / elementType.bytes()));
    }

    /**
     * Name of an element, in terms of the model's layers and parameters.
     *
     * @param element in the flat vector
     */
    String nameOf(long element) {
        long offset = 0;
        for (Map.Entry<String, Trainable> trainable : trainables.entrySet()) {
            for (Map.Entry<String, INDArray> parameter :
                    trainable.getValue().paramTable(false).entrySet()) {
                long length = parameter.getValue().length();
                if (element < offset + length) {
                    return "element " + (element - offset) + " of parameter " + trainable.getKey() + "_"
                            + parameter.getKey();
                }
                offset += length;
            }
        }
        return "element " + element;
    }

    /**
     * Names and shapes of the parameters in vector order: two models with the same text can exchange states.
     *
     * @param updaterStateLength in elements
     */
    String text(long updaterStateLength) {
        StringBuilder text = new StringBuilder(dataType);
        trainables.forEach((name, trainable) -> trainable
                .paramTable(false)
                .forEach((parameter, array) -> text.append("; ")
                        .append(name)
                        .append('_')
                        .append(parameter)
                        .append(' ')
                        .append(Arrays.toString(array.shape()))));
        return text.append("; updater state of ").append(updaterStateLength).toString();
    }
}
