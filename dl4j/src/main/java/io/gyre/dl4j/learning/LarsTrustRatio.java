package io.gyre.dl4j.learning;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/** The local learning rate of LARS, before the momentum: see {@link Lars} for the formulas. */
public final class LarsTrustRatio extends TrustRatio {

    @JsonProperty("coefficient")
    private final double coefficient;

    /**
     * As {@link Lars#trustRatio}.
     *
     * @param coefficient eta, the trust coefficient
     * @param weightDecay beta
     */
    public LarsTrustRatio(double coefficient, double weightDecay) {
        this(coefficient, new FixedSchedule(weightDecay));
        Coefficient.notNegative("weightDecay", weightDecay);
    }

    /** Has a weight decay that changes. */
    @JsonCreator
    public LarsTrustRatio(@JsonProperty("coefficient") double coefficient, @JsonProperty("l2") ISchedule weightDecay) {
        super(weightDecay);
        Coefficient.positive("coefficient", coefficient);
        this.coefficient = coefficient;
    }

    @Override
    public ApplyStep applyStep() {
        return ApplyStep.BEFORE_UPDATER;
    }

    @Override
    public void apply(INDArray parameter, INDArray gradient, double rate, int iteration, int epoch) {
        double decay = weightDecay(iteration, epoch);
        double weights = Norm.of(parameter);
        double gradients = Norm.of(gradient);
        Decay.add(parameter, gradient, decay);
        if (weights > 0 && gradients > 0) {
            gradient.muli(coefficient * weights / (gradients + decay * weights));
        }
    }

    @Override
    public Regularization clone() {
        return new LarsTrustRatio(coefficient, l2.clone());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LarsTrustRatio that && coefficient == that.coefficient && l2.equals(that.l2);
    }

    @Override
    protected boolean canEqual(@Nullable Object other) {
        return other instanceof LarsTrustRatio;
    }

    @Override
    public int hashCode() {
        return Objects.hash(coefficient, l2);
    }

    @Override
    public String toString() {
        return "LarsTrustRatio(coefficient " + coefficient + ", weight decay " + l2 + ")";
    }
}
