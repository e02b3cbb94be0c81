package io.gyre.metrics;

import io.gyre.Member;
import io.gyre.World;
import io.gyre.network.Activity;
import io.gyre.training.Bucket;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import io.gyre.training.StepSummary;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The training of one rank as meters of Micrometer. {@code docs/observability.md} lists their names, which follow the
 * conventions of Prometheus. One object may observe several trainers of a process, one after the other: counters go on.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>As {@link StepObserver}; a registry may be read by any thread meanwhile.
 *   <dt>Ownership
 *   <dd>The registry is borrowed. Meters stay in it.
 *   <dt>Cost
 *   <dd>A few additions to counters for each phase; nothing is allocated, except with the first wait for a rank.
 * </dl>
 */
public final class TrainingMetrics implements StepObserver {

    private final MeterRegistry registry;
    private volatile @Nullable Meters meters;
    private long firstNanos;
    private boolean inStep;

    /** Creates the meters of one rank; they are registered once the trainer is built, when the rank is known. */
    public TrainingMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    @Override
    public void trainingBegan(World world, List<Member> members) {
        if (meters == null) {
            meters = new Meters(registry, world.rank());
        }
    }

    /** The trainer tells of its beginning first. */
    private Meters meters() {
        Meters known = meters;
        if (known == null) {
            throw new IllegalStateException("no trainer has told these metrics that it has begun");
        }
        return known;
    }

    @Override
    public void epochBegan(long step, int epoch) {
        meters().epoch = epoch;
    }

    @Override
    public void phaseBegan(long step, StepPhase phase, long nanos) {
        if (!inStep) {
            inStep = true;
            firstNanos = nanos;
        }
    }

    @Override
    public void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {
        meters().phase(phase, endNanos - beginNanos);
        meters().endNanos = endNanos;
    }

    @Override
    public void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {
        meters().bucket(endNanos - beginNanos);
    }

    @Override
    public void waitEnded(Activity activity, @Nullable Member peer, long beginNanos, long endNanos) {
        // Ranks may wait for each other before the trainer is ready.
        Meters known = meters;
        if (known != null && peer != null) {
            known.waited(peer.rank(), endNanos - beginNanos);
        }
    }

    @Override
    public void pushed(long step, long staleness) {
        meters().staleness(staleness);
    }

    @Override
    public void stepEnded(long step, StepSummary total, long bytesSent) {
        inStep = false;
        Meters known = meters();
        known.bytesSent = bytesSent;
        if (total.examples() > 0) {
            known.loss = total.meanScore();
            known.step(step, known.endNanos - firstNanos, total.examples(), total.skipped());
        }
    }

    @Override
    public void memoryUsed(long step, long heapBytes, long residentBytes) {
        meters().heapBytes = heapBytes;
        meters().residentBytes = residentBytes;
    }

    @Override
    public void memberEnded(long step, Member member) {
        meters().membersEnded.increment();
    }

    @Override
    public void memberReturned(long step, Member member) {
        meters().membersReturned.increment();
    }

    @Override
    public void stalled(long step, String report) {
        meters().stalls.increment();
    }

    @Override
    public void trainingFailed(long step, Throwable failure) {
        meters().failures.increment();
    }
}
