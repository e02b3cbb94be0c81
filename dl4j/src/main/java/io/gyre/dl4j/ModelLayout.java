package io.gyre.dl4j;

import io.gyre.ElementType;
import io.gyre.allreduce.WeightMatrix;
import io.gyre.training.BucketPlan;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** How a model's parameters, and in the same way its gradients, are arranged in one flat vector. */
final class ModelLayout {

    private final List<Parameter> parameters;
    private final ElementType elementType;
    private final String dataType;

    /**
     * A parameter, in vector order.
     *
     * @param layer parameters with the same name of a layer are exchanged in one bucket, if they fit into one
     * @param order of its elements: 'c' if the last index runs fastest, 'f' if the first does
     */
    record Parameter(String layer, String name, List<Long> shape, char order) {

        long length() {
            return shape.stream().reduce(1L, Math::multiplyExact);
        }
    }

    /** The layout of parameters of one type. */
    ModelLayout(List<Parameter> parameters, ElementType elementType) {
        this(parameters, elementType, elementType.name());
    }

    private ModelLayout(List<Parameter> parameters, ElementType elementType, String dataType) {
        this.parameters = List.copyOf(parameters);
        this.elementType = elementType;
        this.dataType = dataType;
    }

    /** The layout of a network; fails if its data type cannot be reduced. */
    ModelLayout(Network network) {
        this(parameters(network), HostMemory.reducedType(network.parameters()), dataType(network.parameters()));
    }

    private static String dataType(INDArray parameters) {
        return parameters.dataType() == DataType.FLOAT16
                ? DataType.FLOAT16.name()
                : HostMemory.reducedType(parameters).name();
    }

    private static List<Parameter> parameters(Network network) {
        List<Parameter> parameters = new ArrayList<>();
        network.trainables()
                .forEach((layer, trainable) -> trainable
                        .paramTable(false)
                        .forEach((name, array) -> parameters.add(new Parameter(
                                layer,
                                layer + "_" + name,
                                LongStream.of(array.shape()).boxed().toList(),
                                array.ordering()))));
        return parameters;
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
        return BucketPlan.of(layerLengths(), mostElements(bucketBytes));
    }

    /** As {@link #bucketPlan}, but no layer is divided. */
    BucketPlan bucketPlanOfWholeLayers(long bucketBytes) {
        return BucketPlan.ofWholeLayers(layerLengths(), mostElements(bucketBytes));
    }

    private List<Long> layerLengths() {
        Map<String, Long> layers = new LinkedHashMap<>();
        parameters.forEach(each -> layers.merge(each.layer(), each.length(), Long::sum));
        return List.copyOf(layers.values());
    }

    private long mostElements(long bucketBytes) {
        return Math.max(1, bucketBytes / elementType.bytes());
    }

    /**
     * The parameters that are matrices, as they lie in the vector: outputs by inputs. The kernels of a convolution are
     * a matrix with a row for each output, since their first dimension is that. Vectors are none.
     */
    List<WeightMatrix> matrices() {
        List<WeightMatrix> matrices = new ArrayList<>();
        long offset = 0;
        for (Parameter each : parameters) {
            long length = each.length();
            long first = each.shape().isEmpty() ? length : each.shape().get(0);
            if (first > 1 && length > first) {
                // In order 'f' the first index runs along a row.
                long rows = each.order() == 'f' ? length / first : first;
                matrices.add(new WeightMatrix(offset, Math.toIntExact(rows), Math.toIntExact(length / rows)));
            }
            offset += length;
        }
        return matrices;
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
        StringBuilder text = new StringBuilder(dataType);
        parameters.forEach(
                each -> text.append("; ").append(each.name()).append(' ').append(each.shape()));
        return text.append("; updater state of ").append(updaterStateLength).toString();
    }
}
