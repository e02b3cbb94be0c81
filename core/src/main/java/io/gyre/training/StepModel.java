package io.gyre.training;

/**
 * One rank's replica of a model, as {@link StepDriver} uses it in a step. The defaults suit a model whose gradients are
 * sums in the host's memory.
 */
public interface StepModel extends TrainableModel {

    /**
     * Prepares a bucket that this rank has computed for being added to those of other ranks.
     *
     * @param ownExamples number of examples behind its gradients
     */
    default void complete(Bucket bucket, long ownExamples) {}

    /** Starts to make a complete bucket readable on the host, while others are still being computed. */
    default void beginReduction(Bucket bucket) {}

    /** Starts to make all buckets, which are complete, readable on the host. */
    default void beginReduction() {}

    /** Access to the gradients for the computing thread. */
    default HostAccess hostAccess() {
        return HostAccess.DIRECT;
    }

    /** Access to the gradients for the calling thread, if it reduces while another computes. The caller closes it. */
    default HostAccess hostAccessOfAnotherThread() {
        return HostAccess.DIRECT;
    }

    /** Called before a bucket is reduced; detects whether it has changed since {@link #complete}. */
    default void checkUnchanged(Bucket bucket) {}

    /**
     * Adds up the gradients of the ranks without the strategy's reduction, but only those of which this rank computes
     * the update. Called after the pass, when all buckets are {@link #complete}; all ranks in step do the same.
     *
     * @return false if nothing was done: buckets are then reduced one by one
     */
    default boolean reduceOwnChunk(long step) {
        return false;
    }

    /** All buckets are reduced, and may be used for computing again. */
    default void endReduction() {}

    /** Undoes what {@link #complete} did to gradients that are not sums. */
    default void reduced(StepSummary total) {}

    /** Called after others have written {@link #parameters}. */
    default void parametersChanged() {}

    /** Counts the step, and notifies the model's listeners. */
    default void endStep(StepSummary total) {}
}
