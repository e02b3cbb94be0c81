package io.gyre.training;

import io.gyre.Member;
import io.gyre.network.Activity;
import io.gyre.network.WaitObserver;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * Where a rank is in its steps, and for whom it waits, for another thread to look at.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread of the step writes the place, and whoever waits the wait; any thread may read. What is read together
 *       belongs together if the rank does not move meanwhile.
 *   <dt>Cost
 *   <dd>A store for each phase, without a fence; nothing is allocated, and no clock is read.
 * </dl>
 */
public final class StepPlace implements WaitObserver {

    /** Position outside of a call that trains. */
    private static final long OUTSIDE = -1;

    /** Bits of a position for the phase; the step has the rest. */
    private static final int PHASE_BITS = 4;

    private static final VarHandle POSITION;
    private static final VarHandle ENDED;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            POSITION = lookup.findVarHandle(StepPlace.class, "position", long.class);
            ENDED = lookup.findVarHandle(StepPlace.class, "ended", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    @SuppressWarnings("UnusedVariable") // Read and written through the handles.
    private long position = OUTSIDE;

    private long ended;
    private volatile @Nullable Thread thread;

    // Of the last wait that has become long; the activity is null once it has ended. Written before it.
    private @Nullable Member peer;
    private String operation = "";
    private int bucket;
    private long sinceNanos;
    private volatile @Nullable Activity waiting;

    /** A wait for another rank, as it was when somebody looked. */
    public record Wait(@Nullable Member peer, String operation, int bucket, long sinceNanos) {

        /** In words: {@code rank 1 on bee (process 4711) in all-reduce (ring) of bucket 3}. */
        @Override
        public String toString() {
            return peer + " in " + operation + (bucket < 0 ? "" : " of bucket " + bucket);
        }
    }

    /** The current thread begins to train: steps follow, the first of which is not begun. */
    public void begin(long step) {
        thread = Thread.currentThread();
        enter(step, StepPhase.LOAD);
    }

    /** The thread is in another phase. */
    @SuppressWarnings("EnumOrdinal") // It does not leave the process.
    public void enter(long step, StepPhase phase) {
        POSITION.setRelease(this, step << PHASE_BITS | phase.ordinal());
    }

    /** A step has ended. */
    public void stepEnded() {
        ENDED.setRelease(this, ended + 1);
    }

    /** The thread trains no more, for now. */
    public void leave() {
        POSITION.setRelease(this, OUTSIDE);
    }

    @Override
    public void waitBegan(Activity activity, long beginNanos) {
        peer = activity.peer();
        operation = activity.operation();
        bucket = activity.bucket();
        sinceNanos = beginNanos;
        waiting = activity;
    }

    @Override
    @SuppressWarnings("ReferenceEquality") // Another thread may have begun another wait.
    public void waitEnded(Activity activity, @Nullable Member ofPeer, long beginNanos, long endNanos) {
        if (waiting == activity) {
            waiting = null;
        }
    }

    /** A number that is another one in each phase of each step; negative outside of a call that trains. */
    public long position() {
        return (long) POSITION.getAcquire(this);
    }

    /** The step of a position that is not negative. */
    public static long stepAt(long position) {
        return position >> PHASE_BITS;
    }

    /** The phase of a position that is not negative. */
    public static StepPhase phaseAt(long position) {
        return StepPhase.of((int) position & ((1 << PHASE_BITS) - 1));
    }

    /** Number of steps that have ended so far, also without examples. */
    public long stepsEnded() {
        return (long) ENDED.getAcquire(this);
    }

    /** The thread that trains, or has trained last; null before the first step. */
    public @Nullable Thread thread() {
        return thread;
    }

    /** The present long wait of any of this rank's threads; null if there is none. */
    public @Nullable Wait waiting() {
        return waiting == null ? null : new Wait(peer, operation, bucket, sinceNanos);
    }
}
