package io.gyre.training;

/**
 * One rank's replica of a model, as {@link StepDriver} takes it through a step. What it does by default suits a model
 * whose gradients are sums in the host's memory.
 */
public interface StepModel extends TrainableModel {

    /**
     * This rank has computed a bucket, and makes it ready to be added to those of other ranks.
     *
     * @param ownExamples behind its gradients
     */
    default void complete(Bucket bucket, long ownExamples) {}

    /** Begins to make a complete bucket readable on the host, while others are still computed. */
    default void beginReduction(Bucket bucket) {}

    /** Begins to make all buckets, which are complete, readable on the host. */
    default void beginReduction() {}

    /** Access to the gradients for the thread that computes. */
    default HostAccess hostAccess() {
        return HostAccess.DIRECT;
    }

    /** Access for the calling thread, if it reduces while another computes. It closes that. */
    default HostAccess hostAccessOfAnotherThread() {
        return HostAccess.DIRECT;
    }

    /** A bucket is about to be reduced; notices if it has changed since {@link #complete}. */
    default void checkUnchanged(Bucket bucket) {}

    /** All buckets are reduced; whoever computes may use them again. */
    default void endReduction() {}

    /** Undoes what {@link #complete} has done to gradients that are no sums. */
    default void reduced(StepSummary total) {}

    /** Somebody else has written {@link #parameters}. */
    default void parametersChanged() {}

    /** Counts the step, and tells whoever listens to the model. */
    default void endStep(StepSummary total) {}
}
