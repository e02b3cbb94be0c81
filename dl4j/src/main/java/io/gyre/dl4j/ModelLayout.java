package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.training.BucketPlan;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** How a model's parameters, and in the same way its gradients, are arranged in one flat vector. */
final class ModelLayout {

    private final List<Parameter> parameters;
    private final ElementType elementType;

    /**
     * A parameter, in vector order.
     *
     * @param layer parameters with the same name of a layer are exchanged in one bucket, if they fit into one
     */
    record Parameter(String layer, String name, List<Long> shape) {

        long length() {
            return shape.stream().reduce(1L, Math::multiplyExact);
        }
    }

    /** The layout of parameters of one type. */
    ModelLayout(List<Parameter> parameters, ElementType elementType) {
        this.parameters = List.copyOf(parameters);
        this.elementType = elementType;
    }

    /** The layout of a network; fails if its data type cannot be reduced. */
    ModelLayout(Network network) {
        this(parameters(network), HostMemory.elementType(network.model().params()));
    }

    private static List<Parameter> parameters(Network network) {
        List<Parameter> parameters = new ArrayList<>();
        network.trainables()
                .forEach((layer, trainable) -> trainable
                        .paramTable(false)
                        .forEach((name, array) -> parameters.add(new Parameter(
                                layer,
                                layer + "_" + name,
                                LongStream.of(array.shape()).boxed().toList()))));
        return parameters;
    }

    ElementType elementType() {
        return elementType;
    }

    /**
     * Divides the vector into buckets.
     *
     * @param bucketBytes largest size of a bucket
     */
    BucketPlan bucketPlan(long bucketBytes) {
        Map<String, Long> layers = new LinkedHashMap<>();
        parameters.forEach(each -> layers.merge(each.layer(), each.length(), Long::sum));
        return BucketPlan.of(List.copyOf(layers.values()), Math.max(1, bucketBytes / elementType.bytes()));
    }

    /**
     * Name of an element, in terms of the model's layers and parameters.
     *
     * @param element in the flat vector
     */
    String nameOf(long element) {
        long offset = 0;
        for (Parameter parameter : parameters) {
            if (element < offset + parameter.length()) {
                return "element " + (element - offset) + " of parameter " + parameter.name();
            }
            offset += parameter.length();
        }
        return "element " + element;
    }

    /**
     * Names and shapes of the parameters in vector order: two models with the same text can exchange states.
     *
     * @param updaterStateLength in elements
     */
    String text(long updaterStateLength) {
        StringBuilder text = new StringBuilder(elementType.name());
        parameters.forEach(
                each -> text.append("; ").append(each.name()).append(' ').append(each.shape()));
        return text.append("; updater state of ").append(updaterStateLength).toString();
    }
}
