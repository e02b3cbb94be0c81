package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.local.Gyre;
import io.gyre.session.Session;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

/** A run that was killed and resumed is bit-identical to one that was not. */
class ResumeTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final int RANKS = 2;
    private static final int EPOCHS = 3;

    @TempDir
    Path directory;

    private static final class Killed extends RuntimeException {}

    private record Subject(Supplier<Model> model, Supplier<ShardedData> data) {}

    static Stream<Arguments> killedRuns() {
        DataSet vectors = TestData.vectors(45, TYPE, 1);
        DataSet images = TestData.images(45, TYPE, 1);
        Subject layers = new Subject(
                () -> TestModels.perceptron(
                        TestModels.configuration(new Adam(0.01), TYPE).dropOut(0.7)),
                () -> ShardedData.of(ExampleSource.of(vectors), 5, 3));
        Subject graph = new Subject(
                () -> TestModels.residual(
                        TestModels.configuration(
                                new Nesterovs(new StepSchedule(ScheduleType.EPOCH, 0.1, 0.5, 1)), TYPE),
                        true),
                () -> ShardedData.shuffled(TestData.iterator(TestData.batches(images, 9)), Sharding.EXAMPLES, 2, 3));
        Subject plainSgd = new Subject(
                () -> TestModels.perceptron(TestModels.configuration(new Sgd(0.1), TYPE)),
                () -> ShardedData.of(TestData.iterator(TestData.batches(vectors, 4)), Sharding.BATCHES));
        List<Arguments> runs = new ArrayList<>();
        for (Named<Subject> subject : List.of(
                Named.of("layers with Adam and dropout", layers),
                Named.of("a graph with BatchNorm and momentum", graph),
                Named.of("SGD without state", plainSgd))) {
            for (int killAt : new int[] {1, 4, 7, 15}) {
                runs.add(Arguments.of(subject, killAt));
            }
        }
        return runs.stream();
    }

    @ParameterizedTest(name = "{0}, killed after step {1}")
    @MethodSource("killedRuns")
    void endsWithTheSameBits(Subject subject, int killAt) throws Exception {
        INDArray expected = Gyre.local(RANKS)
                .call(session -> {
                    Model model = subject.model().get();
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(subject.data().get(), EPOCHS);
                    }
                    return model.params();
                })
                .get(0);

        assertThatThrownBy(() -> Gyre.local(RANKS).run(session -> program(subject, session, false, killAt)))
                .hasRootCauseInstanceOf(Killed.class);
        List<Model> models = Gyre.local(RANKS).call(session -> program(subject, session, true, Integer.MAX_VALUE));

        assertThat(models).allSatisfy(model -> {
            Bound.assertIdentical(model.params(), expected);
            assertThat(Network.of(model).epoch()).isEqualTo(EPOCHS);
        });
    }

    /** Saves every second step. The last rank fails after a step, which ends the others. */
    private Model program(Subject subject, Session session, boolean resume, int killAt) {
        Model model = subject.model().get();
        try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                .checkpointDirectory(directory)
                .checkpointEverySteps(2)
                .resume(resume)
                .progressListener((step, epoch, summary) -> {
                    if (step == killAt && session.world().rank() == RANKS - 1) {
                        throw new Killed();
                    }
                })
                .build()) {
            trainer.fit(subject.data().get(), EPOCHS);
        }
        return model;
    }

    @Test
    void aProgramThatFitsInALoopResumesInTheRightRound() throws Exception {
        DataSet examples = TestData.vectors(40, TYPE, 1);
        List<FitReport> reports = new ArrayList<>();
        MultiLayerNetwork whole = loop(examples, directory.resolve("a"), false, Integer.MAX_VALUE, new ArrayList<>());

        assertThatThrownBy(() -> loop(examples, directory.resolve("b"), false, 10, new ArrayList<>()))
                .hasRootCauseInstanceOf(Killed.class);
        MultiLayerNetwork resumed = loop(examples, directory.resolve("b"), true, Integer.MAX_VALUE, reports);

        Bound.assertIdentical(resumed.params(), whole.params());
        // Four steps an epoch: two rounds were complete, and the third had been saved after its second step.
        assertThat(reports).extracting(FitReport::steps).containsExactly(0L, 0L, 2L, 4L, 3L);
    }

    private static MultiLayerNetwork loop(
            DataSet examples, Path checkpoints, boolean resume, int killAt, List<FitReport> reports)
            throws InterruptedException {
        MultiLayerNetwork model = perceptron();
        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .checkpointDirectory(checkpoints)
                    .checkpointEverySteps(2)
                    .resume(resume)
                    .progressListener((step, epoch, summary) -> {
                        if (step == killAt + 1) {
                            throw new Killed();
                        }
                    })
                    .build()) {
                ShardedData data = ShardedData.of(ExampleSource.of(examples), 10, 1);
                for (int round = 0; round < 4; round++) {
                    reports.add(trainer.fit(data, 1));
                    trainer.evaluate(data);
                }
                reports.add(trainer.fitSteps(data, 3));
            }
        });
        return model;
    }

    private static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
    }

    @Test
    void aFinishedRunCanBeGivenMoreEpochs() throws Exception {
        DataSet examples = TestData.vectors(40, TYPE, 1);
        MultiLayerNetwork four = perceptron();
        run(four, 1, examples, builder -> builder, 4);
        run(perceptron(), 1, examples, builder -> builder.checkpointDirectory(directory), 2);
        MultiLayerNetwork twoAndTwo = perceptron();

        FitReport report = run(
                twoAndTwo,
                1,
                examples,
                builder -> builder.checkpointDirectory(directory).resume(true),
                4);

        Bound.assertIdentical(twoAndTwo.params(), four.params());
        assertThat(report.epochs()).isEqualTo(2);
    }

    @Test
    void aRunMayContinueWithAnotherNumberOfRanks() throws Exception {
        DataSet examples = TestData.vectors(42, DataType.DOUBLE, 1);
        Supplier<MultiLayerNetwork> model =
                () -> TestModels.perceptron(TestModels.configuration(TestModels.steadyAdam(0.01), DataType.DOUBLE));
        MultiLayerNetwork whole = model.get();
        run(whole, 1, 12, examples, builder -> builder, 3);
        assertThatThrownBy(() -> run(
                        model.get(),
                        2,
                        6,
                        examples,
                        builder -> builder.checkpointDirectory(directory)
                                .checkpointEverySteps(1)
                                .progressListener((step, epoch, summary) -> {
                                    if (step == 6) {
                                        throw new Killed();
                                    }
                                }),
                        3))
                .hasRootCauseInstanceOf(Killed.class);
        MultiLayerNetwork resumed = model.get();

        run(
                resumed,
                3,
                4,
                examples,
                builder -> builder.checkpointDirectory(directory).resume(true),
                3);

        Bound.assertClose(resumed.params(), whole.params(), 12);
    }

    private static FitReport run(
            MultiLayerNetwork ofRoot,
            int ranks,
            DataSet examples,
            java.util.function.UnaryOperator<TrainerBuilder> options,
            int epochs)
            throws InterruptedException {
        return run(ofRoot, ranks, 10, examples, options, epochs);
    }

    private static FitReport run(
            MultiLayerNetwork ofRoot,
            int ranks,
            int batchPerRank,
            DataSet examples,
            java.util.function.UnaryOperator<TrainerBuilder> options,
            int epochs)
            throws InterruptedException {
        return Gyre.local(ranks)
                .call(session -> {
                    MultiLayerNetwork model = session.world().isRoot() ? ofRoot : ofRoot.clone();
                    try (DistributedTrainer trainer = options.apply(DistributedTrainer.builder(model, session))
                            .build()) {
                        return trainer.fit(ShardedData.of(ExampleSource.of(examples), batchPerRank, 1), epochs);
                    }
                })
                .get(0);
    }

    @Test
    void aTornNewestCheckpointCostsOnlyTheStepsSinceTheOneBefore() throws Exception {
        DataSet examples = TestData.vectors(40, TYPE, 1);
        MultiLayerNetwork whole = perceptron();
        run(whole, 1, examples, builder -> builder, 2);
        run(
                perceptron(),
                1,
                examples,
                builder -> builder.checkpointDirectory(directory).checkpointEverySteps(3),
                2);
        Path newest = directory.resolve("step-00000008.checkpoint");
        Files.write(newest, java.util.Arrays.copyOf(Files.readAllBytes(newest), 1000));
        MultiLayerNetwork resumed = perceptron();

        FitReport report = run(
                resumed,
                1,
                examples,
                builder -> builder.checkpointDirectory(directory)
                        .checkpointEverySteps(3)
                        .resume(true),
                2);

        assertThat(report.steps()).isEqualTo(2);
        Bound.assertIdentical(resumed.params(), whole.params());
    }

    @Test
    void aCheckpointOfAnotherModelIsRefusedOnAllRanksWithBothLayouts() throws Exception {
        DataSet examples = TestData.vectors(20, TYPE, 1);
        run(perceptron(), 1, examples, builder -> builder.checkpointDirectory(directory), 1);
        MultiLayerNetwork other = TestModels.perceptron(TestModels.configuration(new Sgd(0.1), TYPE));

        assertThatThrownBy(() -> run(
                        other,
                        2,
                        examples,
                        builder -> builder.checkpointDirectory(directory).resume(true),
                        1))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("another model")
                .hasMessageContaining("updater state of 866")
                .hasMessageContaining("updater state of 0");
    }

    @Test
    void aCheckpointOfAnotherSeedIsRefused() throws Exception {
        DataSet examples = TestData.vectors(20, TYPE, 1);
        run(
                perceptron(),
                1,
                examples,
                builder -> builder.checkpointDirectory(directory).seed(1),
                1);

        assertThatThrownBy(() -> run(
                        perceptron(),
                        1,
                        examples,
                        builder ->
                                builder.checkpointDirectory(directory).seed(2).resume(true),
                        1))
                .hasMessageContaining("another seed: it has '1', and this program has '2'");
    }

    @Test
    void otherDataCannotBeEnteredInTheMiddle() throws Exception {
        run(
                perceptron(),
                1,
                TestData.vectors(40, TYPE, 1),
                builder -> builder.checkpointDirectory(directory).checkpointEverySteps(3),
                1);
        Files.delete(directory.resolve("step-00000004.checkpoint"));

        assertThatThrownBy(() -> run(
                        perceptron(),
                        1,
                        TestData.vectors(50, TYPE, 1),
                        builder -> builder.checkpointDirectory(directory)
                                .checkpointEverySteps(3)
                                .resume(true),
                        1))
                .hasMessageContaining("40 examples")
                .hasMessageContaining("50 examples");
    }

    @Test
    void aNewRunDoesNotMixWithAnOldOne() throws Exception {
        DataSet examples = TestData.vectors(20, TYPE, 1);
        run(perceptron(), 1, examples, builder -> builder.checkpointDirectory(directory), 1);

        assertThatThrownBy(() -> run(perceptron(), 2, examples, builder -> builder.checkpointDirectory(directory), 1))
                .hasMessageContaining("another run, up to step 2");
    }

    @Test
    void aDirectoryThatDisappearsStopsAllRanksWithItsName() {
        DataSet examples = TestData.vectors(40, TYPE, 1);

        assertThatThrownBy(() -> run(
                        perceptron(),
                        2,
                        examples,
                        builder -> builder.checkpointDirectory(directory.resolve("c"))
                                .progressListener((step, epoch, summary) -> deleteIfThere(directory.resolve("c"))),
                        1))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("cannot be written")
                .hasMessageContaining(directory.resolve("c").toString());
    }

    private static void deleteIfThere(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new GyreException("not deleted", e);
        }
    }

    @Test
    void anExportedModelIsAPlainOne() throws Exception {
        Path file = directory.resolve("model.zip");
        MultiLayerNetwork model = perceptron();
        Gyre.local(2).run(session -> {
            MultiLayerNetwork own = session.world().isRoot() ? model : perceptron();
            try (DistributedTrainer trainer = DistributedTrainer.of(own, session)) {
                trainer.fit(ShardedData.of(ExampleSource.of(TestData.vectors(40, TYPE, 1)), 5, 1), 1);
                trainer.exportModel(file);
            }
        });

        MultiLayerNetwork restored = ModelSerializer.restoreMultiLayerNetwork(file.toFile(), true);

        Bound.assertIdentical(restored.params(), model.params());
        Bound.assertIdentical(restored.updaterState(), model.updaterState());
        assertThat(restored.getIterationCount()).isEqualTo(4);
        assertThat(restored.getEpochCount()).isEqualTo(1);
        assertThat(directory.toFile().list()).containsExactly("model.zip");
    }

    @Test
    void anExportThatCannotBeWrittenSaysWhere() {
        Path file = directory.resolve("missing/model.zip");

        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                        trainer.exportModel(file);
                    }
                }))
                .hasMessageContaining("the model cannot be written to " + file);
    }
}
