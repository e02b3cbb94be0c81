package io.gyre.training;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.gyre.ElementType;
import io.gyre.World;
import io.gyre.local.Gyre;
import io.gyre.memory.MemoryBox;
import io.gyre.network.Activity;
import io.gyre.session.Session;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What observers cost a step, and what one that throws does to it. */
@Timeout(60)
class StepObserversTest {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int WARM_UP = 20_000;
    private static final int STEPS = 20_000;

    /** Bytes per step, less than one object in a hundred steps: the JVM may have something to do on this thread. */
    private static final double LEAST = 0.16;

    private static final StepSummary SUMMARY = StepSummary.alone(StepReport.of(1, 0.5, false));

    /** Adds up all numbers that it is told. */
    private static final class Sums implements StepObserver {
        private long sum;

        @Override
        public void phaseBegan(long step, StepPhase phase, long nanos) {
            sum++;
        }

        @Override
        public void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {
            sum++;
        }

        @Override
        public void pushed(long step, long staleness) {
            sum += staleness;
        }

        @Override
        public void stepEnded(long step, StepSummary total, long bytesSent) {
            sum += total.examples();
        }
    }

    /** That of a rank alone, without a new summary for each step. */
    private static final class SameReport implements GradientReduction {
        private final NoReduction alone = new NoReduction();

        @Override
        public List<Integer> ranks(World world) {
            return alone.ranks(world);
        }

        @Override
        public MemoryBox allocate(long byteLength) {
            return alone.allocate(byteLength);
        }

        @Override
        public void start(TrainableModel model, int source) {
            alone.start(model, source);
        }

        @Override
        public void reduce(TrainableModel model, Bucket bucket, long step) {
            alone.reduce(model, bucket, step);
        }

        @Override
        public StepSummary summarise(StepReport own, long step) {
            return SUMMARY;
        }
    }

    /** A step without computation, whose reports are always the same object. */
    private record Strategy(GradientReduction reduction, ParameterExchange exchange) implements UpdateStrategy {

        Strategy() {
            this(new SameReport(), new ParameterExchange() {
                @Override
                public void apply(TrainableModel model, StepSummary total, long step) {
                    // The model does not learn.
                }

                @Override
                public long lastStaleness() {
                    return 2;
                }
            });
        }

        @Override
        public String name() {
            return "nothing";
        }
    }

    private static final class Work implements StepWork {
        @Override
        public long examples() {
            return 1;
        }

        @Override
        public double backward(@Nullable GradientProgress progress) {
            return 0.5;
        }

        @Override
        public StepReport report(double loss) {
            return SUMMARY.reports().get(0);
        }

        @Override
        public void check(StepSummary total) {
            // There is nothing to compare.
        }
    }

    private static StepDriver driver(Session session, StepObserver... observers) {
        return new StepDriver(
                session,
                new Strategy(),
                new PlayedModel(ElementType.FLOAT32, 4, new ArrayList<>()),
                false,
                List.of(observers));
    }

    /**
     * What steps allocate.
     *
     * @param bytesPerStep in the best round
     * @param steps of all rounds
     */
    private record Allocation(double bytesPerStep, long steps) {}

    /**
     * Measures rounds until one allocates nothing, or 20 s have passed: on a busy machine the first are not yet
     * compiled.
     */
    private static Allocation allocation(StepDriver driver) {
        Work work = new Work();
        long id = Thread.currentThread().getId();
        long step = 0;
        for (; step < WARM_UP; step++) {
            driver.step(work, step);
        }
        long least = Long.MAX_VALUE;
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (least >= LEAST * STEPS && System.nanoTime() - deadline < 0) {
            long before = THREADS.getThreadAllocatedBytes(id);
            for (long end = step + STEPS; step < end; step++) {
                driver.step(work, step);
            }
            least = Math.min(least, THREADS.getThreadAllocatedBytes(id) - before);
        }
        return new Allocation((double) least / STEPS, step);
    }

    @Test
    void aStepAllocatesNothingWhetherItIsObservedOrNot() throws Exception {
        Gyre.local(1).run(session -> {
            Sums sums = new Sums();
            Allocation without = allocation(driver(session));
            Allocation with = allocation(driver(session, sums));

            assertThat(without.bytesPerStep())
                    .as("bytes per step without observers")
                    .isLessThan(LEAST);
            assertThat(with.bytesPerStep())
                    .as("bytes per step with an observer")
                    .isLessThan(LEAST);
            // Six phases begin and end: a rank alone does not reduce, and the driver does not load. One push of
            // staleness 2, and one example.
            assertThat(sums.sum).isEqualTo(with.steps() * (6 + 6 + 2 + 1));
        });
    }

    @Test
    void anObserverThatThrowsInOneCallHearsNoOther() throws Exception {
        Gyre.local(1).run(session -> {
            List<String> told = new ArrayList<>();
            StepObserver fails = new StepObserver() {
                @Override
                public void epochBegan(long step, int epoch) {
                    told.add("epoch " + epoch);
                    throw new StackOverflowError("the observer failed");
                }

                @Override
                public void trainingEnded() {
                    told.add("end");
                }
            };
            Sums sums = new Sums();
            StepObservers observers = driver(session, fails, sums).observers();

            observers.epochBegan(0, 1);
            observers.epochBegan(0, 2);
            observers.pushed(0, 7);
            observers.trainingEnded();

            assertThat(told).containsExactly("epoch 1");
            assertThat(sums.sum).isEqualTo(7);
        });
    }

    @Test
    void thePlaceOfAStepIsItsPhase() {
        StepPlace place = new StepPlace();
        assertThat(place.position()).isNegative();

        place.begin(41);
        long first = place.position();
        place.enter(1L << 40, StepPhase.END);

        assertThat(StepPlace.stepAt(first)).isEqualTo(41);
        assertThat(StepPlace.phaseAt(first)).isEqualTo(StepPhase.LOAD);
        assertThat(StepPlace.stepAt(place.position())).isEqualTo(1L << 40);
        assertThat(StepPlace.phaseAt(place.position())).isEqualTo(StepPhase.END);
        assertThat(place.thread()).isSameAs(Thread.currentThread());
        place.leave();
        assertThat(place.position()).isNegative();
    }

    @Test
    void aWaitOfAnotherThreadDoesNotEndTheLastOne() {
        StepPlace place = new StepPlace();
        Activity reduces = new Activity();
        Activity fetches = new Activity();
        reduces.begin("all-reduce (ring)", 3, 1, 0);
        fetches.begin("broadcast", 3, -1, 0);

        place.waitBegan(reduces, 5);
        place.waitBegan(fetches, 6);
        place.waitEnded(reduces, null, 5, 7);

        assertThat(place.waiting()).isEqualTo(new StepPlace.Wait(null, "broadcast", -1, 6));
        place.waitEnded(fetches, null, 6, 8);
        assertThat(place.waiting()).isNull();
    }
}
