package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.GyreException;
import io.gyre.local.Gyre;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.ParameterService;
import io.gyre.session.Session;
import io.gyre.training.UpdateStrategy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.EarlyStoppingResult.TerminationReason;
import org.deeplearning4j.earlystopping.listener.EarlyStoppingListener;
import org.deeplearning4j.earlystopping.saver.LocalFileModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.scorecalc.ScoreCalculator;
import org.deeplearning4j.earlystopping.termination.InvalidScoreIterationTerminationCondition;
import org.deeplearning4j.earlystopping.termination.IterationTerminationCondition;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.termination.ScoreImprovementEpochTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingGraphTrainer;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.learning.config.Sgd;

@Timeout(120)
class DistributedEarlyStoppingTest {

    private static final int RANKS = 4;
    private static final DataType TYPE = DataType.DOUBLE;

    static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Sgd(0.8), TYPE));
    }

    private static List<DataSet> training() {
        // Uneven on four ranks. The labels are random: the model learns them by heart, and others get worse.
        return TestData.batches(TestData.vectors(42, TYPE, 1), 14, 7);
    }

    static DataSetIterator heldOut() {
        // Some of the training, and as many others: what is learned by heart helps at first.
        DataSet mixed = DataSet.merge(List.of(TestData.vectors(20, TYPE, 1), TestData.vectors(20, TYPE, 2)));
        return TestData.iterator(TestData.batches(mixed, 40));
    }

    static ShardedData data() {
        return ShardedData.of(TestData.iterator(training()), Sharding.EXAMPLES);
    }

    private static <T extends Model> EarlyStoppingConfiguration.Builder<T> untilItGetsWorse() {
        return new EarlyStoppingConfiguration.Builder<T>()
                .scoreCalculator(new DataSetLossCalculator(heldOut(), true))
                .epochTerminationConditions(
                        new ScoreImprovementEpochTerminationCondition(2), new MaxEpochsTerminationCondition(30));
    }

    /** What a rank does with its trainer. */
    private interface Training<R> {
        R on(Session session, DistributedTrainer trainer) throws Exception;
    }

    private static <R> List<R> train(int ranks, Training<R> training) throws InterruptedException {
        return Gyre.local(ranks).call(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                return training.on(session, trainer);
            }
        });
    }

    private static List<EarlyStoppingResult<MultiLayerNetwork>> fit(
            int ranks, EarlyStoppingConfiguration<MultiLayerNetwork> ofRoot) throws InterruptedException {
        return train(
                ranks,
                (session, trainer) -> new DistributedEarlyStopping<>(
                                session.world().isRoot() ? ofRoot : unused(), trainer, data())
                        .fit());
    }

    /** Fails if any part of it is used. */
    private static EarlyStoppingConfiguration<MultiLayerNetwork> unused() {
        return new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                .scoreCalculator(new Scores(DistributedEarlyStoppingTest::mustNotBeUsed))
                .iterationTerminationConditions(new AtStep(DistributedEarlyStoppingTest::mustNotBeUsed))
                .build();
    }

    private static double mustNotBeUsed() {
        throw new AssertionError("used on another rank than 0");
    }

    private static <T extends Model> void assertEqual(
            List<EarlyStoppingResult<T>> results, EarlyStoppingResult<T> plain) {
        assertThat(results).hasSize(RANKS).allSatisfy(result -> {
            assertThat(result.getTerminationReason()).isEqualTo(plain.getTerminationReason());
            assertThat(result.getTerminationDetails()).isEqualTo(plain.getTerminationDetails());
            assertThat(result.getTotalEpochs()).isEqualTo(plain.getTotalEpochs());
            assertThat(result.getBestModelEpoch()).isEqualTo(plain.getBestModelEpoch());
            assertThat(result.getScoreVsEpoch().keySet())
                    .isEqualTo(plain.getScoreVsEpoch().keySet());
            result.getScoreVsEpoch()
                    .forEach((epoch, score) ->
                            assertThat(score).isCloseTo(plain.getScoreVsEpoch().get(epoch), within(1e-12)));
            assertThat(result.getBestModelScore())
                    .isEqualTo(result.getScoreVsEpoch().get(plain.getBestModelEpoch()));
            Bound.assertClose(
                    result.getBestModel().params(),
                    plain.getBestModel().params(),
                    4 * (plain.getBestModelEpoch() + 1),
                    8);
            Bound.assertIdentical(
                    result.getBestModel().params(),
                    results.get(0).getBestModel().params());
        });
    }

    @Test
    void fourRanksStopInTheSameEpochWithTheSameBestModelAsOneProcess() throws Exception {
        EarlyStoppingResult<MultiLayerNetwork> plain = new EarlyStoppingTrainer(
                        DistributedEarlyStoppingTest.<MultiLayerNetwork>untilItGetsWorse()
                                .build(),
                        perceptron(),
                        TestData.iterator(training()))
                .fit();

        List<EarlyStoppingResult<MultiLayerNetwork>> results = fit(
                RANKS,
                DistributedEarlyStoppingTest.<MultiLayerNetwork>untilItGetsWorse()
                        .build());

        assertEqual(results, plain);
        assertThat(plain.getTerminationDetails()).contains("ScoreImprovement");
        assertThat(plain.getBestModelEpoch()).isEqualTo(10);
    }

    @Test
    void aGraphEvaluatedInEverySecondEpochStopsAsInOneProcess() throws Exception {
        EarlyStoppingResult<ComputationGraph> plain = new EarlyStoppingGraphTrainer(
                        DistributedEarlyStoppingTest.<ComputationGraph>untilItGetsWorse()
                                .evaluateEveryNEpochs(2)
                                .build(),
                        perceptron().toComputationGraph(),
                        TestData.iterator(training()))
                .fit();

        List<EarlyStoppingResult<ComputationGraph>> results = Gyre.local(RANKS).call(session -> {
            ComputationGraph model = perceptron().toComputationGraph();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                return new DistributedEarlyStopping<>(
                                DistributedEarlyStoppingTest.<ComputationGraph>untilItGetsWorse()
                                        .evaluateEveryNEpochs(2)
                                        .build(),
                                trainer,
                                data())
                        .fit();
            }
        });

        assertEqual(results, plain);
        assertThat(plain.getScoreVsEpoch()).doesNotContainKey(1).containsKeys(0, 2);
    }

    @Test
    void theSaverOfRankZeroWritesTheFiles(@TempDir Path directory) throws Exception {
        List<EarlyStoppingResult<MultiLayerNetwork>> results = fit(
                2,
                new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                        .scoreCalculator(new DataSetLossCalculator(heldOut(), true))
                        .modelSaver(new LocalFileModelSaver(directory.toString()))
                        .saveLastModel(true)
                        .epochTerminationConditions(new MaxEpochsTerminationCondition(2))
                        .build());

        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("bestModel.bin", "latestModel.bin");
        }
        Bound.assertIdentical(
                results.get(1).getBestModel().params(),
                results.get(0).getBestModel().params());
        MultiLayerNetwork read = new LocalFileModelSaver(directory.toString()).getBestModel();
        Bound.assertIdentical(results.get(1).getBestModel().params(), read.params());
    }

    /** Such as a time: only rank 0 may look at its clock. */
    @Test
    void aConditionThatOnlyRankZeroMeetsEndsTheTrainingOnAll() throws Exception {
        AtomicInteger steps = new AtomicInteger();
        List<Integer> taken = new ArrayList<>();

        List<EarlyStoppingResult<MultiLayerNetwork>> results = fit(
                3,
                new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                        .scoreCalculator(new DataSetLossCalculator(heldOut(), true))
                        .iterationTerminationConditions(new AtStep(() -> {
                            taken.add(steps.incrementAndGet());
                            return steps.get();
                        }))
                        .build());

        // The sixth of 4 steps per epoch; the request is taken in the seventh, after which conditions are not asked.
        assertThat(results).allSatisfy(result -> {
            assertThat(result.getTerminationReason()).isEqualTo(TerminationReason.IterationTerminationCondition);
            assertThat(result.getTerminationDetails()).isEqualTo("at step 6");
            assertThat(result.getTotalEpochs()).isEqualTo(1);
            assertThat(result.getBestModelEpoch()).isZero();
            assertThat(result.getBestModel().getIterationCount()).isEqualTo(4);
        });
        assertThat(taken).containsExactly(1, 2, 3, 4, 5, 6);
    }

    @Test
    void gradientsThatAreNotFiniteEndTheTrainingIfAConditionSaysSo() throws Exception {
        List<EarlyStoppingResult<MultiLayerNetwork>> results = train(2, (session, trainer) -> {
            EarlyStoppingResult<MultiLayerNetwork> result = new DistributedEarlyStopping<>(
                            new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                                    .scoreCalculator(new Scores(() -> 1))
                                    .iterationTerminationConditions(new InvalidScoreIterationTerminationCondition())
                                    .build(),
                            trainer,
                            badIn(6))
                    .fit();
            assertThat(trainer.step()).isEqualTo(6);
            return result;
        });

        assertThat(results).allSatisfy(result -> {
            assertThat(result.getTerminationReason()).isEqualTo(TerminationReason.IterationTerminationCondition);
            assertThat(result.getTerminationDetails()).contains("InvalidScore");
            assertThat(result.getTotalEpochs()).isEqualTo(1);
            assertThat(result.getBestModelEpoch()).isZero();
            assertThat(result.getBestModel().params().isNaN().any()).isFalse();
        });
    }

    @Test
    void gradientsThatAreNotFiniteAreAnErrorOtherwise() {
        assertThatThrownBy(() -> train(
                        2,
                        (session, trainer) -> new DistributedEarlyStopping<>(
                                        new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                                                .scoreCalculator(new Scores(() -> 1))
                                                .epochTerminationConditions(new MaxEpochsTerminationCondition(3))
                                                .build(),
                                        trainer,
                                        badIn(6))
                                .fit()))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("the loss of step 6 is NaN");
    }

    /** Four batches, of which the one that is read as this one, from 0, has a NaN. */
    private static ShardedData badIn(int read) {
        AtomicInteger reads = new AtomicInteger();
        Batches batches = new Batches(training());
        batches.setPreProcessor(batch -> {
            if (reads.getAndIncrement() == read) {
                batch.getFeatures().putScalar(0, 0, Double.NaN);
            }
        });
        return ShardedData.of(batches, Sharding.EXAMPLES);
    }

    @Test
    void aCalculatorThatFailsOnRankZeroEndsAllRanksWithItsName() throws Exception {
        List<String> messages = train(2, (session, trainer) -> {
            try {
                new DistributedEarlyStopping<>(
                                new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                                        .scoreCalculator(new Scores(() -> {
                                            throw new IllegalStateException("no data");
                                        }))
                                        .epochTerminationConditions(new MaxEpochsTerminationCondition(3))
                                        .build(),
                                trainer,
                                data())
                        .fit();
                return "";
            } catch (GyreException e) {
                return e.getMessage();
            }
        });

        assertThat(messages)
                .containsOnly("early stopping: scores failed on rank 0, after epoch 0:"
                        + " java.lang.IllegalStateException: no data");
    }

    @Test
    void aConfigurationWithoutConditionsIsRefusedOnAllRanks() {
        assertThatThrownBy(() -> fit(
                        2,
                        new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                                .scoreCalculator(new Scores(() -> 1))
                                .build()))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("the configuration failed on rank 0, at the start")
                .hasMessageContaining("No termination conditions defined");
    }

    @Test
    void everyRankMayListen() throws Exception {
        List<List<String>> heard = train(2, (session, trainer) -> {
            List<String> events = new ArrayList<>();
            DistributedEarlyStopping<MultiLayerNetwork> stopping = new DistributedEarlyStopping<>(
                    new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                            .scoreCalculator(new Scores(() -> 1))
                            .epochTerminationConditions(new MaxEpochsTerminationCondition(2))
                            .build(),
                    trainer,
                    data());
            stopping.setListener(new Events(events));
            stopping.fit();
            return events;
        });

        assertThat(heard.get(0))
                .isEqualTo(heard.get(1))
                .containsExactly("start", "epoch 0: 1.0", "epoch 1: 1.0", "best of epoch 0");
    }

    @Test
    void aRequestToStopEndsItWithoutABestModelIfThereIsNone() throws Exception {
        List<EarlyStoppingResult<MultiLayerNetwork>> results = train(2, (session, trainer) -> {
            trainer.requestEnd();
            return new DistributedEarlyStopping<>(
                            DistributedEarlyStoppingTest.<MultiLayerNetwork>untilItGetsWorse()
                                    .build(),
                            trainer,
                            data())
                    .fit();
        });

        assertThat(results).allSatisfy(result -> {
            assertThat(result.getTerminationDetails()).isEqualTo("a rank asked to stop");
            assertThat(result.getBestModelEpoch()).isEqualTo(-1);
            assertThat(result.getBestModel()).isNull();
            assertThat(result.getScoreVsEpoch()).isEmpty();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void withServersAllRanksGetTheSameResult(boolean elastic) throws Exception {
        List<EarlyStoppingResult<MultiLayerNetwork>> results = Gyre.local(3).call(session -> {
            MultiLayerNetwork model = perceptron();
            try (ParameterService service = ParameterService.builder(session)
                    .training(Strategies.training(model, new AsynchronousParallel()))
                    .start()) {
                UpdateStrategy strategy =
                        elastic ? Strategies.elastic(model, service, 2) : Strategies.parameterServer(model, service);
                try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                        .strategy(strategy)
                        .build()) {
                    AtomicInteger steps = new AtomicInteger();
                    return new DistributedEarlyStopping<>(
                                    session.world().isRoot()
                                            ? new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                                                    .scoreCalculator(new DataSetLossCalculator(heldOut(), true))
                                                    .iterationTerminationConditions(new AtStep(steps::incrementAndGet))
                                                    .build()
                                            : unused(),
                                    trainer,
                                    data())
                            .fit();
                }
            }
        });

        assertThat(results).allSatisfy(result -> {
            assertThat(result.getTerminationDetails()).isEqualTo("at step 6");
            assertThat(result.getScoreVsEpoch()).isEqualTo(results.get(0).getScoreVsEpoch());
            assertThat(result.getTotalEpochs()).isEqualTo(results.get(0).getTotalEpochs());
            Bound.assertIdentical(
                    result.getBestModel().params(),
                    results.get(0).getBestModel().params());
        });
        assertThat(results.get(0).getScoreVsEpoch()).isNotEmpty();
    }

    @Test
    void aResumedRunAndPretrainingAreRefused(@TempDir Path directory) throws Exception {
        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.builder(perceptron(), session)
                    .checkpointDirectory(directory)
                    .build()) {
                trainer.fit(data(), 1);
                DistributedEarlyStopping<MultiLayerNetwork> stopping =
                        new DistributedEarlyStopping<>(unused(), trainer, data());

                assertThatThrownBy(stopping::pretrain)
                        .isInstanceOf(UnsupportedOperationException.class)
                        .hasMessageContaining("layer-wise pretraining is not distributed");
            }
            try (DistributedTrainer trainer = DistributedTrainer.builder(perceptron(), session)
                    .checkpointDirectory(directory)
                    .resume(true)
                    .build()) {
                assertThatThrownBy(() -> new DistributedEarlyStopping<>(unused(), trainer, data()).fit())
                        .isInstanceOf(GyreException.class)
                        .hasMessageContaining("early stopping cannot continue from a checkpoint");
            }
        });
    }

    /** A score that a test makes up. */
    record Scores(Value value) implements ScoreCalculator<MultiLayerNetwork> {

        interface Value {
            double get();
        }

        @Override
        public double calculateScore(MultiLayerNetwork network) {
            return value.get();
        }

        @Override
        public boolean minimizeScore() {
            return true;
        }

        @Override
        public String toString() {
            return "scores";
        }
    }

    /** Is met when a test's counter is at 6. */
    private record AtStep(Scores.Value step) implements IterationTerminationCondition {

        @Override
        public void initialize() {}

        @Override
        public boolean terminate(double score) {
            return step.get() == 6;
        }

        @Override
        public String toString() {
            return "at step 6";
        }
    }

    private record Events(List<String> events) implements EarlyStoppingListener<MultiLayerNetwork> {

        @Override
        public void onStart(EarlyStoppingConfiguration<MultiLayerNetwork> configuration, MultiLayerNetwork net) {
            events.add("start");
        }

        @Override
        public void onEpoch(
                int epoch,
                double score,
                EarlyStoppingConfiguration<MultiLayerNetwork> configuration,
                MultiLayerNetwork net) {
            events.add("epoch " + epoch + ": " + score);
        }

        @Override
        public void onCompletion(EarlyStoppingResult<MultiLayerNetwork> result) {
            events.add("best of epoch " + result.getBestModelEpoch());
        }
    }
}
