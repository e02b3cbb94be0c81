package io.gyre.metrics;

import io.gyre.training.StepPhase;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/** The meters of one rank. Volatile fields are read when a registry is. */
final class Meters {

    /** The first bucket is that of fresh gradients: Micrometer takes no bound of 0, and staleness is a whole number. */
    private static final double[] STALENESS_BOUNDS = {0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32};

    final Counter membersEnded;
    final Counter membersReturned;
    final Counter stalls;
    final Counter failures;

    volatile int epoch;
    volatile double loss = Double.NaN;
    volatile long bytesSent;
    volatile long heapBytes;
    volatile long residentBytes;

    /** When the last phase ended; used by the thread that trains. */
    long endNanos;

    private final MeterRegistry registry;
    private final Tags tags;
    private final Map<StepPhase, Timer> phases = new EnumMap<>(StepPhase.class);
    private final Timer steps;
    private final Timer buckets;
    private final Counter examples;
    private final Counter skipped;
    private final DistributionSummary staleness;
    private volatile long lastStep = -1;

    /** By the number of the awaited rank; a new array when it grows. Guarded by this object when it changes. */
    private volatile @Nullable Timer[] waits = new Timer[0];

    Meters(MeterRegistry registry, int rank) {
        this.registry = registry;
        tags = Tags.of("rank", String.valueOf(rank));
        steps = timer("gyre.step.duration", "Time of a step with examples, its wait for them included", tags);
        buckets = timer("gyre.bucket.reduction.duration", "Time to reduce a bucket of gradients", tags);
        for (StepPhase phase : StepPhase.values()) {
            phases.put(
                    phase,
                    timer(
                            "gyre.phase.duration",
                            "Time of a phase of a step",
                            tags.and("phase", phase.name().toLowerCase(Locale.ROOT))));
        }
        examples = counter("gyre.examples", "Examples of all ranks in step");
        skipped = counter("gyre.steps.skipped", "Steps whose update was skipped after an overflow");
        membersEnded = counter("gyre.members.ended", "Other ranks that have left or were lost");
        membersReturned = counter("gyre.members.returned", "Lost ranks whose seat another process has taken");
        stalls = counter("gyre.stalls", "Times that no step has ended for too long");
        failures = counter("gyre.failures", "Calls that train and have failed");
        staleness = DistributionSummary.builder("gyre.staleness")
                .description("Staleness of the gradients that this rank has pushed to servers")
                .baseUnit("steps")
                .serviceLevelObjectives(STALENESS_BOUNDS)
                .tags(tags)
                .register(registry);
        FunctionCounter.builder("gyre.sent", this, meters -> (double) meters.bytesSent)
                .description("Payload that this rank has sent since it joined")
                .baseUnit("bytes")
                .tags(tags)
                .register(registry);
        gauge("gyre.loss", null, "Mean loss of the last step over the examples of all ranks", meters -> meters.loss);
        gauge("gyre.epoch", null, "Present epoch, from 0", meters -> meters.epoch);
        gauge("gyre.step", null, "Number of the last step with examples, from 0", meters -> (double) meters.lastStep);
        gauge("gyre.heap.used", "bytes", "Used heap", meters -> (double) meters.heapBytes);
        gauge("gyre.memory.resident", "bytes", "Resident memory of the process", meters ->
                (double) meters.residentBytes);
    }

    private Timer timer(String name, String description, Tags of) {
        return Timer.builder(name).description(description).tags(of).register(registry);
    }

    private Counter counter(String name, String description) {
        return Counter.builder(name).description(description).tags(tags).register(registry);
    }

    private void gauge(String name, @Nullable String unit, String description, ToDoubleFunction<Meters> value) {
        Gauge.builder(name, this, value)
                .description(description)
                .baseUnit(unit)
                .tags(tags)
                .strongReference(true)
                .register(registry);
    }

    void phase(StepPhase phase, long nanos) {
        Timer timer = phases.get(phase);
        if (timer != null) {
            timer.record(nanos, TimeUnit.NANOSECONDS);
        }
    }

    void bucket(long nanos) {
        buckets.record(nanos, TimeUnit.NANOSECONDS);
    }

    void step(long number, long nanos, long ofAllRanks, boolean isSkipped) {
        lastStep = number;
        steps.record(nanos, TimeUnit.NANOSECONDS);
        examples.increment((double) ofAllRanks);
        skipped.increment(isSkipped ? 1 : 0);
    }

    void staleness(long inSteps) {
        staleness.record((double) inSteps);
    }

    void waited(int forRank, long nanos) {
        @Nullable Timer[] known = waits;
        Timer timer = forRank < known.length ? known[forRank] : null;
        if (timer == null) {
            timer = addWait(forRank);
        }
        timer.record(nanos, TimeUnit.NANOSECONDS);
    }

    private synchronized Timer addWait(int forRank) {
        Timer timer = timer(
                "gyre.wait.duration",
                "Time of a long wait for another rank, of any thread",
                tags.and("awaited", String.valueOf(forRank)));
        @Nullable Timer[] more = Arrays.copyOf(waits, Math.max(waits.length, forRank + 1));
        more[forRank] = timer;
        waits = more;
        return timer;
    }
}
