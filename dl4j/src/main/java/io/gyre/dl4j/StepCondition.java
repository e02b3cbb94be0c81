package io.gyre.dl4j;

/** Ends a call of {@code fit}: asked between two steps, once for each step that the call has taken. */
@FunctionalInterface
interface StepCondition {

    /**
     * Whether the next step is to be the last of the call.
     *
     * @param score of the step before, over all ranks in step
     */
    boolean isMet(double score);
}
