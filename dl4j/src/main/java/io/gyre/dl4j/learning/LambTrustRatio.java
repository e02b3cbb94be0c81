package io.gyre.dl4j.learning;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonCreator;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/** The trust ratio of LAMB, after the updater: see {@link Lamb} for the formulas. */
public final class LambTrustRatio extends TrustRatio {

    /**
     * As {@link Lamb#trustRatio}.
     *
     * @param weightDecay lambda
     */
    public LambTrustRatio(double weightDecay) {
        this(new FixedSchedule(weightDecay));
        Coefficient.notNegative("weightDecay", weightDecay);
    }

    /** Has a weight decay that changes. */
    @JsonCreator
    public LambTrustRatio(@JsonProperty("l2") ISchedule weightDecay) {
        super(weightDecay);
    }

    @Override
    public ApplyStep applyStep() {
        return ApplyStep.POST_UPDATER;
    }

    /** The update contains the rate already. */
    @Override
    public void apply(INDArray parameter, INDArray update, double rate, int iteration, int epoch) {
        Decay.add(parameter, update, rate * weightDecay(iteration, epoch));
        double weights = Norm.of(parameter);
        double updates = Norm.of(update);
        if (weights > 0 && updates > 0) {
            update.muli(rate * weights / updates);
        }
    }

    @Override
    public Regularization clone() {
        return new LambTrustRatio(l2.clone());
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LambTrustRatio that && l2.equals(that.l2);
    }

    @Override
    protected boolean canEqual(@Nullable Object other) {
        return other instanceof LambTrustRatio;
    }

    @Override
    public int hashCode() {
        return 31 * l2.hashCode();
    }

    @Override
    public String toString() {
        return "LambTrustRatio(weight decay " + l2 + ")";
    }
}
