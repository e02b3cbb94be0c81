package io.gyre.training;

/**
 * Observes how a step spends its time. Times are {@link System#nanoTime}.
 *
 * <p>Called on the thread of the step, except {@link #bucketReduced}, which is called on the thread that reduces: it is
 * done before {@link StepPhase#REDUCE} ends. An exception of an observer ends the step.
 */
public interface StepObserver {

    /** A phase has ended. */
    default void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {}

    /**
     * A bucket was reduced.
     *
     * @param beginNanos when it was complete on this rank and all earlier buckets were reduced
     */
    default void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {}

    /**
     * A step has ended.
     *
     * @param total the reports of all ranks in step; without examples, nothing was updated
     * @param bytesSent bytes sent by this rank since it joined
     */
    default void stepEnded(long step, StepSummary total, long bytesSent) {}

    /**
     * The steps of a call have ended.
     *
     * @param maxStaleness greatest staleness of any gradient in steps
     */
    default void stepsEnded(long maxStaleness) {}
}
