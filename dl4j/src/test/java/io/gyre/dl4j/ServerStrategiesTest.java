package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.local.Gyre;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.Consistency;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.StaleSynchronous;
import io.gyre.session.Session;
import io.gyre.training.ElasticAveraging;
import io.gyre.training.UpdateStrategy;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
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
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

/** Models with parameters on servers, over the in-process network. */
@Timeout(120)
class ServerStrategiesTest {

    private static final int EPOCHS = 4;

    static Stream<IUpdater> updaters() {
        return Stream.of(
                new Sgd(0.1),
                new Sgd(new StepSchedule(ScheduleType.ITERATION, 0.2, 0.5, 7)),
                new Nesterovs(0.1, 0.9),
                new Adam(0.01),
                new AdaGrad(0.1),
                new RmsProp(0.01));
    }

    private static NeuralNetConfiguration.Builder configuration(IUpdater updater) {
        return TestModels.configuration(updater.clone(), DataType.DOUBLE)
                .l1(0.001)
                .weightDecay(0.02);
    }

    private static List<DataSet> data() {
        return TestData.batches(TestData.vectors(96, DataType.DOUBLE, 1), 12);
    }

    /** Trains on every rank; the ranks also serve. Returns rank 0's parameters, which equal those of all. */
    private static INDArray trained(int ranks, Consistency consistency, NeuralNetConfiguration.Builder configuration)
            throws InterruptedException {
        List<INDArray> all = Gyre.local(ranks).call(session -> {
            MultiLayerNetwork model = TestModels.perceptron(configuration.clone());
            try (ParameterService service = ParameterService.builder(session)
                    .training(Strategies.training(model, consistency))
                    .start()) {
                fit(model, session, Strategies.parameterServer(model, service));
                return model.params().dup();
            }
        });
        all.forEach(parameters -> assertThat(parameters).isEqualTo(all.get(0)));
        return all.get(0);
    }

    private static FitReport fit(MultiLayerNetwork model, Session session, UpdateStrategy strategy) {
        try (DistributedTrainer trainer =
                DistributedTrainer.builder(model, session).strategy(strategy).build()) {
            return trainer.fit(ShardedData.of(TestData.iterator(data()), Sharding.EXAMPLES), EPOCHS);
        }
    }

    private static INDArray trainedInStep(int ranks, NeuralNetConfiguration.Builder configuration)
            throws InterruptedException {
        return Gyre.local(ranks)
                .call(session -> {
                    MultiLayerNetwork model = TestModels.perceptron(configuration.clone());
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(ShardedData.of(TestData.iterator(data()), Sharding.EXAMPLES), EPOCHS);
                        return model.params().dup();
                    }
                })
                .get(0);
    }

    private static double difference(INDArray a, INDArray b) {
        return Nd4j.math().abs(a.sub(b)).maxNumber().doubleValue();
    }

    @ParameterizedTest
    @MethodSource("updaters")
    void inBulkSynchronyServersDoWhatAllReduceDoes(IUpdater updater) throws Exception {
        INDArray inStep = trainedInStep(3, configuration(updater));

        INDArray onServers = trained(3, new BulkSynchronous(), configuration(updater));

        assertThat(difference(onServers, inStep)).isLessThan(1e-9);
        assertThat(difference(
                        inStep, TestModels.perceptron(configuration(updater)).params()))
                .as("something was learned")
                .isGreaterThan(0.01);
    }

    @Test
    void inBulkSynchronyFloatsAreEqualWithinRounding() throws Exception {
        NeuralNetConfiguration.Builder configuration = TestModels.configuration(new Sgd(0.1), DataType.FLOAT);

        INDArray onServers = trained(2, new BulkSynchronous(), configuration);

        assertThat(difference(onServers, trainedInStep(2, configuration))).isLessThan(1e-6);
    }

    @Test
    void oneAsynchronousWorkerIsPlainTraining() throws Exception {
        NeuralNetConfiguration.Builder configuration = configuration(new Adam(0.01));

        // Without a bound the parameters are prefetched, and lack the rank's own last push: a bound of 0 forbids that.
        INDArray onServers = trained(1, new StaleSynchronous(0), configuration);

        assertThat(difference(onServers, trainedInStep(1, configuration))).isLessThan(1e-9);
    }

    @Test
    void clippingIsDoneBeforeThePush() throws Exception {
        NeuralNetConfiguration.Builder configuration = TestModels.configuration(new Sgd(0.1), DataType.DOUBLE)
                .gradientNormalization(GradientNormalization.ClipL2PerLayer)
                .gradientNormalizationThreshold(0.05);

        INDArray onServers = trained(1, new BulkSynchronous(), configuration);

        assertThat(difference(onServers, trainedInStep(1, configuration))).isLessThan(1e-12);
    }

    static List<Consistency> looseConsistencies() {
        return List.of(new StaleSynchronous(0), new StaleSynchronous(2), new AsynchronousParallel());
    }

    @ParameterizedTest
    @MethodSource("looseConsistencies")
    void looseConsistenciesLearnAndKeepTheirBound(Consistency consistency) throws Exception {
        Gyre.local(3).run(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Sgd(0.05), DataType.DOUBLE));
            try (ParameterService service = ParameterService.builder(session)
                    .training(Strategies.training(model, consistency))
                    .start()) {
                UpdateStrategy strategy = Strategies.parameterServer(model, service);
                double before = model.score(data().get(0));

                FitReport report = fit(model, session, strategy);

                assertThat(model.score(data().get(0))).isLessThan(before);
                assertThat(report.examples()).isEqualTo(96L * EPOCHS);
                assertThat(report.epochs()).isEqualTo(EPOCHS);
                if (consistency instanceof StaleSynchronous bounded) {
                    assertThat(strategy.exchange().maxStaleness()).isLessThanOrEqualTo(bounded.bound());
                }
            }
        });
    }

    @Test
    void fitContinuesWhereTheLastOneEnded() throws Exception {
        Gyre.local(2).run(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Sgd(0.05), DataType.DOUBLE));
            try (ParameterService service = ParameterService.builder(session)
                            .training(Strategies.training(model, new StaleSynchronous(1)))
                            .start();
                    DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .strategy(Strategies.parameterServer(model, service))
                            .build()) {
                ShardedData data = ShardedData.of(TestData.iterator(data()), Sharding.EXAMPLES);
                trainer.fit(data, 1);
                String first = trainer.parametersSha256();
                trainer.fit(data, 1);

                assertThat(trainer.step()).isEqualTo(16);
                assertThat(trainer.parametersSha256()).isNotEqualTo(first);
                assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
            }
        });
    }

    @Test
    void elasticRanksMeetInTheCentre() throws Exception {
        Gyre.local(3).run(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.DOUBLE));
            try (ParameterService service = ParameterService.builder(session).start()) {
                double before = model.score(data().get(0));

                fit(model, session, Strategies.elastic(model, service, 2));

                assertThat(model.score(data().get(0))).isLessThan(before);
                byte[] own = Checksums.sha256(HostMemory.region("parameters", model.params()))
                        .getBytes(java.nio.charset.StandardCharsets.UTF_8);
                assertThat(session.exchange("checksums", own)).containsOnly(own);
            }
        });
    }

    /** With one rank and alpha 1/2 the centre moves half of the way in each step, and so does the rank. */
    @Test
    void theElasticForceIsThatOfTheEquations() throws Exception {
        Gyre.local(1).run(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.DOUBLE));
            MultiLayerNetwork alone = model.clone();
            INDArray centre = alone.params().dup();
            for (DataSet batch : data()) {
                alone.fit(batch);
                INDArray d = alone.params().sub(centre).muli(0.5);
                alone.params().subi(d);
                centre.addi(d);
            }
            try (ParameterService service = ParameterService.builder(session).start();
                    DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .strategy(Strategies.elastic(model, service, 1, 0.5))
                            .build()) {
                trainer.fit(ShardedData.of(TestData.iterator(data()), Sharding.EXAMPLES), 1);

                assertThat(difference(model.params(), centre)).isCloseTo(0, within(1e-12));
            }
        });
    }

    @Test
    void aModelWithConstraintsIsRefused() {
        MultiLayerNetwork model = TestModels.perceptron(
                TestModels.configuration(new Sgd(0.1), DataType.DOUBLE).constrainWeights(new MaxNormConstraint(1, 1)));

        assertThatThrownBy(() -> Strategies.training(model, new BulkSynchronous()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("constraints", "allreduce");
    }

    @Test
    void checkpointsOfAVectorThatCannotBeSavedAreRefused() {
        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    MultiLayerNetwork model =
                            TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.DOUBLE));
                    DistributedTrainer.builder(model, session)
                            .strategy(new ElasticAveraging(new UnsavedVector(), 0.5, 1))
                            .checkpointDirectory(Path.of("unused"))
                            .build()
                            .close();
                }))
                .hasMessageContaining("checkpoints with the strategy elastic");
    }
}
