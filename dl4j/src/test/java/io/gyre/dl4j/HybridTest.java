package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.network.Collective;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.Consistency;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.ServiceBuilder;
import io.gyre.paramserver.StaleSynchronous;
import io.gyre.session.Session;
import io.gyre.training.Hybrid;
import io.gyre.training.UpdateStrategy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;

/** Groups in lockstep, and servers between them, over the in-process network. */
@Timeout(120)
class HybridTest {

    private static final int EPOCHS = 2;

    /** The strategy between the groups. */
    private enum Between {
        BULK,
        STALE,
        LOOSE,
        ELASTIC,
        SELDOM_ELASTIC;

        boolean isElastic() {
            return this == ELASTIC || this == SELDOM_ELASTIC;
        }

        Consistency consistency() {
            return switch (this) {
                case BULK -> new BulkSynchronous();
                case STALE -> new StaleSynchronous(2);
                default -> new AsynchronousParallel();
            };
        }

        ParameterService start(ServiceBuilder builder, Model model) {
            if (!isElastic()) {
                builder.training(Strategies.training(model, consistency()));
            }
            return builder.start();
        }

        UpdateStrategy strategy(Model model, ParameterService service, Collective group) {
            return isElastic()
                    ? Strategies.hybridElastic(model, service, group, this == ELASTIC ? 1 : 3)
                    : Strategies.hybrid(model, service, group);
        }
    }

    private static Model perceptron(IUpdater updater) {
        return TestModels.perceptron(TestModels.configuration(updater.clone(), DataType.DOUBLE)
                .l1(0.001)
                .weightDecay(0.02));
    }

    private static ShardedData vectors() {
        // In batches of 3 per rank: the last step of an epoch has fewer, unevenly divided.
        return ShardedData.of(ExampleSource.of(TestData.vectors(42, DataType.DOUBLE, 1)), 3, 7);
    }

    private static Model inStep(int ranks, Supplier<Model> models, Supplier<ShardedData> data)
            throws InterruptedException {
        return Gyre.local(ranks)
                .call(session -> {
                    Model model = models.get();
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(data.get(), EPOCHS);
                        return model;
                    }
                })
                .get(0);
    }

    private static Model hybrid(
            int ranks, int groups, Between between, Overlap overlap, Supplier<Model> models, Supplier<ShardedData> data)
            throws InterruptedException {
        List<Model> trained = Gyre.local(ranks).call(session -> {
            Model model = models.get();
            try (ParameterService service =
                            between.start(ParameterService.builder(session).groups(groups), model);
                    Collective group = Collectives.choose(service.group().endpoint());
                    DistributedTrainer trainer = DistributedTrainer.builder(model, service.workers())
                            .strategy(between.strategy(model, service, group))
                            .overlap(overlap)
                            .bucketBytes(400)
                            .progressListener((step, epoch, total) -> checkEqual(service.group(), model, step))
                            .build()) {
                FitReport report = trainer.fit(data.get(), EPOCHS);
                assertThat(report.epochs()).isEqualTo(EPOCHS);
                assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
                return model;
            }
        });
        return trained.get(0);
    }

    /** All ranks of a group are bit-identical at the end of a step. */
    private static void checkEqual(Session group, Model model, long step) {
        byte[] own = Checksums.sha256(HostMemory.region("parameters", model.params()))
                .getBytes(StandardCharsets.UTF_8);
        assertThat(group.exchange("parameters after step " + step, own)).containsOnly(own);
    }

    private static double difference(INDArray a, INDArray b) {
        return Nd4j.math().abs(a.sub(b)).maxNumber().doubleValue();
    }

    static Stream<IUpdater> updaters() {
        return Stream.of(new Sgd(0.1), new Nesterovs(0.1, 0.9), new Adam(0.01), new AdaGrad(0.1), new RmsProp(0.01));
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void inBulkSynchronyGroupsDoWhatAllReduceDoes(IUpdater updater) throws Exception {
        Model together = inStep(4, () -> perceptron(updater), HybridTest::vectors);

        Model inGroups = hybrid(4, 2, Between.BULK, Overlap.OFF, () -> perceptron(updater), HybridTest::vectors);

        assertThat(difference(inGroups.params(), together.params())).isLessThan(1e-9);
        assertThat(difference(together.params(), perceptron(updater).params())).isGreaterThan(0.01);
    }

    @ParameterizedTest
    @CsvSource({"5, 2", "3, 3", "4, 1"})
    void itIsSoForGroupsOfAnySize(int ranks, int groups) throws Exception {
        Supplier<Model> models = () -> perceptron(new Adam(0.01));

        Model inGroups = hybrid(ranks, groups, Between.BULK, Overlap.ON, models, HybridTest::vectors);

        assertThat(difference(
                        inGroups.params(),
                        inStep(ranks, models, HybridTest::vectors).params()))
                .isLessThan(1e-9);
    }

    @ParameterizedTest
    @EnumSource(Between.class)
    void oneGroupIsSynchronous(Between between) throws Exception {
        Supplier<Model> models = () -> perceptron(new Nesterovs(0.1, 0.9));

        Model inGroup = hybrid(3, 1, between, Overlap.OFF, models, HybridTest::vectors);

        assertThat(inGroup.params())
                .isEqualTo(inStep(3, models, HybridTest::vectors).params());
    }

    static Stream<Named<Supplier<Model>>> models() {
        return Stream.of(
                Named.of(
                        "clipped perceptron",
                        () -> TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT)
                                .gradientNormalization(GradientNormalization.ClipL2PerLayer)
                                .gradientNormalizationThreshold(0.05))),
                Named.of(
                        "convolutions with BatchNorm",
                        () -> TestModels.convolutional(
                                TestModels.configuration(new Nesterovs(0.05, 0.9), DataType.FLOAT), true)),
                Named.of(
                        "residual graph with BatchNorm",
                        () -> TestModels.residual(TestModels.configuration(new Adam(0.01), DataType.FLOAT), true)));
    }

    /** Every step compares the bits of the group. */
    @ParameterizedTest
    @MethodSource("models")
    void ranksOfAGroupStayEqualBitForBit(Supplier<Model> models) throws Exception {
        boolean vectors = models.get().numParams()
                == TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.FLOAT))
                        .numParams();
        DataSet examples = vectors ? TestData.vectors(46, DataType.FLOAT, 1) : TestData.images(46, DataType.FLOAT, 1);
        for (Between between : Between.values()) {
            // The others are tested with a perceptron.
            Overlap overlap = between == Between.ELASTIC || between == Between.STALE ? Overlap.ON : Overlap.OFF;
            Model trained =
                    hybrid(4, 2, between, overlap, models, () -> ShardedData.of(ExampleSource.of(examples), 2, 3));
            assertThat(difference(trained.params(), models.get().params()))
                    .as(between + " " + overlap)
                    .isBetween(0.001, 10.0);
        }
    }

    @Test
    void dealtBatchesAreTrainedOnOnceEach() throws Exception {
        List<FitReport> reports = Gyre.local(4).call(session -> {
            Model model = perceptron(new Sgd(0.05));
            try (ParameterService service = ParameterService.builder(session)
                            .groups(2)
                            .training(Strategies.training(model, new StaleSynchronous(1)))
                            .start();
                    Collective group = Collectives.choose(service.group().endpoint());
                    DistributedTrainer trainer = DistributedTrainer.builder(model, service.workers())
                            .strategy(Strategies.hybrid(model, service, group))
                            .build()) {
                ExampleSource examples = ExampleSource.of(TestData.vectors(107, DataType.DOUBLE, 1));
                return trainer.fit(ShardedData.dealt(examples, 5, 1, service.counter("batches")), EPOCHS);
            }
        });

        assertThat(reports).allSatisfy(report -> {
            assertThat(report.examples()).isEqualTo(107L * EPOCHS);
            assertThat(report.epochs()).isEqualTo(EPOCHS);
        });
        assertThat(reports.get(1).steps()).isEqualTo(reports.get(0).steps());
        assertThat(reports.get(3).steps()).isEqualTo(reports.get(2).steps());
    }

    @Test
    void fitContinuesWhereTheLastOneEndedAndAServerOfItsOwnIsNoMemberOfAGroup() throws Exception {
        for (Between between : List.of(Between.STALE, Between.ELASTIC)) {
            Gyre.local(5).run(session -> {
                Model model = perceptron(new Sgd(0.05));
                try (ParameterService service = between.start(
                        ParameterService.builder(session).servers(1).groups(2), model)) {
                    if (service.isServer()) {
                        service.serve();
                        return;
                    }
                    assertThat(service.groups()).hasToString("[0, 1] [2, 3]");
                    try (Collective group = Collectives.choose(service.group().endpoint());
                            DistributedTrainer trainer = DistributedTrainer.builder(model, service.workers())
                                    .strategy(between.strategy(model, service, group))
                                    .build()) {
                        ShardedData data = vectors();
                        trainer.fitSteps(data, 3);
                        trainer.fit(data, 1);
                        trainer.fit(data, 1);

                        // Three of the first epoch, its fourth, and four of the second.
                        assertThat(trainer.step()).isEqualTo(8);
                        assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
                    }
                }
            });
        }
    }

    @Test
    void aLossThatIsNotFiniteIsNamedInItsGroup() {
        assertThatThrownBy(() -> Gyre.local(4).run(session -> {
                    Model model = perceptron(new Sgd(0.05));
                    try (ParameterService service =
                                    ParameterService.builder(session).groups(2).start();
                            Collective group =
                                    Collectives.choose(service.group().endpoint());
                            DistributedTrainer trainer = DistributedTrainer.builder(model, service.workers())
                                    .strategy(Strategies.hybridElastic(model, service, group, 1))
                                    .build()) {
                        DataSet examples = TestData.vectors(8, DataType.DOUBLE, 1);
                        if (session.world().rank() == 3) {
                            examples.getFeatures().assign(Double.NaN);
                        }
                        trainer.fit(ShardedData.of(TestData.iterator(List.of(examples)), Sharding.OWN), 1);
                    }
                }))
                .hasMessageContainingAll("the loss of step 0 is NaN on rank 3");
    }

    @Test
    void constraintsAreForElasticGroupsAloneAndCheckpointsForVectorsThatAreSaved() throws Exception {
        Supplier<Model> constrained =
                () -> TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.DOUBLE)
                        .constrainWeights(new MaxNormConstraint(0.7, 1)));
        hybrid(4, 2, Between.ELASTIC, Overlap.OFF, constrained, HybridTest::vectors);

        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    Model model = perceptron(new Sgd(0.1));
                    try (ParameterService service =
                                    ParameterService.builder(session).groups(2).start();
                            Collective group =
                                    Collectives.choose(service.group().endpoint())) {
                        DistributedTrainer.builder(model, service.workers())
                                .strategy(Hybrid.elastic(
                                        service.groups(),
                                        service.workers().world().rank(),
                                        group,
                                        new UnsavedVector(),
                                        0.5,
                                        1,
                                        () -> {}))
                                .checkpointDirectory(Path.of("unused"))
                                .build()
                                .close();
                    }
                }))
                .hasMessageContaining("checkpoints with the strategy hybrid");
    }
}
