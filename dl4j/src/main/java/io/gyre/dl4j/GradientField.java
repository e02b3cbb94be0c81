package io.gyre.dl4j;

import java.util.Collection;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** The field in which Deeplearning4j's models keep the flat gradient vector. */
final class GradientField {

    private final HiddenField field;

    private GradientField(HiddenField field) {
        this.field = field;
    }

    /** The field of one kind of model. */
    static GradientField of(Class<? extends Model> kind) {
        return new GradientField(HiddenField.of(kind, "flattenedGradients"));
    }

    /**
     * Gives a model another vector, and each of its layers its part of it.
     *
     * @param layers those with parameters, in the order of the vector
     */
    void set(Model model, INDArray gradients, Collection<Trainable> layers) {
        INDArray flat = gradients.reshape(gradients.length());
        long offset = 0;
        for (Trainable layer : layers) {
            long length = layer.numParams();
            if (length > 0) {
                setGradients(layer, flat.get(NDArrayIndex.interval(offset, offset + length)));
                offset += length;
            }
        }
        field.set(model, gradients);
    }

    private static void setGradients(Trainable trainable, INDArray gradients) {
        if (trainable instanceof GraphVertex vertex) {
            vertex.setBackpropGradientsViewArray(gradients);
        } else if (trainable instanceof Model layer) {
            layer.setBackpropGradientsViewArray(gradients);
        } else {
            throw new UnsupportedOperationException(
                    "cannot give gradients to a " + trainable.getClass().getName());
        }
    }
}
