package io.gyre.observe;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.network.Activity;
import io.gyre.observe.RecordedEvents.BucketReduction;
import io.gyre.observe.RecordedEvents.Push;
import io.gyre.observe.RecordedEvents.Stall;
import io.gyre.observe.RecordedEvents.Step;
import io.gyre.observe.RecordedEvents.StepPart;
import io.gyre.observe.RecordedEvents.Wait;
import io.gyre.training.Bucket;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import io.gyre.training.StepSummary;
import java.util.List;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/**
 * Writes what a rank does as events of the JDK's Flight Recorder: steps, phases, reductions of buckets, pushes, waits
 * for other ranks, and stalls. {@code docs/observability.md} lists them.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>As {@link StepObserver}. Event objects are reused by the one thread that calls; those of waits, which any
 *       thread may have, are new, and made only while waits are recorded.
 *   <dt>Cost
 *   <dd>While nothing is recorded, a check for each event.
 * </dl>
 */
public final class FlightRecorderEvents implements StepObserver {

    private static final int NO_RANK = -1;

    private final Step step = new Step();
    private final StepPart part = new StepPart();
    private final Push push = new Push();
    private final BucketReduction reduction = new BucketReduction();
    private int rank = NO_RANK;
    private int epoch;
    private boolean inStep;

    /** Whether this JVM has a recorder, and it has been started or configured. */
    public static boolean isInUse() {
        return FlightRecorder.isAvailable() && FlightRecorder.isInitialized();
    }

    @Override
    public void trainingBegan(World world, List<Member> members) {
        rank = world.rank();
    }

    @Override
    public void epochBegan(long next, int number) {
        epoch = number;
    }

    @Override
    public void phaseBegan(long number, StepPhase phase, long nanos) {
        if (!inStep) {
            inStep = true;
            step.begin();
        }
        part.begin();
    }

    @Override
    public void phaseEnded(long number, StepPhase phase, long beginNanos, long endNanos) {
        part.end();
        if (part.shouldCommit()) {
            part.rank = rank;
            part.step = number;
            part.phase = phase.name();
            part.commit();
        }
    }

    @Override
    public void bucketReduced(long number, Bucket bucket, long beginNanos, long endNanos) {
        if (reduction.shouldCommit()) {
            reduction.rank = rank;
            reduction.step = number;
            reduction.bucket = bucket.index();
            reduction.elements = bucket.length();
            reduction.took = endNanos - beginNanos;
            reduction.commit();
        }
    }

    @Override
    public void pushed(long number, long staleness) {
        if (push.shouldCommit()) {
            push.rank = rank;
            push.step = number;
            push.staleness = staleness;
            push.commit();
        }
    }

    @Override
    public void stepEnded(long number, StepSummary total, long bytesSent) {
        inStep = false;
        step.end();
        if (step.shouldCommit()) {
            step.rank = rank;
            step.step = number;
            step.epoch = epoch;
            step.examples = total.examples();
            step.loss = total.meanScore();
            step.bytesSent = bytesSent;
            step.commit();
        }
    }

    @Override
    public void waitEnded(Activity activity, @Nullable Member peer, long beginNanos, long endNanos) {
        if (Wait.TYPE.isEnabled()) {
            Wait wait = new Wait();
            wait.rank = rank;
            wait.step = activity.step();
            wait.bucket = activity.bucket();
            wait.operation = activity.operation();
            wait.awaitedRank = peer == null ? NO_RANK : peer.rank();
            wait.awaitedHost = peer == null ? "" : peer.host();
            wait.took = endNanos - beginNanos;
            wait.commit();
        }
    }

    @Override
    public void stalled(long number, String report) {
        Stall stall = new Stall();
        if (stall.shouldCommit()) {
            stall.rank = rank;
            stall.step = number;
            stall.report = report;
            stall.commit();
        }
    }
}
