package io.gyre.dl4j.learning;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * The trust ratio of LAMB, after the updater: see {@link Lamb} for the formulas.
 *
 * @param weightDecay lambda
 */
public record LambTrustRatio(@JsonProperty("weightDecay") double weightDecay) implements TrustRatio {

    @JsonCreator
    public LambTrustRatio {
        Coefficient.notNegative("weightDecay", weightDecay);
    }

    @Override
    public ApplyStep applyStep() {
        return ApplyStep.POST_UPDATER;
    }

    /** The update contains the rate already. */
    @Override
    public void apply(INDArray parameter, INDArray update, double rate, int iteration, int epoch) {
        Decay.add(parameter, update, rate * weightDecay);
        double weights = Norm.of(parameter);
        double updates = Norm.of(update);
        if (weights > 0 && updates > 0) {
            update.muli(rate * weights / updates);
        }
    }

    @Override
    public LambTrustRatio clone() {
        return this;
    }
}
