package io.gyre.dl4j.learning;

import org.nd4j.linalg.learning.regularization.L2Regularization;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.schedule.ISchedule;

/**
 * The part of LARS or LAMB that sees a whole parameter: it adds weight decay, and scales by the ratio of two norms.
 * ND4J's updaters see gradients alone, those of several parameters at once; a {@link Regularization} is given each
 * parameter with its own gradient or update.
 *
 * <p>Deeplearning4j applies a configuration's {@code regularization} to weights, and neither to biases nor to batch
 * normalisation. So these are updated with the plain rate and do not decay, as in the papers' implementations. A single
 * layer is excluded by a list of its own, such as {@code regularization(List.of(new L2Regularization(0)))}.
 *
 * <p>It is an {@link L2Regularization}, since Deeplearning4j 1.0.0-M2.1 gives a layer every other regularisation of a
 * configuration twice, and since {@code l2} and {@code weightDecay} must not be added to it.
 */
public abstract sealed class TrustRatio extends L2Regularization permits LarsTrustRatio, LambTrustRatio {

    TrustRatio(ISchedule weightDecay) {
        super(weightDecay);
    }

    final double weightDecay(int iteration, int epoch) {
        return l2.valueAt(iteration, epoch);
    }
}
