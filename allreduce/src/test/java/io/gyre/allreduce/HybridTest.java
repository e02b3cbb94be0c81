package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.gyre.ElementType;
import io.gyre.World;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.session.Groups;
import io.gyre.session.Session;
import io.gyre.training.BucketPlan;
import io.gyre.training.GradientProgress;
import io.gyre.training.Hybrid;
import io.gyre.training.ParameterStore;
import io.gyre.training.SharedVector;
import io.gyre.training.StepDriver;
import io.gyre.training.StepModel;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import io.gyre.training.StepWork;
import io.gyre.training.Synchronous;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The equations of core's hybrid strategy, on a model of two numbers with a known gradient. It is here because core has
 * no collective.
 */
@Timeout(60)
class HybridTest {

    private static final double ALPHA = 0.3;
    private static final double RATE = 0.5;

    /** Parameters w, and the gradient of the squared distance to each rank's own target. */
    private record Model(Region parameters, Region gradients, BucketPlan bucketPlan) implements StepModel {

        static Model of() {
            return new Model(
                    Region.allocate("parameters", 16),
                    Region.allocate("gradients", 16),
                    BucketPlan.of(List.of(1L, 1L), 1));
        }

        @Override
        public ElementType elementType() {
            return ElementType.FLOAT64;
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
            set(parameters, get() - RATE * gradients.getDouble(0) / total.examples());
        }

        @Override
        public void averageGradients(StepSummary total) {
            gradients.putDouble(0, gradients.getDouble(0) / total.examples());
        }

        double get() {
            assertThat(parameters.getDouble(8)).isEqualTo(-parameters.getDouble(0));
            return parameters.getDouble(0);
        }

        void set(Region region, double value) {
            region.putDouble(0, value);
            region.putDouble(8, -value);
        }
    }

    /** A centre shared by all leads, which take turns: in each step the first group, then the second. */
    private static final class Centre implements SharedVector {
        private final Session leads;
        private final AtomicReference<Double> value;
        private Region reading = Region.allocate("nothing", 0);

        Centre(Session leads, AtomicReference<Double> value) {
            this.leads = leads;
            this.value = value;
        }

        @Override
        public void start(Region values) {
            if (leads.world().isRoot()) {
                value.set(values.getDouble(0));
            }
            leads.exchange("start", new byte[0]);
            read(values);
        }

        @Override
        public void read(Region into) {
            into.putDouble(0, value.get());
            into.putDouble(8, -value.get());
        }

        @Override
        public void beginRead(Region into) {
            // All begin before any adds, so each sees the centre as the previous step of all left it.
            leads.exchange("read", new byte[0]);
            reading = into;
            read(into);
            leads.exchange("have read", new byte[0]);
        }

        @Override
        public void awaitRead() {
            assertThat(reading.byteLength()).isEqualTo(16);
        }

        @Override
        public void beginAccumulate(Region delta) {
            value.accumulateAndGet(delta.getDouble(0), Double::sum);
        }

        @Override
        public void awaitAccumulate() {}

        @Override
        public void finish(Region into) {
            leads.exchange("finish", new byte[0]);
            read(into);
        }
    }

    /** A rank's work in a step. */
    private record Work(long examples, Runnable pass) implements StepWork {

        @Override
        public double backward(@Nullable GradientProgress progress) {
            pass.run();
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

    /**
     * Two groups, of two and of three ranks. Two groups of one rank each, with the mean targets, must give the same.
     */
    @ParameterizedTest(name = "every {0} steps, groups of {1}")
    @CsvSource({"1, several", "3, several", "1, one", "2, one"})
    void groupsMoveAsTheEquationsOfElasticAveragingSay(int period, String kind) throws Exception {
        boolean several = kind.equals("several");
        double[] targets = several ? new double[] {1, 2, -1, -2, -6} : new double[] {1.5, -3};
        Groups made = several ? new Groups(List.of(List.of(0, 1), List.of(2, 3, 4))) : Groups.ofOneRank(2);
        AtomicReference<Double> centre = new AtomicReference<>(0.0);
        int steps = 7;
        List<Double> ended = new ArrayList<>();

        List<List<Double>> paths = Gyre.local(targets.length).call(session -> {
            int rank = session.world().rank();
            Centre ofLead = made.isLead(rank) ? new Centre(session.group(made.leads()), centre) : null;
            Session group = session.group(made.of(rank));
            List<String> started = new ArrayList<>();
            try (RingOrDirect collective = new RingOrDirect(group)) {
                Hybrid strategy = Hybrid.elastic(
                        made, rank, collective.get(), ofLead, ALPHA, period, () -> started.add("started"));
                Model model = Model.of();
                model.set(model.parameters(), rank == 0 ? 10 : 99);
                StepDriver driver = new StepDriver(session, strategy, model, false, List.of());
                driver.start();
                assertThat(started).containsExactly("started");
                driver.resume(0);
                List<Double> path = new ArrayList<>();
                for (int step = 0; step < steps; step++) {
                    driver.step(new Work(1, () -> model.set(model.gradients(), model.get() - targets[rank])), step);
                    path.add(model.get());
                }
                // A step in which no rank has examples is begun, but not taken.
                driver.step(new Work(0, () -> model.set(model.gradients(), 0)), steps);
                driver.finish();
                path.add(model.get());
                return path;
            }
        });

        double[] w = {10, 10};
        double c = 10;
        for (int step = 0; step < steps; step++) {
            double read = c;
            for (int g = 0; g < 2; g++) {
                w[g] -= RATE * (w[g] - new double[] {1.5, -3}[g]);
                if ((step + 1) % period == 0) {
                    double d = ALPHA * (w[g] - read);
                    w[g] -= d;
                    c += d;
                }
                for (int rank : made.members().get(g)) {
                    assertThat(paths.get(rank).get(step))
                            .as("rank %d after step %d", rank, step)
                            .isCloseTo(w[g], within());
                    assertThat(paths.get(rank).get(step))
                            .isEqualTo(paths.get(made.members().get(g).get(0)).get(step));
                }
            }
        }
        for (List<Double> path : paths) {
            ended.add(path.get(steps));
        }
        assertThat(ended).containsOnly(ended.get(0));
        assertThat(ended.get(0)).isCloseTo(c, within());
    }

    private static org.assertj.core.data.Offset<Double> within() {
        return org.assertj.core.api.Assertions.within(1e-12);
    }

    /** Records its calls, and returns numbers that tell when they were made. */
    private static final class Store implements ParameterStore {
        private final List<String> calls;
        private final long ahead;
        private long pulling = -1;

        Store() {
            this(new ArrayList<>(), 0);
        }

        /**
         * Creates a store.
         *
         * @param ahead how many steps later a rank continues
         */
        Store(List<String> calls, long ahead) {
            this.calls = calls;
            this.ahead = ahead;
        }

        @Override
        public void start(Region parameters) {
            calls.add("start");
        }

        @Override
        public long resume(long step) {
            calls.add("resume " + step);
            return step + ahead;
        }

        @Override
        public boolean mayPullAhead() {
            return true;
        }

        @Override
        public void beginPull(long step) {
            assertThat(pulling).isEqualTo(-1);
            pulling = step;
        }

        @Override
        public void awaitPull(Region parameters) {
            calls.add("pull " + pulling);
            parameters.putDouble(0, (double) (100 + pulling));
            pulling = -1;
        }

        @Override
        public void push(Region gradient, long step, long examples, int epoch) {
            calls.add("push " + gradient.getDouble(0) + " of step " + step + ", " + examples + " examples");
        }

        @Override
        public void awaitPush() {}

        @Override
        public void finish(Region parameters) {
            calls.add("finish");
            parameters.putDouble(0, -1);
        }

        @Override
        public long maxStaleness() {
            return 5;
        }
    }

    @Test
    void theLeadPushesAndPullsForItsGroup() throws Exception {
        Groups groups = Groups.of(4, 2);

        List<List<String>> calls = Gyre.local(4).call(session -> {
            int rank = session.world().rank();
            Store ofLead = groups.isLead(rank) ? new Store() : null;
            try (RingOrDirect collective = new RingOrDirect(session.group(groups.of(rank)))) {
                Hybrid strategy = Hybrid.parameterServer(groups, rank, collective.get(), ofLead, "a store", () -> {});
                assertThat(strategy.exchange().checkpointObstacle())
                        .contains(ofLead == null ? "" : "do not train in step, and servers that save nothing");
                assertThat(strategy.reduction().ranks(new World(rank, 4))).isEqualTo(groups.of(rank));
                assertThat(strategy.description()).isEqualTo("hybrid, groups [0, 1] [2, 3], paramserver, a store");
                Model model = Model.of();
                StepDriver driver = new StepDriver(session, strategy, model, false, List.of());
                driver.start();
                driver.resume(7);
                for (long step = 7; step < 9; step++) {
                    double pulled = (double) (100 + step);
                    driver.step(
                            new Work(rank + 1, () -> {
                                assertThat(model.parameters().getDouble(0)).isEqualTo(pulled);
                                model.gradients().putDouble(0, rank + 1);
                            }),
                            step);
                }
                Work nothing = new Work(0, () -> model.gradients().putDouble(0, 0));
                driver.step(nothing, 9);
                driver.step(nothing, 9);
                driver.finish();
                assertThat(model.parameters().getDouble(0)).isEqualTo(-1);
                assertThat(strategy.exchange().maxStaleness()).isEqualTo(5);
                return ofLead == null ? List.of() : ofLead.calls;
            }
        });

        assertThat(calls.get(0))
                .containsExactly(
                        "start",
                        "resume 7",
                        "pull 7",
                        "push 1.0 of step 7, 3 examples",
                        "pull 8",
                        "push 1.0 of step 8, 3 examples",
                        "pull 9",
                        "finish");
        assertThat(calls.get(2)).contains("push 1.0 of step 8, 7 examples");
    }

    /** Each has its own parameters here, and the centre has others: all stay as they are. */
    @Test
    void aGroupThatContinuesBeginsWithItsOwnState() throws Exception {
        AtomicReference<Double> centre = new AtomicReference<>(5.0);
        Gyre.local(2).run(session -> {
            int rank = session.world().rank();
            Centre ofLead = rank == 0 ? new Centre(session.group(List.of(0)), centre) : null;
            try (RingOrDirect collective = new RingOrDirect(session)) {
                Hybrid strategy = Hybrid.elastic("0 of 2", new Synchronous(collective.get()), ofLead, ALPHA, 1, true);
                assertThat(strategy.description()).startsWith("hybrid, groups 0 of 2, elastic, ");
                Model model = Model.of();
                model.set(model.parameters(), rank == 0 ? 10 : 20);
                strategy.exchange().start(model);
                assertThat(model.get()).isEqualTo(rank == 0 ? 10 : 20);
                strategy.reduction().start(model, 1);
                assertThat(model.get()).isEqualTo(20);
                StepDriver driver = new StepDriver(session, strategy, model, false, List.of());
                assertThat(driver.resume(7)).isEqualTo(7);
                driver.step(new Work(1, () -> model.set(model.gradients(), 0)), 7);
                assertThat(model.get()).isCloseTo(20 - ALPHA * 15, within());
            }
        });
        assertThat(centre.get()).isCloseTo(5 + ALPHA * 15, within());
    }

    /** The lead of one that was lost as a whole is told where the others are. */
    @ParameterizedTest(name = "continues {0}")
    @CsvSource({"false, 12, start resume", "true, 7, resume"})
    void allOfAGroupThatBeginsAgainBeginAtTheStepOfItsLead(boolean continues, long begin, String called)
            throws Exception {
        Gyre.local(2).run(session -> {
            List<String> calls = new ArrayList<>();
            Store ofLead = session.world().isRoot() ? new Store(calls, continues ? 0 : 5) : null;
            try (RingOrDirect collective = new RingOrDirect(session)) {
                Hybrid strategy = Hybrid.parameterServer(
                        "0 of 2", new Synchronous(collective.get()), ofLead, "a store", continues);
                StepDriver driver = new StepDriver(session, strategy, Model.of(), false, List.of());
                driver.start();
                assertThat(driver.resume(7)).isEqualTo(begin);
            }
            assertThat(calls).isEqualTo(ofLead == null ? List.of() : words(called, " 7"));
        });
    }

    private static List<String> words(String called, String ofLast) {
        List<String> words = new ArrayList<>(List.of(called.split(" ")));
        words.set(words.size() - 1, words.get(words.size() - 1) + ofLast);
        return words;
    }

    @Test
    void onlyTheProcessOfTheFirstRankMayExchangeWithOthers() throws Exception {
        Gyre.local(2).run(session -> {
            int rank = session.world().rank();
            try (RingOrDirect collective = new RingOrDirect(session)) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> Hybrid.parameterServer(
                                "0 of 2", new Synchronous(collective.get()), rank == 0 ? null : new Store(), "", false))
                        .withMessageContaining(rank == 0 ? "is its lead" : "is not its lead");
            }
        });
    }

    @Test
    void onlyALeadMayExchangeWithOthers() throws Exception {
        Gyre.local(2).run(session -> {
            int rank = session.world().rank();
            Groups groups = Groups.of(2, 1);
            try (RingOrDirect collective = new RingOrDirect(session)) {
                assertThatIllegalArgumentException()
                        .isThrownBy(() -> Hybrid.parameterServer(
                                groups, rank, collective.get(), rank == 0 ? null : new Store(), "", () -> {}))
                        .withMessageContaining(rank == 0 ? "is its lead" : "is not its lead");
            }
        });
    }

    /** Rank 0's group reduces by messages, the others in shared memory: the result must not depend on it. */
    private static final class RingOrDirect implements AutoCloseable {
        private final io.gyre.network.Collective collective;

        RingOrDirect(Session group) {
            boolean ofRankZero = group.members().get(0).rank() == 0;
            collective = ofRankZero ? new RingCollective(group.endpoint()) : new DirectCollective(group.endpoint());
        }

        io.gyre.network.Collective get() {
            return collective;
        }

        @Override
        public void close() {
            collective.close();
        }
    }
}
