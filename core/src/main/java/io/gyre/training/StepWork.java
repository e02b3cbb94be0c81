package io.gyre.training;

import org.jspecify.annotations.Nullable;

/** What one rank does and knows in a step. All on the thread that calls {@link StepDriver#step}. */
public interface StepWork {

    /** How many examples this rank has; 0 for none. */
    long examples();

    /**
     * Computes the sums of the gradients over them: zeros if there are none.
     *
     * @param progress hears which of them are complete while others are computed, if this knows; null for nobody
     * @return mean loss
     */
    double backward(@Nullable GradientProgress progress);

    /**
     * What this rank tells the others, when its gradients hold the sums over all that are in step.
     *
     * @param loss what {@link #backward} has returned
     */
    StepReport report(double loss);

    /** Fails, on all ranks in step alike, if what they have told does not agree. Nothing was updated then. */
    void check(StepSummary total);
}
