package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.ElementType;
import io.gyre.World;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.session.Groups;
import io.gyre.session.Session;
import io.gyre.training.BucketPlan;
import io.gyre.training.GradientProgress;
import io.gyre.training.LocalSettings;
import io.gyre.training.LocalSteps;
import io.gyre.training.Span;
import io.gyre.training.StepDriver;
import io.gyre.training.StepModel;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import io.gyre.training.StepWork;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The equations of core's local steps, on parameters whose gradient is known. It is here because core has no
 * collective.
 */
@Timeout(60)
class LocalStepsTest {

    private static final double RATE = 0.25;
    private static final double START = 10;

    /** Examples of three ranks in a step: different ones, and sometimes none on some ranks. */
    private static long examples(int rank, int step) {
        return rank == 1 && step % 3 == 1 ? 0 : 1 + (rank + step) % 3;
    }

    /** Where a rank's examples pull a parameter. */
    private static double target(int rank, int element) {
        return rank * rank - 3 * rank + element % 5;
    }

    /** Parameters, and the sums of the gradients of half the squared distance to each rank's own targets. */
    private record Model(
            ElementType elementType,
            Region parameters,
            Region gradients,
            BucketPlan bucketPlan,
            List<Span> statistics,
            List<String> updates)
            implements StepModel {

        static Model of(ElementType type, int length, List<Span> statistics) {
            return new Model(
                    type,
                    Region.allocate("parameters", (long) length * type.bytes()),
                    Region.allocate("gradients", (long) length * type.bytes()),
                    BucketPlan.of(List.of((long) length), (length + 1) / 2),
                    statistics,
                    new ArrayList<>());
        }

        int length() {
            return (int) bucketPlan.elements();
        }

        double get(Region region, int element) {
            return elementType == ElementType.FLOAT32 ? region.getFloat(element * 4L) : region.getDouble(element * 8L);
        }

        void set(Region region, int element, double value) {
            if (elementType == ElementType.FLOAT32) {
                region.putFloat(element * 4L, (float) value);
            } else {
                region.putDouble(element * 8L, value);
            }
        }

        @Override
        public int epoch() {
            return 0;
        }

        @Override
        public List<Region> state() {
            return List.of(parameters);
        }

        /** Plain gradient descent. */
        @Override
        public void update(StepSummary total) {
            updates.add(total.examples() + " of " + total.reports().size());
            for (int i = 0; i < length(); i++) {
                set(parameters, i, get(parameters, i) - RATE * get(gradients, i) / total.examples());
            }
        }

        @Override
        public void averageGradients(StepSummary total) {
            throw new UnsupportedOperationException("no server updates");
        }

        List<Double> values() {
            List<Double> values = new ArrayList<>();
            for (int i = 0; i < length(); i++) {
                values.add(get(parameters, i));
            }
            return values;
        }
    }

    private record Work(Model model, int rank, long examples) implements StepWork {

        @Override
        public double backward(@Nullable GradientProgress progress) {
            for (int i = 0; i < model.length(); i++) {
                model.set(
                        model.gradients(),
                        i,
                        examples == 0 ? 0 : examples * (model.get(model.parameters(), i) - target(rank, i)));
            }
            return 0;
        }

        @Override
        public StepReport report(double loss) {
            return StepReport.of(examples, loss, false);
        }

        @Override
        public void check(StepSummary total) {
            // The results show it.
        }
    }

    /** What is trained, and how. */
    private record Training(ElementType type, int length, List<Span> statistics, int steps, boolean overlap) {

        static Training ofDoubles(int length, int steps) {
            return new Training(ElementType.FLOAT64, length, List.of(), steps, false);
        }
    }

    /** The parameters of every rank after each step, and at last after the end. */
    private static List<List<List<Double>>> paths(
            int ranks, Training training, Function<Session, UpdateStrategy> strategies) throws InterruptedException {
        return Gyre.local(ranks).call(session -> {
            int rank = session.world().rank();
            Model model = Model.of(training.type(), training.length(), training.statistics());
            for (int i = 0; i < training.length(); i++) {
                model.set(model.parameters(), i, rank == 0 ? START : 99);
            }
            UpdateStrategy strategy = strategies.apply(session);
            List<List<Double>> path = new ArrayList<>();
            try (StepDriver driver = new StepDriver(session, strategy, model, training.overlap(), List.of())) {
                driver.start();
                driver.resume(0);
                for (int step = 0; step < training.steps(); step++) {
                    driver.step(new Work(model, rank, examples(rank, step)), step);
                    path.add(model.values());
                }
                // A step in which no rank has examples is begun, but not taken.
                driver.step(new Work(model, rank, 0), training.steps());
                driver.finish();
            }
            path.add(model.values());
            return path;
        });
    }

    private static UpdateStrategy alone(Session session, LocalSettings settings) {
        return LocalSteps.of(settings, Collectives.choose(session.endpoint()));
    }

    private static List<List<Double>> ends(List<List<List<Double>>> paths) {
        return paths.stream().map(path -> path.get(path.size() - 1)).toList();
    }

    /** One parameter on three ranks, step by step as the papers say. */
    private static final class Reference {

        private final double[] w = {START, START, START};
        private final double[] n = new double[3];
        private double anchor = START;
        private double velocity;

        void synchronousStep(int step) {
            double sum = 0;
            double all = 0;
            for (int rank = 0; rank < 3; rank++) {
                sum += examples(rank, step) * (w[rank] - target(rank, 0));
                all += examples(rank, step);
            }
            for (int rank = 0; rank < 3; rank++) {
                w[rank] -= RATE * sum / all;
            }
            anchor = w[0];
        }

        void localStep(int step) {
            for (int rank = 0; rank < 3; rank++) {
                if (examples(rank, step) > 0) {
                    w[rank] -= RATE * (w[rank] - target(rank, 0));
                }
                n[rank] += examples(rank, step);
            }
        }

        /** The weighted mean of how far the ranks have moved. */
        double moved() {
            double sum = 0;
            double all = 0;
            for (int rank = 0; rank < 3; rank++) {
                sum += n[rank] * (anchor - w[rank]);
                all += n[rank];
                n[rank] = 0;
            }
            return sum / all;
        }

        void descend(double d, double rate, double momentum) {
            velocity = momentum * velocity + d;
            anchor -= rate * (d + momentum * velocity);
        }

        void synchronise(double rate, double momentum) {
            descend(moved(), rate, momentum);
            for (int rank = 0; rank < 3; rank++) {
                w[rank] = anchor;
            }
        }

        void assertIs(List<List<List<Double>>> paths, int step, int element) {
            for (int rank = 0; rank < 3; rank++) {
                assertThat(paths.get(rank).get(step).get(element))
                        .as("rank %d after step %d", rank, step)
                        .isCloseTo(w[rank], within(1e-12));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyStepWithPlainDescentIsSynchronousTraining(ElementType type) throws Exception {
        Training training = new Training(type, 2_500, List.of(new Span(3, 4)), 9, false);
        List<List<List<Double>>> synchronous =
                paths(3, training, session -> new Synchronous(Collectives.choose(session.endpoint())));
        double rounding = type == ElementType.FLOAT32 ? 1e-5 : 1e-12;

        for (LocalSettings settings : List.of(
                LocalSettings.postLocal(0, 1),
                LocalSettings.diloco(1, 1, 1, 0),
                // The outer update itself, with a momentum that has no effect.
                LocalSettings.diloco(1, 1, 1, 1e-300))) {
            List<List<List<Double>>> local = paths(3, training, session -> alone(session, settings));
            for (int step = 0; step <= 9; step++) {
                for (int i = 0; i < 2_500; i++) {
                    assertThat(local.get(2).get(step).get(i))
                            .isCloseTo(synchronous.get(2).get(step).get(i), within(rounding));
                }
                assertThat(local.get(1).get(step)).isEqualTo(local.get(0).get(step));
            }
        }
        assertThat(synchronous.get(0).get(9).get(0)).isNotCloseTo(START, within(0.1));
    }

    @Test
    void postLocalIsSynchronousFirstAndThenMeetsInTheMean() throws Exception {
        List<List<List<Double>>> paths =
                paths(3, Training.ofDoubles(1, 11), session -> alone(session, LocalSettings.postLocal(4, 3)));

        Reference reference = new Reference();
        for (int step = 0; step < 11; step++) {
            if (step < 4) {
                reference.synchronousStep(step);
            } else {
                reference.localStep(step);
                if (step == 6 || step == 9) {
                    reference.synchronise(1, 0);
                }
            }
            reference.assertIs(paths, step, 0);
        }
        assertThat(paths.get(0).get(5)).isNotEqualTo(paths.get(1).get(5));
        reference.synchronise(1, 0);
        reference.assertIs(paths, 11, 0);
        assertThat(ends(paths)).containsOnly(ends(paths).get(0));
    }

    @Test
    void dilocoDescendsByTheOuterGradientWithNesterovMomentum() throws Exception {
        List<List<List<Double>>> paths =
                paths(3, Training.ofDoubles(1, 8), session -> alone(session, LocalSettings.diloco(3, 1, 0.7, 0.9)));

        Reference reference = new Reference();
        for (int step = 0; step < 8; step++) {
            reference.localStep(step);
            if (step == 2 || step == 5) {
                reference.synchronise(0.7, 0.9);
            }
            reference.assertIs(paths, step, 0);
        }
        // What is left of a period is synchronised at the end.
        reference.synchronise(0.7, 0.9);
        reference.assertIs(paths, 8, 0);
        assertThat(ends(paths)).containsOnly(ends(paths).get(0));
    }

    @Test
    void statisticsFollowTheirMeanWithoutMomentum() throws Exception {
        Training training = new Training(ElementType.FLOAT64, 6, List.of(new Span(5, 1)), 6, false);

        // The elements 0 and 5 have the same targets.
        List<List<List<Double>>> paths =
                paths(3, training, session -> alone(session, LocalSettings.diloco(2, 1, 0.7, 0.9)));

        Reference trained = new Reference();
        Reference averaged = new Reference();
        for (int step = 0; step < 6; step++) {
            trained.localStep(step);
            averaged.localStep(step);
            if (step % 2 == 1) {
                trained.synchronise(0.7, 0.9);
                averaged.synchronise(1, 0);
            }
            trained.assertIs(paths, step, 0);
            averaged.assertIs(paths, step, 5);
        }
    }

    @Test
    void eachFragmentHasItsOwnSteps() throws Exception {
        // Elements 0 and 5 have the same targets, and are in different halves.
        List<List<List<Double>>> paths =
                paths(3, Training.ofDoubles(6, 9), session -> alone(session, LocalSettings.diloco(4, 2, 0.7, 0.9)));

        Reference first = new Reference();
        Reference second = new Reference();
        for (int step = 0; step < 9; step++) {
            first.localStep(step);
            second.localStep(step);
            if (step % 4 == 1) {
                first.synchronise(0.7, 0.9);
            }
            if (step % 4 == 3) {
                second.synchronise(0.7, 0.9);
            }
            first.assertIs(paths, step, 0);
            second.assertIs(paths, step, 5);
        }
        assertThat(ends(paths)).containsOnly(ends(paths).get(0));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLateResultKeepsWhatHasMovedMeanwhile(boolean overlap) throws Exception {
        Training training = new Training(ElementType.FLOAT64, 1, List.of(), 8, overlap);
        List<List<List<Double>>> paths = paths(
                3,
                training,
                session -> alone(session, LocalSettings.diloco(3, 1, 0.7, 0.9).delayed(1)));

        Reference reference = new Reference();
        double moved = 0;
        double[] sent = {};
        for (int step = 0; step < 8; step++) {
            reference.localStep(step);
            if (step == 3 || step == 6) {
                reference.descend(moved, 0.7, 0.9);
                for (int rank = 0; rank < 3; rank++) {
                    reference.w[rank] = reference.anchor + (reference.w[rank] - sent[rank]);
                }
            }
            if (step == 2 || step == 5) {
                double[] counted = reference.n.clone();
                moved = reference.moved();
                sent = reference.w.clone();
                assertThat(counted).doesNotContain(0);
            }
            reference.assertIs(paths, step, 0);
        }
        reference.synchronise(0.7, 0.9);
        reference.assertIs(paths, 8, 0);
        assertThat(ends(paths)).containsOnly(ends(paths).get(0));
    }

    @ParameterizedTest(name = "{0} fragments, {1} step late")
    @CsvSource({"1, 0", "1, 1", "3, 0", "3, 1", "7, 1"})
    void allRanksEndWithTheSameBitsWithAndWithoutOverlap(int fragments, int delay) throws Exception {
        LocalSettings settings = LocalSettings.diloco(7, fragments, 0.7, 0.9).delayed(delay);
        List<Span> statistics = List.of(new Span(700, 900), new Span(2_400, 3));
        Training training = new Training(ElementType.FLOAT32, 2_500, statistics, 17, false);

        List<List<Double>> after = ends(paths(3, training, session -> alone(session, settings)));
        List<List<Double>> during = ends(paths(
                3,
                new Training(ElementType.FLOAT32, 2_500, statistics, 17, true),
                session -> alone(session, settings)));

        assertThat(after).containsOnly(after.get(0));
        assertThat(during).isEqualTo(after);
        assertThat(after.get(0)).allMatch(Double::isFinite);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aGroupIsOneRankToTheOthers(boolean overlap) throws Exception {
        Groups groups = new Groups(List.of(List.of(0), List.of(1, 2)));
        Training training = new Training(ElementType.FLOAT64, 3, List.of(), 8, overlap);

        List<List<List<Double>>> paths = paths(3, training, session -> {
            Collective all = Collectives.choose(session.endpoint());
            Collective group = Collectives.choose(
                    session.group(groups.of(session.world().rank())).endpoint());
            LocalSettings settings = LocalSettings.diloco(3, 1, 0.7, 0.9).delayed(overlap ? 1 : 0);
            UpdateStrategy strategy = LocalSteps.inGroups(settings, all, group, groups);
            assertThat(strategy.name()).isEqualTo("hybrid");
            assertThat(strategy.description()).startsWith("hybrid, groups [0] [1, 2], diloco, every 3 steps");
            return strategy;
        });

        for (int step = 0; step < 8; step++) {
            assertThat(paths.get(2).get(step)).isEqualTo(paths.get(1).get(step));
        }
        assertThat(paths.get(0).get(1)).isNotEqualTo(paths.get(1).get(1));
        assertThat(ends(paths)).containsOnly(ends(paths).get(0));
        // The first local step of the group: both ranks' examples, and those of nobody else.
        double sum = 0;
        for (int rank = 1; rank < 3; rank++) {
            sum += examples(rank, 0) * (START - target(rank, 0));
        }
        assertThat(paths.get(1).get(0).get(0))
                .isCloseTo(START - RATE * sum / (examples(1, 0) + examples(2, 0)), within(1e-12));
    }

    /** What a rank has applied, and with what it ended. */
    private record Seen(List<String> updates, List<Double> values) {}

    @Test
    void aRankAppliesItsOwnExamplesAndTakesOverTheOthersParametersIfItHasNone() throws Exception {
        List<Seen> seen = Gyre.local(2).call(session -> {
            int rank = session.world().rank();
            Model model = Model.of(ElementType.FLOAT64, 1, List.of());
            UpdateStrategy strategy = alone(session, LocalSettings.postLocal(1, 2));
            assertThat(strategy.reduction().ranks(new World(rank, 2))).containsExactly(0, 1);
            assertThat(strategy.reduction().equalRanks(new World(rank, 2))).containsExactly(rank);
            try (StepDriver driver = new StepDriver(session, strategy, model, false, List.of())) {
                driver.start();
                driver.resume(0);
                for (int step = 0; step < 3; step++) {
                    StepSummary total = driver.step(new Work(model, rank, rank == 0 ? 4 : step == 0 ? 1 : 0), step);
                    assertThat(total.reports()).hasSize(2);
                }
                List<Double> values = model.values();
                driver.finish();
                assertThat(model.values()).isEqualTo(values);
            }
            return new Seen(model.updates(), model.values());
        });

        assertThat(seen.get(0).updates()).containsExactly("5 of 2", "4 of 1", "4 of 1");
        assertThat(seen.get(1).updates()).containsExactly("5 of 2");
        assertThat(seen.get(1).values()).isEqualTo(seen.get(0).values());
    }

    @Test
    void aRankThatFailsInALocalStepEndsTheOthers() {
        assertThatThrownBy(() -> Gyre.local(3).run(session -> {
                    int rank = session.world().rank();
                    Model model = Model.of(ElementType.FLOAT32, 1, List.of());
                    try (StepDriver driver = new StepDriver(
                            session, alone(session, LocalSettings.diloco(100, 1, 0.7, 0.9)), model, false, List.of())) {
                        driver.start();
                        driver.resume(0);
                        for (int step = 0; step < 1_000; step++) {
                            if (rank == 1 && step == 5) {
                                throw new IllegalStateException("the disk is full");
                            }
                            driver.step(new Work(model, rank, 1), step);
                        }
                    }
                }))
                .hasMessageContaining("rank 1")
                .hasStackTraceContaining("the disk is full");
    }

    @Test
    void aCollectiveOfAnotherGroupIsRejected() throws Exception {
        Gyre.local(3).run(session -> {
            Collective all = Collectives.choose(session.endpoint());
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> LocalSteps.inGroups(
                            LocalSettings.postLocal(0, 2), all, all, new Groups(List.of(List.of(0), List.of(1, 2)))))
                    .withMessageContaining("in the groups [0] [1, 2], was given a collective for rank");
            session.exchange("the end", new byte[0]);
        });
    }
}
