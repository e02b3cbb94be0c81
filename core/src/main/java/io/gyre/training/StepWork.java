package io.gyre.training;

import org.jspecify.annotations.Nullable;

/** One rank's work and knowledge in a step. All calls are on the thread that calls {@link StepDriver#step}. */
public interface StepWork {

    /**
     * Continues with a seat of this process, which {@link #examples}, {@link #backward} and {@link #report} are about
     * from now on. Called in each step if there are several.
     *
     * @param index among the seats of this process
     */
    default void seat(int index) {
        throw new UnsupportedOperationException("this work is for processes that hold one rank each");
    }

    /** Number of examples of this rank, 0 or more. */
    long examples();

    /**
     * Computes the sums of the gradients over the examples: zeros if there are none.
     *
     * @param progress receives which gradients are complete while others are still being computed, if this knows; null
     *     if not wanted
     * @return mean loss
     */
    double backward(@Nullable GradientProgress progress);

    /**
     * This rank's report to the others, once its gradients hold the sums over all ranks in step.
     *
     * @param loss the result of {@link #backward}
     */
    StepReport report(double loss);

    /** Fails, on all ranks in step alike, if their reports do not agree. Nothing has been updated then. */
    void check(StepSummary total);
}
