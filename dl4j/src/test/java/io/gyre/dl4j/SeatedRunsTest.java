package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.session.Session;
import io.gyre.training.Synchronous;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;

/** Runs in which a process holds several ranks: what they write, call, refuse and how they end. */
@Timeout(240)
class SeatedRunsTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final List<List<Integer>> CROSSED = List.of(List.of(0, 3), List.of(1, 2));
    private static final int RANKS = 4;

    private static MultiLayerNetwork model() {
        return TestModels.perceptron(
                TestModels.configuration(new Adam(0.01), TYPE).dropOut(0.7));
    }

    private static ShardedData data() {
        return ShardedData.of(
                TestData.iterator(TestData.batches(TestData.vectors(44, TYPE, 1), 12, 9)), Sharding.EXAMPLES);
    }

    private static TrainerBuilder builder(Model model, Session session) {
        return DistributedTrainer.builder(model, session).seed(3);
    }

    @Test
    void aCheckpointOfOneSeatingIsResumedOnAnother(@TempDir Path directory) throws Exception {
        List<INDArray> expected = Gyre.local(RANKS).call(session -> {
            Model model = model();
            try (DistributedTrainer trainer = builder(model, session).build()) {
                ShardedData data = data();
                trainer.fitSteps(data, 2);
                trainer.fitSteps(data, 4);
            }
            return model.params();
        });
        Gyre.local(RANKS).seats(CROSSED).run(session -> {
            try (DistributedTrainer trainer =
                    builder(model(), session).checkpointDirectory(directory).build()) {
                trainer.fitSteps(data(), 2);
            }
        });

        Gyre.local(RANKS).processes(1).run(session -> {
            Model model = model();
            try (DistributedTrainer trainer = builder(model, session)
                    .checkpointDirectory(directory)
                    .resume(true)
                    .build()) {
                ShardedData data = data();
                assertThat(trainer.fitSteps(data, 2).steps()).isZero();
                assertThat(trainer.fitSteps(data, 4).steps()).isEqualTo(4);
            }
            Bound.assertIdentical(model.params(), expected.get(0));
        });
    }

    @Test
    void listenersHearOncePerProcessAndStepAndSeeTheLastBatchOfTheProcess() throws Exception {
        AtomicInteger steps = new AtomicInteger();
        AtomicInteger passes = new AtomicInteger();

        // The last batch has examples for the first three of four ranks only.
        Gyre.local(RANKS).processes(1).run(session -> {
            MultiLayerNetwork model = model();
            model.addListeners(new BaseTrainingListener() {
                @Override
                public void iterationDone(Model of, int iteration, int epoch) {
                    steps.incrementAndGet();
                    assertThat(((MultiLayerNetwork) of).getInput().size(0)).isPositive();
                }

                @Override
                public void onGradientCalculation(Model of) {
                    passes.incrementAndGet();
                }
            });
            try (DistributedTrainer trainer = builder(model, session).build()) {
                FitReport report = trainer.fit(
                        ShardedData.of(
                                TestData.iterator(TestData.batches(TestData.vectors(15, TYPE, 1), 12, 3)),
                                Sharding.EXAMPLES),
                        1);

                assertThat(report.examples()).isEqualTo(15);
            }
        });

        assertThat(steps).hasValue(2);
        assertThat(passes).hasValue(7);
    }

    @Test
    void aGradientThatIsNotFiniteIsThatOfItsRank() {
        DataSet bad = TestData.vectors(8, TYPE, 1);
        bad.getFeatures().putScalar(5, 0, Float.NaN);

        assertThatThrownBy(() -> Gyre.local(RANKS).seats(CROSSED).run(session -> {
                    try (DistributedTrainer trainer = builder(model(), session).build()) {
                        trainer.fit(ShardedData.of(TestData.iterator(List.of(bad)), Sharding.EXAMPLES), 1);
                    }
                }))
                .hasMessageContaining("rank 2")
                .message()
                .contains("the first are NaN")
                .doesNotContain("on rank 1", "on rank 3");
    }

    @Test
    void ranksThatReadOtherDataAreNamed() {
        assertThatThrownBy(() -> Gyre.local(RANKS).seats(CROSSED).run(session -> {
                    DataSet own = TestData.vectors(8, TYPE, session.world().isRoot() ? 1 : 2);
                    try (DistributedTrainer trainer = builder(model(), session).build()) {
                        trainer.fit(ShardedData.of(TestData.iterator(List.of(own)), Sharding.EXAMPLES), 1);
                    }
                }))
                .hasMessageContaining("the ranks have not read the same data")
                .message()
                .containsPattern("on rank 0[^;]*, rank 3")
                .containsPattern("on rank 1[^;]*, rank 2");
    }

    @Test
    void aReplicaThatDiffersIsThatOfItsProcess() {
        assertThatThrownBy(() -> Gyre.local(6)
                        .seats(List.of(List.of(0, 4, 5), List.of(1, 3), List.of(2)))
                        .run(session -> {
                            MultiLayerNetwork model = model();
                            if (session.world().rank() == 0) {
                                model.addListeners(new BaseTrainingListener() {
                                    @Override
                                    public void iterationDone(Model of, int iteration, int epoch) {
                                        of.params()
                                                .putScalar(
                                                        3,
                                                        iteration == 1
                                                                ? 0.5
                                                                : of.params().getDouble(3));
                                    }
                                });
                            }
                            try (DistributedTrainer trainer =
                                    builder(model, session).build()) {
                                trainer.fit(data(), 2);
                            }
                        }))
                .hasMessageContaining("rank 0")
                .hasMessageContaining("differs from the other 2 ranks");
    }

    @Test
    void theLossOfAProcessEndsAllOthers() {
        Map<Integer, Throwable> ends = new ConcurrentHashMap<>();

        Throwable thrown = catchThrowable(() -> Gyre.local(6)
                .seats(List.of(List.of(0, 4), List.of(1, 3), List.of(2, 5)))
                .run(session -> {
                    int rank = session.world().rank();
                    try (DistributedTrainer trainer = builder(model(), session)
                            .progressListener((step, epoch, total) -> {
                                if (rank == 1 && step == 2) {
                                    throw new IllegalStateException("planned");
                                }
                            })
                            .build()) {
                        trainer.fit(data(), 3);
                    } catch (RuntimeException e) {
                        ends.put(rank, e);
                        throw e;
                    }
                }));

        assertThat(thrown).isInstanceOf(GyreException.class).hasRootCauseMessage("planned");
        assertThat(ends.get(0)).isInstanceOf(PeerLostException.class);
        assertThat(ends.get(2)).isInstanceOf(PeerLostException.class);
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .noneMatch(name -> name.startsWith("gyre-seat-"));
    }

    static Stream<Arguments> refused() {
        return Stream.of(
                refused("synchronousBatchNorm", (options, session) -> options.synchronousBatchNorm(true)),
                refused("Sharding.OWN", (options, session) -> options.sharding(Sharding.OWN)),
                refused("Sharding.FROM_ROOT", (options, session) -> options.sharding(Sharding.FROM_ROOT)),
                refused(
                        "the strategy allreduce",
                        (options, session) -> options.strategy(new Synchronous(
                                Collectives.choose(session.ofLeads().endpoint())))));
    }

    private static Arguments refused(String what, BiConsumer<TrainerBuilder, Session> option) {
        return Arguments.of(what, option);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refused")
    void whatNeedsOneProcessForEachRankIsRefused(String what, BiConsumer<TrainerBuilder, Session> option)
            throws Exception {
        List<String> messages = Gyre.local(3)
                .seats(List.of(List.of(0, 2), List.of(1)))
                .call(session -> {
                    TrainerBuilder options = builder(model(), session);
                    option.accept(options, session);
                    return catchThrowable(options::build).getMessage();
                });

        assertThat(messages)
                .hasSize(2)
                .allSatisfy(message -> assertThat(message)
                        .startsWith(what + " cannot be used in a run in which a process may hold several ranks")
                        .contains("[0, 2] [1]"));
    }

    @Test
    void dataOfEachRankAreRefused() throws Exception {
        Consumer<DistributedTrainer> fits = trainer ->
                trainer.fit(ShardedData.of(TestData.iterator(List.of(TestData.vectors(4, TYPE, 1))), Sharding.OWN), 1);
        Consumer<DistributedTrainer> evaluates = trainer -> trainer.evaluate(
                ShardedData.of(TestData.iterator(List.of(TestData.vectors(4, TYPE, 1))), Sharding.OWN));

        Gyre.local(3).processes(2).run(session -> {
            try (DistributedTrainer trainer = builder(model(), session).build()) {
                for (Consumer<DistributedTrainer> call : List.of(fits, evaluates)) {
                    assertThat(catchThrowable(() -> call.accept(trainer)))
                            .isInstanceOf(IllegalArgumentException.class)
                            .hasMessageContaining("Sharding.EXAMPLES or BATCHES");
                }
            }
        });
    }
}
