package io.gyre.dl4j.learning;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.regularization.Regularization;

/**
 * The part of LARS or LAMB that sees a whole parameter: it adds weight decay, and scales by the ratio of two norms.
 * ND4J's updaters see gradients alone, those of several parameters at once; a {@link Regularization} is given each
 * parameter with its own gradient or update.
 *
 * <p>Deeplearning4j applies a configuration's {@code regularization} to weights, and neither to biases nor to batch
 * normalisation. So these are updated with the plain rate and do not decay, as in the papers' implementations.
 */
public sealed interface TrustRatio extends Regularization permits LarsTrustRatio, LambTrustRatio {

    /** The coefficient of the decay. */
    double weightDecay();

    /** What the decay adds to the score, as ND4J's {@code L2Regularization} and {@code WeightDecay} do. */
    @Override
    default double score(INDArray parameter, int iteration, int epoch) {
        if (weightDecay() == 0) {
            return 0;
        }
        double norm = Norm.of(parameter);
        return 0.5 * weightDecay() * norm * norm;
    }
}
