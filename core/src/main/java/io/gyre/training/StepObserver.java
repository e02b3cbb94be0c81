package io.gyre.training;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.network.WaitObserver;
import java.util.List;

/**
 * Observes the training of one rank: where its steps spend their time, for whom it waits, and what becomes of the other
 * ranks. All methods do nothing by default. Times are {@link System#nanoTime} of this process.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Called on the thread of the step, except {@link #bucketReduced}, which is called on the thread that reduces and
 *       is done before {@link StepPhase#REDUCE} ends, and {@link #waitBegan} and {@link #waitEnded}, which are called
 *       on any thread that waits, and {@link #stalled}. A step waits for its observers: they must be short, must not
 *       block, and must not call methods that all ranks call together.
 *   <dt>Ownership
 *   <dd>Arguments that are records may be kept. An {@link io.gyre.network.Activity} is reused: read it during the call.
 *   <dt>Failure
 *   <dd>An observer that throws is logged, and is told nothing more; the training continues without it.
 *   <dt>Cost
 *   <dd>Nothing is allocated for a call. Without observers, no clock is read that is not read anyway.
 * </dl>
 */
public interface StepObserver extends WaitObserver {

    /**
     * The trainer is ready: the first call.
     *
     * @param world this rank, and the number of ranks
     * @param members all of them, by rank
     */
    default void trainingBegan(World world, List<Member> members) {}

    /**
     * An epoch begins, or is continued by another call of {@code fit}.
     *
     * @param step the next one
     * @param epoch from 0
     */
    default void epochBegan(long step, int epoch) {}

    /** A phase begins. A step begins with its first phase. */
    default void phaseBegan(long step, StepPhase phase, long nanos) {}

    /** A phase has ended. */
    default void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {}

    /**
     * A bucket was reduced. If ranks add up all gradients at once, there is one call for all of them.
     *
     * @param beginNanos when it was complete on this rank and all earlier buckets were reduced
     */
    default void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {}

    /**
     * A gradient was pushed to servers.
     *
     * @param staleness its staleness in steps
     */
    default void pushed(long step, long staleness) {}

    /**
     * A step has ended.
     *
     * @param total the reports of all ranks in step; without examples, nothing was updated
     * @param bytesSent bytes sent by this rank since it joined
     */
    default void stepEnded(long step, StepSummary total, long bytesSent) {}

    /**
     * The memory of this process, about once a second, after a step.
     *
     * @param heapBytes used heap
     * @param residentBytes all memory of the process that is resident; 0 if the system does not tell
     */
    default void memoryUsed(long step, long heapBytes, long residentBytes) {}

    /** Another rank has left, or was lost, and the training continues. Noticed after the step. */
    default void memberEnded(long step, Member member) {}

    /** A process has taken the seat of a lost rank. Noticed after the step. */
    default void memberReturned(long step, Member member) {}

    /**
     * The steps of a call have ended.
     *
     * @param maxStaleness greatest staleness of any gradient in steps
     */
    default void stepsEnded(long maxStaleness) {}

    /**
     * No step has ended for too long. Called once for each stall, on a thread that does not train, while the one that
     * does may be in another method of this observer.
     *
     * @param report what {@link StallReport} logs
     */
    default void stalled(long step, String report) {}

    /** The training has failed on this rank, such as by the loss of another. */
    default void trainingFailed(long step, Throwable failure) {}

    /** The trainer is closed: the last call, also after a failure. */
    default void trainingEnded() {}
}
