package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.session.Session;
import io.gyre.testkit.RankJvm;
import io.gyre.transport.RendezvousServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Adam;

@Timeout(120)
class GyreTest {

    private static final DataType TYPE = DataType.DOUBLE;

    static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(TestModels.steadyAdam(0.01), TYPE));
    }

    static Batches iterator() {
        return new Batches(TestData.batches(TestData.vectors(22, TYPE, 1), 7));
    }

    private static MultiLayerNetwork plain() {
        MultiLayerNetwork plain = perceptron();
        plain.fit(iterator(), 2);
        return plain;
    }

    @Test
    void withoutALauncherAProgramTrainsAloneAsWithFit() {
        MultiLayerNetwork model = perceptron();

        try (DistributedTrainer trainer = Gyre.trainer(model)) {
            trainer.fit(iterator(), 2);
            assertThat(trainer.parametersSha256OfAllRanks()).hasSize(1);
        }

        Bound.assertIdentical(model.params(), plain().params());
        try (DistributedTrainer again = Gyre.builder(model).microBatches(2).build()) {
            assertThat(again.step()).isEqualTo(8);
        }
    }

    @Test
    void onAThreadOfALocalClusterItTrainsWithTheOtherThreads() throws Exception {
        List<INDArray> found = Gyre.local(3).call(session -> {
            MultiLayerNetwork model = perceptron();
            try (DistributedTrainer trainer = Gyre.trainer(model)) {
                trainer.fit(iterator(), 2);
                assertThat(trainer.parametersSha256OfAllRanks()).hasSize(3);
            }
            assertThat(session.isWhole()).isTrue();
            session.exchange("after the trainer", new byte[] {1});
            return model.params();
        });

        Bound.assertClose(found.get(2), plain().params(), 8);
        Bound.assertIdentical(found.get(2), found.get(0));
    }

    @Test
    void aProcessThatIsTheOnlyOneOfItsLauncherTrainsAlone() {
        try (Opened opened = new Opened()) {
            Session session = Objects.requireNonNull(
                    OwnRun.join(Map.of("OMPI_COMM_WORLD_RANK", "0", "OMPI_COMM_WORLD_SIZE", "1"), opened)
                            .session());
            assertThat(session.world().size()).isEqualTo(1);
        }
    }

    @Test
    void anEnvironmentThatIsIncompleteIsNamed() {
        try (Opened opened = new Opened()) {
            assertThatThrownBy(
                            () -> OwnRun.join(Map.of("OMPI_COMM_WORLD_RANK", "0", "OMPI_COMM_WORLD_SIZE", "2"), opened))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("set GYRE_RENDEZVOUS");
        }
    }

    /** Two processes: by Gyre's own variables, or by those of another launcher. */
    @EnabledOnOs(OS.LINUX)
    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"GYRE_", "OMPI_COMM_WORLD_"})
    void theSameProgramTrainsOnTheRanksOfALauncher(String launcher, @TempDir Path directory) throws Exception {
        List<RankJvm> ranks = new ArrayList<>();
        List<String> flags = new ArrayList<>(RankJvm.QUICK_START);
        flags.add("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED");
        boolean own = launcher.equals("GYRE_");
        try (RendezvousServer rendezvous = own
                ? RendezvousServer.open(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 2, Duration.ofMinutes(2))
                : null) {
            String meeting =
                    rendezvous == null ? directory.resolve("rendezvous").toString() : rendezvous.endpoint();
            for (int rank = 0; rank < 2; rank++) {
                Map<String, String> environment = Map.of(
                        launcher + "RANK",
                        String.valueOf(rank),
                        own ? "GYRE_WORLD_SIZE" : launcher + "SIZE",
                        "2",
                        "GYRE_RENDEZVOUS",
                        meeting);
                ranks.add(RankJvm.start(directory, flags, environment, OneLineProgram.class));
            }
            for (int rank = 0; rank < 2; rank++) {
                assertThat(ranks.get(rank).awaitExit(Duration.ofMinutes(1)))
                        .as(ranks.get(rank).output())
                        .isZero();
                assertThat(ranks.get(rank).output())
                        .contains("2 trainers on 2 ranks")
                        .contains("close the first trainer after the last one is done");
            }
            assertThat(hash(ranks.get(0))).isEqualTo(hash(ranks.get(1)));
        } finally {
            ranks.forEach(RankJvm::close);
        }
    }

    private static String hash(RankJvm rank) throws Exception {
        return rank.output()
                .lines()
                .filter(line -> line.startsWith("parameters "))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest(name = "{0} ranks")
    @ValueSource(ints = {1, 2, 4})
    void fitTrainsTheGivenModelOnThreads(int ranks) throws Exception {
        MultiLayerNetwork model = perceptron();
        AtomicInteger iterations = new AtomicInteger();
        model.setListeners(new BaseTrainingListener() {
            @Override
            public void iterationDone(Model of, int iteration, int epoch) {
                iterations.incrementAndGet();
            }
        });
        Batches iterator = iterator();

        FitReport report = Gyre.fit(model, iterator, 2, ranks);

        Bound.assertClose(model.params(), plain().params(), 8);
        assertThat(model.getEpochCount()).isEqualTo(2);
        assertThat(model.getIterationCount()).isEqualTo(8);
        assertThat(iterations).hasValue(8);
        assertThat(iterator.given()).isEqualTo(8);
        assertThat(report.examples()).isEqualTo(44);
    }

    @Test
    void fitTakesGraphsAndMultiIterators() throws Exception {
        var model = TestModels.residual(TestModels.configuration(new Adam(0.01), TYPE), false);
        var images = TestData.images(20, TYPE, 1).toMultiDataSet();
        var before = model.params().dup();

        Gyre.fit(model, new BatchList(KnownParts.batches(images)), 1, 2);

        assertThat(model.params()).isNotEqualTo(before);
        assertThat(model.getEpochCount()).isEqualTo(1);
    }

    /** A clone of a graph has the very list of listeners of the original; ranks would change it at the same time. */
    @Test
    void copiesOfAGraphHaveNoListeners() throws Exception {
        ComputationGraph model = residual();
        Steps heard = new Steps();
        model.setListeners(heard);
        model.fit(images(), 1);

        Gyre.fit(model, images(), 2, 3);

        ComputationGraph plain = residual();
        plain.fit(images(), 3);
        assertThat(heard.steps).isEqualTo(IntStream.range(0, 12).boxed().toList());
        assertThat(model.getListeners()).containsExactly(heard);
        Bound.assertClose(model.params(), plain.params(), 12);
    }

    /** A program that clones one graph on every rank. */
    @Test
    void ranksThatTrainClonesOfOneGraphHaveListenersOfTheirOwn() throws Exception {
        ComputationGraph model = residual();
        Steps ofAll = new Steps();
        model.setListeners(ofAll);

        List<Steps> heard = Gyre.local(2).call(session -> {
            ComputationGraph own = model.clone();
            Steps steps = new Steps();
            try (DistributedTrainer trainer = DistributedTrainer.of(own, session)) {
                session.exchange("all have their trainer", new byte[0]);
                own.addListeners(steps);
                trainer.fit(images());
            }
            assertThat(own.getListeners()).isNotSameAs(model.getListeners()).containsExactly(ofAll, steps);
            return steps;
        });

        assertThat(heard)
                .allSatisfy(ofRank -> assertThat(ofRank.steps).containsExactly(0, 1, 2, 3))
                .hasSize(2);
        assertThat(model.getListeners()).containsExactly(ofAll);
    }

    private static ComputationGraph residual() {
        return TestModels.residual(TestModels.configuration(TestModels.steadyAdam(0.01), TYPE), false);
    }

    private static BatchList images() {
        return new BatchList(KnownParts.batches(TestData.images(20, TYPE, 1).toMultiDataSet()));
    }

    /** The steps whose end it hears; one thread at a time. */
    private static final class Steps extends BaseTrainingListener {

        private final List<Integer> steps = Collections.synchronizedList(new ArrayList<>());

        @Override
        public void iterationDone(Model of, int iteration, int epoch) {
            steps.add(iteration);
        }
    }

    @Test
    void aFailureOfFitIsTheProgramsOwn() {
        var batches = TestData.batches(TestData.vectors(22, TYPE, 1), 7);
        batches.get(1).setLabels(null);

        assertThatThrownBy(() -> Gyre.fit(perceptron(), TestData.iterator(batches), 1, 2))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("step 1");
        assertThatThrownBy(() -> Gyre.fit(perceptron(), iterator(), 1, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("ranks 0");
    }

    @Test
    void rootListenersRunOnRankZeroOnly() throws Exception {
        List<List<Integer>> heard = Gyre.local(3).call(session -> {
            List<Integer> steps = new ArrayList<>();
            MultiLayerNetwork model = perceptron();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.addRootListeners(new BaseTrainingListener() {
                    @Override
                    public void iterationDone(Model of, int iteration, int epoch) {
                        steps.add(iteration);
                    }
                });
                trainer.fit(iterator());
            }
            return steps;
        });

        assertThat(heard).containsExactly(List.of(0, 1, 2, 3), List.of(), List.of());
    }
}
