package io.gyre.dl4j;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.layers.BaseOutputLayer;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.layers.training.CenterLossOutputLayer;

/** Whether an output layer's score is a sum or a mean over examples; Deeplearning4j's layers differ in this. */
final class OutputScore {

    private OutputScore() {}

    /** Most divide by the number of examples unless {@code miniBatch(false)} is set; some always do. */
    static boolean isSum(Layer output) {
        Layer layer = unwrapped(output);
        return layer instanceof BaseOutputLayer
                && !(layer instanceof CenterLossOutputLayer)
                && !layer.conf().isMiniBatch();
    }

    /** The layer that computes the score: a frozen output layer is wrapped. */
    static Layer unwrapped(Layer output) {
        return output instanceof FrozenLayerWithBackprop frozen ? frozen.getInsideLayer() : output;
    }
}
