package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.World;
import io.gyre.local.Gyre;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.training.Bucket;
import io.gyre.training.BucketPlan;
import io.gyre.training.GradientProgress;
import io.gyre.training.GradientReduction;
import io.gyre.training.ParameterExchange;
import io.gyre.training.StepDriver;
import io.gyre.training.StepModel;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import io.gyre.training.StepWork;
import io.gyre.training.Synchronous;
import io.gyre.training.TrainableModel;
import io.gyre.training.UpdateStrategy;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The fixed order of a step, and the calls of a custom codec, exchange and observer. It is here because core has no
 * collective.
 */
@Timeout(60)
class StepDriverTest {

    private static final int RANKS = 3;
    private static final BucketPlan PLAN = BucketPlan.of(List.of(2L, 3L, 4L), 4);

    /** Nine parameters that descend along their gradients, and a record of all calls. */
    private static final class Vectors implements StepModel {
        private final Region parameters = Region.allocate("parameters", PLAN.elements() * Float.BYTES);
        private final Region gradients;
        private final List<String> calls;

        Vectors(Region gradients, List<String> calls) {
            this.gradients = gradients;
            this.calls = calls;
        }

        @Override
        public ElementType elementType() {
            return ElementType.FLOAT32;
        }

        @Override
        public Region gradients() {
            return gradients;
        }

        @Override
        public BucketPlan bucketPlan() {
            return PLAN;
        }

        @Override
        public Region parameters() {
            return parameters;
        }

        @Override
        public int epoch() {
            return 0;
        }

        @Override
        public List<Region> state() {
            return List.of(parameters);
        }

        @Override
        public void reduced(StepSummary total) {
            calls.add("reduced");
        }

        @Override
        public void update(StepSummary total) {
            calls.add("update");
            for (long i = 0; i < PLAN.elements(); i++) {
                long at = i * Float.BYTES;
                parameters.putFloat(at, parameters.getFloat(at) - gradients.getFloat(at) / total.examples());
            }
        }

        @Override
        public void averageGradients(StepSummary total) {
            calls.add("average");
        }

        @Override
        public void endStep(StepSummary total) {
            calls.add("end");
        }

        List<Float> values() {
            List<Float> values = new ArrayList<>();
            for (long i = 0; i < PLAN.elements(); i++) {
                values.add(parameters.getFloat(i * Float.BYTES));
            }
            return values;
        }
    }

    /** Gradients equal to the element's number times a factor. */
    private record Work(Vectors model, long examples, float factor, boolean agrees) implements StepWork {

        @Override
        public double backward(@Nullable GradientProgress progress) {
            model.calls.add("backward");
            for (long i = PLAN.elements() - 1; i >= 0; i--) {
                model.gradients().putFloat(i * Float.BYTES, i * factor * examples);
                if (progress != null) {
                    progress.completeFrom(i);
                }
            }
            return 0.5;
        }

        @Override
        public StepReport report(double loss) {
            model.calls.add("report");
            return StepReport.of(examples, loss, false);
        }

        @Override
        public void check(StepSummary total) {
            model.calls.add("check");
            if (!agrees) {
                throw new GyreException("they do not agree");
            }
        }
    }

    /** A codec: every bucket is sent as bf16, so the sums are of rounded numbers. */
    private record Rounded(GradientReduction reduction) implements GradientReduction {

        @Override
        public List<Integer> ranks(World world) {
            return reduction.ranks(world);
        }

        @Override
        public MemoryBox allocate(long byteLength) {
            return reduction.allocate(byteLength);
        }

        @Override
        public void start(TrainableModel model, int source) {
            reduction.start(model, source);
        }

        @Override
        public void reduce(TrainableModel model, Bucket bucket, long step) {
            for (long i = bucket.offset(); i < bucket.offset() + bucket.length(); i++) {
                int bits = Float.floatToRawIntBits(model.gradients().getFloat(i * Float.BYTES));
                model.gradients().putFloat(i * Float.BYTES, Float.intBitsToFloat(bits & 0xffff_0000));
            }
            reduction.reduce(model, bucket, step);
        }

        @Override
        public StepSummary summarise(StepReport own, long step) {
            return reduction.summarise(own, step);
        }
    }

    /** An exchange: halves the parameters after every update. */
    private record Halved(List<String> calls) implements ParameterExchange {

        @Override
        public void before(TrainableModel model, long step) {
            calls.add("before " + step);
        }

        @Override
        public void after(TrainableModel model, StepSummary total, long step) {
            calls.add("after " + step);
            for (long at = 0; at < model.parameters().byteLength(); at += Float.BYTES) {
                model.parameters().putFloat(at, model.parameters().getFloat(at) / 2);
            }
        }
    }

    private record Strategy(String name, GradientReduction reduction, ParameterExchange exchange)
            implements UpdateStrategy {}

    /** An observer: records the phases of a step. */
    private record Phases(ConcurrentLinkedQueue<Object> seen) implements StepObserver {

        @Override
        public void phaseEnded(long step, StepPhase phase, long beginNanos, long endNanos) {
            // An observer that throws would only be dropped.
            seen.add(endNanos - beginNanos < 0 ? "negative" : phase);
        }

        @Override
        public void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {
            seen.add(endNanos - beginNanos < 0 ? "negative" : (Object) bucket.index());
        }

        @Override
        public void stepEnded(long step, StepSummary total, long bytesSent) {
            seen.add(total.examples() + " examples in step " + step);
        }

        @Override
        public void stepsEnded(long maxStaleness) {
            seen.add("all ended");
        }
    }

    /** What a rank did and saw. */
    private record Seen(List<String> calls, List<Object> events, List<Float> parameters) {}

    private static Seen train(Session session, boolean overlap, boolean rounded, long[] examples, float factor) {
        List<String> calls = new ArrayList<>();
        ConcurrentLinkedQueue<Object> events = new ConcurrentLinkedQueue<>();
        try (RingCollective ring = new RingCollective(session.endpoint())) {
            GradientReduction all = new Synchronous(ring).reduction();
            Strategy strategy = new Strategy("halved", rounded ? new Rounded(all) : all, new Halved(calls));
            try (MemoryBox box = strategy.reduction().allocate(PLAN.elements() * Float.BYTES)) {
                Vectors model = new Vectors(box.region(), calls);
                try (StepDriver driver =
                        new StepDriver(session, strategy, model, overlap, List.of(new Phases(events)))) {
                    driver.start();
                    driver.resume(0);
                    for (int step = 0; step < examples.length; step++) {
                        long own = session.world().rank() == 0 ? examples[step] : 0;
                        driver.step(new Work(model, own, factor, true), step);
                    }
                    driver.finish();
                }
                return new Seen(calls, List.copyOf(events), model.values());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aStepHasOneOrder(boolean overlap) throws Exception {
        List<Seen> all = Gyre.local(RANKS).call(session -> train(session, overlap, false, new long[] {2}, 1));

        for (Seen seen : all) {
            assertThat(seen.calls())
                    .containsExactly("before 0", "backward", "report", "check", "reduced", "update", "after 0", "end");
            assertThat(seen.parameters()).containsExactly(0f, -0.5f, -1f, -1.5f, -2f, -2.5f, -3f, -3.5f, -4f);
            assertThat(seen.events().stream().filter(StepPhase.class::isInstance))
                    .containsExactlyElementsOf(EnumSet.complementOf(EnumSet.of(StepPhase.LOAD)));
            assertThat(seen.events().stream().filter(Integer.class::isInstance)).containsExactly(0, 1, 2);
            assertThat(seen.events().indexOf(2)).isLessThan(seen.events().indexOf(StepPhase.REDUCE));
            assertThat(seen.events()).endsWith("2 examples in step 0", "all ended");
        }
    }

    @Test
    void aStepWithoutExamplesUpdatesNothingAndIsBegunOnce() throws Exception {
        List<Seen> all = Gyre.local(RANKS).call(session -> {
            List<String> calls = new ArrayList<>();
            try (RingCollective ring = new RingCollective(session.endpoint())) {
                Strategy strategy = new Strategy("halved", new Synchronous(ring).reduction(), new Halved(calls));
                Vectors model = new Vectors(Region.allocate("gradients", PLAN.elements() * Float.BYTES), calls);
                try (StepDriver driver = new StepDriver(session, strategy, model, false, List.of())) {
                    assertThat(driver.step(new Work(model, 0, 1, true), 4).examples())
                            .isZero();
                    driver.step(new Work(model, 0, 1, true), 4);
                }
                return new Seen(calls, List.of(), model.values());
            }
        });

        for (Seen seen : all) {
            assertThat(seen.calls())
                    .containsExactly("before 4", "backward", "report", "check", "backward", "report", "check");
            assertThat(seen.parameters()).containsOnly(0f);
        }
    }

    @Test
    void aRankAloneTakesOnlyStepsForWhichItHasExamplesAndReducesNothing() throws Exception {
        Seen seen = Gyre.local(1)
                .call(session -> train(session, true, false, new long[] {0, 1}, 2))
                .get(0);

        assertThat(seen.calls())
                .containsExactly(
                        "backward",
                        "report",
                        "check",
                        "before 1",
                        "backward",
                        "report",
                        "check",
                        "update",
                        "after 1",
                        "end");
        assertThat(seen.events()).doesNotContain(StepPhase.REDUCE, 0);
    }

    @Test
    void aCodecIsAReductionAroundAnother() throws Exception {
        float factor = 1.001f;
        float rounded = Float.intBitsToFloat(Float.floatToRawIntBits(factor) & 0xffff_0000);

        List<Seen> all = Gyre.local(RANKS).call(session -> train(session, false, true, new long[] {1}, factor));

        assertThat(all).allSatisfy(seen -> assertThat(seen.parameters().get(1)).isEqualTo(-rounded / 2));
    }

    @Test
    void whatDoesNotAgreeIsNotApplied() {
        List<String> calls = new ArrayList<>();

        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    try (RingCollective ring = new RingCollective(session.endpoint())) {
                        Vectors model = new Vectors(Region.allocate("gradients", PLAN.elements() * Float.BYTES), calls);
                        try (StepDriver driver =
                                new StepDriver(session, new Synchronous(ring), model, false, List.of())) {
                            driver.step(new Work(model, 1, 1, false), 0);
                        }
                    }
                }))
                .hasStackTraceContaining("they do not agree");

        assertThat(calls).containsExactly("backward", "report", "check");
    }

    @Test
    void anObserverThatThrowsIsToldNothingMoreAndTheStepsContinue() throws Exception {
        List<List<Object>> all = Gyre.local(2).call(session -> {
            try (RingCollective ring = new RingCollective(session.endpoint())) {
                Vectors model =
                        new Vectors(Region.allocate("gradients", PLAN.elements() * Float.BYTES), new ArrayList<>());
                ConcurrentLinkedQueue<Object> told = new ConcurrentLinkedQueue<>();
                ConcurrentLinkedQueue<Object> others = new ConcurrentLinkedQueue<>();
                StepObserver fails = new StepObserver() {
                    @Override
                    public void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {
                        told.add(bucket);
                        throw new AssertionError("the observer failed");
                    }

                    @Override
                    public void stepEnded(long step, StepSummary total, long bytesSent) {
                        told.add(total);
                    }
                };
                try (StepDriver driver = new StepDriver(
                        session, new Synchronous(ring), model, true, List.of(fails, new Phases(others)))) {
                    driver.step(new Work(model, 1, 1, true), 0);
                    driver.step(new Work(model, 1, 1, true), 1);
                }
                assertThat(others).contains("2 examples in step 0", "2 examples in step 1");
                return List.copyOf(told);
            }
        });

        assertThat(all)
                .allSatisfy(
                        told -> assertThat(told).containsExactly(PLAN.buckets().get(0)));
    }
}
