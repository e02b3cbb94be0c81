package io.gyre.training;

/**
 * Hears what a step spends its time with. Times are {@link System#nanoTime}.
 *
 * <p>Called on the thread of the step, but for {@link #bucketReduced}, which the thread calls that reduces: it is done
 * before {@link StepPhase#REDUCE} ends. What an observer throws ends the step.
 */
public interface StepObserver {

    /** A phase has ended. */
    default void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {}

    /**
     * A bucket was reduced.
     *
     * @param beginNanos when it was complete on this rank and nothing before it was left to reduce
     */
    default void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {}

    /**
     * A step has ended.
     *
     * @param total what all in step have brought; if that is no examples, nothing was updated
     * @param bytesSent by this rank since it has joined
     */
    default void stepEnded(long step, StepSummary total, long bytesSent) {}

    /**
     * The steps of a call have ended.
     *
     * @param maxStaleness most steps by which any gradient was late
     */
    default void stepsEnded(long maxStaleness) {}
}
