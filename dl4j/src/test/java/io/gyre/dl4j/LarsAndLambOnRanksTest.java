package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.allreduce.Collectives;
import io.gyre.dl4j.learning.Lamb;
import io.gyre.dl4j.learning.Lars;
import io.gyre.dl4j.learning.LinearScaling;
import io.gyre.local.Gyre;
import io.gyre.network.Collective;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.ShardPlan;
import io.gyre.session.Session;
import io.gyre.training.UpdateStrategy;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;

/** LARS and LAMB with every strategy: also where shards divide the parameters. */
@Timeout(120)
class LarsAndLambOnRanksTest {

    private static final int EPOCHS = 2;

    static Stream<Named<Supplier<MultiLayerNetwork>>> models() {
        return Stream.of(
                Named.of(
                        "LARS",
                        () -> TestModels.perceptron(TestModels.configuration(new Lars(2, 0.9), DataType.DOUBLE)
                                .regularization(Lars.trustRatio(0.01, 0.01)))),
                Named.of("LAMB", LarsAndLambOnRanksTest::lamb));
    }

    private static MultiLayerNetwork lamb() {
        // With a small epsilon, elements with a zero gradient follow the sign of its rounding error.
        return TestModels.perceptron(TestModels.configuration(new Lamb(0.02, 0.9, 0.999, 0.01), DataType.DOUBLE)
                .regularization(Lamb.trustRatio(0.01)));
    }

    private static List<DataSet> batches() {
        return TestData.batches(TestData.vectors(60, DataType.DOUBLE, 1), 12);
    }

    private static ShardedData vectors() {
        return ShardedData.of(TestData.iterator(batches()), Sharding.EXAMPLES);
    }

    private static void fit(MultiLayerNetwork model, Session session, UpdateStrategy strategy) {
        try (DistributedTrainer trainer =
                DistributedTrainer.builder(model, session).strategy(strategy).build()) {
            trainer.fit(vectors(), EPOCHS);
        }
    }

    private static INDArray plain(Supplier<MultiLayerNetwork> models) throws InterruptedException {
        return Gyre.local(1)
                .call(session -> {
                    MultiLayerNetwork model = models.get();
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(vectors(), EPOCHS);
                    }
                    return model.params();
                })
                .get(0);
    }

    private static void assertNear(INDArray actual, INDArray expected) {
        assertThat(actual.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-10);
    }

    /** The models whose bound docs/training.md gives. */
    static Stream<Named<Supplier<Model>>> modelsWithAWarmUp() {
        return Stream.of(
                Named.of("LARS, perceptron", () -> TestModels.perceptron(warmedUpLars())),
                Named.of("LARS, residual graph", () -> TestModels.residual(warmedUpLars(), false)),
                Named.of("LAMB, perceptron", () -> TestModels.perceptron(warmedUpLamb())),
                Named.of("LAMB, residual graph", () -> TestModels.residual(warmedUpLamb(), false)));
    }

    private static NeuralNetConfiguration.Builder warmedUpLars() {
        return TestModels.configuration(new Lars(new LinearScaling(0.1, 4, 5), 0.9), DataType.DOUBLE)
                .regularization(Lars.trustRatio(0.02, 0.0005));
    }

    private static NeuralNetConfiguration.Builder warmedUpLamb() {
        return TestModels.configuration(new Lamb(new LinearScaling(0.005, 4, 5)), DataType.DOUBLE)
                .regularization(Lamb.trustRatio(0.01));
    }

    @ParameterizedTest
    @MethodSource("modelsWithAWarmUp")
    void ranksEqualOneProcessWithTheWholeBatch(Supplier<Model> models) throws Exception {
        Model plain = models.get();
        DataSet all = plain instanceof ComputationGraph
                ? TestData.images(70, DataType.DOUBLE, 1)
                : TestData.vectors(70, DataType.DOUBLE, 1);
        List<DataSet> batches = TestData.batches(all, 14, 9);
        for (int epoch = 0; epoch < 3; epoch++) {
            batches.forEach(batch -> TestModels.plainFit(plain, batch));
        }

        for (int ranks = 2; ranks <= 4; ranks++) {
            List<Model> onRanks = Gyre.local(ranks).call(session -> {
                Model model = models.get();
                try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                    trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 3);
                }
                return model;
            });

            Bound.assertClose(onRanks.get(ranks - 1).params(), plain.params(), 3 * batches.size());
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void inBulkSynchronySeveralServersDoWhatOneProcessDoes(Supplier<MultiLayerNetwork> models) throws Exception {
        List<INDArray> onServers = Gyre.local(3).call(session -> {
            MultiLayerNetwork model = models.get();
            try (ParameterService service = ParameterService.builder(session)
                    .training(Strategies.training(model, new BulkSynchronous()))
                    .start()) {
                fit(model, session, Strategies.parameterServer(model, service));
            }
            return model.params();
        });

        assertNear(onServers.get(2), plain(models));
    }

    @ParameterizedTest
    @MethodSource("models")
    void groupsWithServersBetweenThemDoWhatOneProcessDoes(Supplier<MultiLayerNetwork> models) throws Exception {
        List<INDArray> hybrid = Gyre.local(4).call(session -> {
            MultiLayerNetwork model = models.get();
            try (ParameterService service = ParameterService.builder(session)
                            .groups(2)
                            .training(Strategies.training(model, new BulkSynchronous()))
                            .start();
                    Collective group = Collectives.choose(service.group().endpoint())) {
                fit(model, session, Strategies.hybrid(model, service, group));
            }
            return model.params();
        });

        assertNear(hybrid.get(3), plain(models));
    }

    /** With one rank and a moving rate of 1/2, rank and centre meet half way after each step. */
    @ParameterizedTest
    @MethodSource("models")
    void anElasticRankUpdatesAsAPlainOne(Supplier<MultiLayerNetwork> models) throws Exception {
        MultiLayerNetwork alone = models.get();
        INDArray centre = alone.params().dup();
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            for (DataSet batch : batches()) {
                alone.fit(batch);
                INDArray half = alone.params().sub(centre).muli(0.5);
                alone.params().subi(half);
                centre.addi(half);
            }
        }

        INDArray elastic = Gyre.local(1)
                .call(session -> {
                    MultiLayerNetwork model = models.get();
                    try (ParameterService service =
                            ParameterService.builder(session).start()) {
                        fit(model, session, Strategies.elastic(model, service, 1, 0.5));
                    }
                    return model.params();
                })
                .get(0);

        assertNear(elastic, centre);
    }

    @Test
    void aShardEndsAtTheNearerEndOfAWeightArrayWithATrustRatio() {
        ModelOptimizer optimizer = ModelOptimizer.of(lamb());
        // Weights of 12 x 16, 16 biases, weights of 16 x 10, 10 biases, weights of 10 x 5, 5 biases.
        ShardPlan plan = new ShardPlan(433, 4, optimizer::border);

        assertThat(Stream.of(1L, 95L, 96L, 192L, 200L, 208L, 209L, 287L, 288L, 370L, 430L)
                        .map(optimizer::border))
                .containsExactly(0L, 0L, 192L, 192L, 200L, 208L, 208L, 208L, 368L, 370L, 430L);
        assertThat(Stream.of(0, 1, 2, 3, 4).map(plan::offset)).containsExactly(0L, 192L, 208L, 368L, 433L);
    }

    @Test
    void withoutTrustRatiosEveryBorderStays() {
        IUpdater adam = new Adam(0.01);
        ModelOptimizer optimizer =
                ModelOptimizer.of(TestModels.perceptron(TestModels.configuration(adam, DataType.DOUBLE)));

        assertThat(Stream.of(1L, 100L, 288L).map(optimizer::border)).containsExactly(1L, 100L, 288L);
    }

    @ParameterizedTest
    @MethodSource("models")
    void aResumedRunEndsWithTheBitsOfAnUninterruptedOne(Supplier<MultiLayerNetwork> models, @TempDir Path directory)
            throws Exception {
        INDArray whole = trainTo(models, directory.resolve("whole"), EPOCHS);
        trainTo(models, directory.resolve("parts"), 1);

        INDArray resumed = trainTo(models, directory.resolve("parts"), EPOCHS);

        Bound.assertIdentical(resumed, whole);
    }

    private static INDArray trainTo(Supplier<MultiLayerNetwork> models, Path checkpoints, int epochs)
            throws InterruptedException {
        return Gyre.local(2)
                .call(session -> {
                    MultiLayerNetwork model = models.get();
                    try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .checkpointDirectory(checkpoints)
                            .microBatches(2)
                            .resume(true)
                            .build()) {
                        ShardedData data = vectors();
                        for (int i = 0; i < epochs; i++) {
                            trainer.fit(data, 1);
                        }
                    }
                    return model.params();
                })
                .get(1);
    }
}
