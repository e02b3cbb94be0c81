package io.gyre.dl4j.learning;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/**
 * The local learning rate of LARS, before the momentum: see {@link Lars} for the formulas.
 *
 * @param coefficient eta, the trust coefficient
 * @param weightDecay beta
 */
public record LarsTrustRatio(
        @JsonProperty("coefficient") double coefficient, @JsonProperty("weightDecay") double weightDecay)
        implements TrustRatio {

    @JsonCreator
    public LarsTrustRatio {
        Coefficient.positive("coefficient", coefficient);
        Coefficient.notNegative("weightDecay", weightDecay);
    }

    @Override
    public ApplyStep applyStep() {
        return ApplyStep.BEFORE_UPDATER;
    }

    @Override
    public void apply(INDArray parameter, INDArray gradient, double rate, int iteration, int epoch) {
        double weights = Norm.of(parameter);
        double gradients = Norm.of(gradient);
        Decay.add(parameter, gradient, weightDecay);
        if (weights > 0 && gradients > 0) {
            gradient.muli(coefficient * weights / (gradients + weightDecay * weights));
        }
    }

    @Override
    public LarsTrustRatio clone() {
        return this;
    }
}
