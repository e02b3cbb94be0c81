package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.local.Gyre;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

class TrainerTest {

    private static final DataType TYPE = DataType.FLOAT;

    private static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
    }

    private static List<DataSet> vectors(int examples, int... sizes) {
        return TestData.batches(TestData.vectors(examples, TYPE, 1), sizes);
    }

    private static ShardedData byExamples(List<DataSet> batches) {
        return ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES);
    }

    @Test
    void everyRankStartsFromRankZerosModel() throws Exception {
        MultiLayerNetwork trained = perceptron();
        vectors(20, 5).forEach(trained::fit);
        trained.setEpochCount(3);

        List<MultiLayerNetwork> models = Gyre.local(3).call(session -> {
            MultiLayerNetwork model = session.world().isRoot()
                    ? trained.clone()
                    : TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE)
                            .seed(session.world().rank()));
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                assertThat(trainer.step()).isEqualTo(4);
                assertThat(trainer.epoch()).isEqualTo(3);
            }
            return model;
        });

        assertThat(models).allSatisfy(model -> {
            Bound.assertIdentical(model.params(), trained.params());
            Bound.assertIdentical(model.updaterState(), trained.updaterState());
            assertThat(model.getIterationCount()).isEqualTo(4);
            assertThat(model.getEpochCount()).isEqualTo(3);
        });
    }

    @Test
    void ranksWithLessDataOrNoneTakeEveryStepAllTheSame() throws Exception {
        int[] batchesOfRank = {2, 5, 0};
        List<Counting> listeners = List.of(new Counting(), new Counting(), new Counting());

        List<MultiLayerNetwork> models = Gyre.local(3).call(session -> {
            int rank = session.world().rank();
            MultiLayerNetwork model = perceptron();
            model.setListeners(listeners.get(rank));
            List<DataSet> own =
                    TestData.batches(TestData.vectors(5 * 4, TYPE, rank), 4).subList(0, batchesOfRank[rank]);
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                FitReport report = trainer.fit(ShardedData.of(TestData.iterator(own), Sharding.OWN), 2);
                assertThat(report.steps()).isEqualTo(10);
                assertThat(report.epochs()).isEqualTo(2);
                assertThat(report.examples()).isEqualTo(2 * (2 + 5) * 4);
                assertThat(trainer.parametersSha256OfAllRanks()).hasSize(3).containsOnly(trainer.parametersSha256());
            }
            return model;
        });

        assertThat(models).allSatisfy(model -> {
            assertThat(model.getIterationCount()).isEqualTo(10);
            assertThat(model.getEpochCount()).isEqualTo(2);
            Bound.assertIdentical(model.updaterState(), models.get(0).updaterState());
        });
        assertThat(listeners).extracting(listener -> listener.iterations).containsOnly(10);
        assertThat(listeners).extracting(listener -> listener.gradients).containsExactly(4, 10, 0);
        assertThat(listeners)
                .allSatisfy(listener -> assertThat(listener.scores)
                        .isEqualTo(listeners.get(0).scores)
                        .doesNotContain(Double.NaN));
    }

    @Test
    void listenersFireOnceForEachStepAndEpoch() throws Exception {
        Counting single = new Counting();
        MultiLayerNetwork plain = perceptron();
        plain.setListeners(single);
        plain.fit(TestData.iterator(vectors(30, 6)), 2);

        List<Counting> counted = Gyre.local(2).call(session -> {
            Counting listener = new Counting();
            MultiLayerNetwork model = perceptron();
            model.setListeners(listener);
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(byExamples(vectors(30, 6)), 2);
            }
            return listener;
        });

        assertThat(counted).allSatisfy(listener -> {
            assertThat(listener.iterations).isEqualTo(single.iterations).isEqualTo(10);
            assertThat(listener.gradients).isEqualTo(single.gradients);
            assertThat(listener.forwards).isEqualTo(single.forwards);
            assertThat(listener.backwards).isEqualTo(single.backwards);
            assertThat(listener.epochStarts).isEqualTo(single.epochStarts).isEqualTo(2);
            assertThat(listener.epochEnds).isEqualTo(single.epochEnds).isEqualTo(2);
            for (int i = 0; i < single.scores.size(); i++) {
                assertThat(listener.scores.get(i)).isCloseTo(single.scores.get(i), within(1e-5));
            }
        });
    }

    @Test
    void theProgressListenerHearsOfAllRanks() throws Exception {
        List<List<String>> heard = Gyre.local(2).call(session -> {
            List<String> steps = new ArrayList<>();
            try (DistributedTrainer trainer = DistributedTrainer.builder(perceptron(), session)
                    .progressListener(
                            (step, epoch, summary) -> steps.add(step + " in " + epoch + ": " + summary.examples()))
                    .build()) {
                FitReport report = trainer.fit(byExamples(vectors(10, 4)), 2);
                assertThat(report.lastLoss()).isEqualTo(trainer.score());
                assertThat(report.firstLoss()).isNotEqualTo(report.lastLoss());
                assertThat(report.bytesSent()).isPositive();
            }
            return steps;
        });

        assertThat(heard.get(0))
                .isEqualTo(heard.get(1))
                .containsExactly("1 in 0: 4", "2 in 0: 4", "3 in 0: 2", "4 in 1: 4", "5 in 1: 4", "6 in 1: 2");
    }

    @Test
    void aListenerOnAnyRankStopsAllAfterTheSameStep() throws Exception {
        List<FitReport> reports = Gyre.local(3).call(session -> {
            MultiLayerNetwork model = perceptron();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                if (session.world().rank() == 1) {
                    model.addListeners(new BaseTrainingListener() {
                        @Override
                        public void iterationDone(Model ignored, int iteration, int epoch) {
                            if (iteration == 3) {
                                trainer.requestStop();
                            }
                        }
                    });
                }
                FitReport report = trainer.fit(byExamples(vectors(60, 6)), 5);
                assertThat(trainer.parametersSha256OfAllRanks()).containsOnly(trainer.parametersSha256());
                return report;
            }
        });

        // Requested in step 3, counted from 0; the others are told in the next.
        assertThat(reports).allSatisfy(report -> {
            assertThat(report.stopped()).isTrue();
            assertThat(report.steps()).isEqualTo(5);
            assertThat(report.epochs()).isZero();
        });
    }

    @Test
    void trainingContinuesWhereItStopped() throws Exception {
        List<DataSet> batches = vectors(42, 6);
        MultiLayerNetwork whole = perceptron();
        MultiLayerNetwork inParts = perceptron();

        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(whole, session)) {
                assertThat(trainer.fit(byExamples(batches), 3).steps()).isEqualTo(21);
            }
            try (DistributedTrainer trainer = DistributedTrainer.of(inParts, session)) {
                ShardedData data = byExamples(batches);
                assertThat(trainer.fitSteps(data, 4).steps()).isEqualTo(4);
                assertThat(trainer.fitSteps(data, 6).epochs()).isEqualTo(1);
                trainer.requestStop();
                assertThat(trainer.fit(data, 1).steps()).isEqualTo(1);
                assertThat(trainer.fit(data, 2).epochs()).isEqualTo(2);
            }
        });

        Bound.assertIdentical(inParts.params(), whole.params());
    }

    @Test
    void dropoutDiffersBetweenRanksAndIsRepeatable() throws Exception {
        List<INDArray> first = trainWithDropout(1);

        Bound.assertIdentical(first.get(0), first.get(1));
        Bound.assertIdentical(trainWithDropout(1).get(0), first.get(0));
        assertThat(trainWithDropout(2).get(0)).isNotEqualTo(first.get(0));
    }

    private static List<INDArray> trainWithDropout(long seed) throws InterruptedException {
        return Gyre.local(2).call(session -> {
            MultiLayerNetwork model = TestModels.perceptron(
                    TestModels.configuration(new Sgd(0.1), TYPE).dropOut(0.5));
            try (DistributedTrainer trainer =
                    DistributedTrainer.builder(model, session).seed(seed).build()) {
                trainer.fit(byExamples(vectors(24, 6)), 2);
            }
            return model.params();
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLearningRateMayBeChangedBetweenSteps(boolean graph) throws Exception {
        List<DataSet> batches = TestData.batches(TestData.images(24, DataType.DOUBLE, 1), 6);
        Model plain = model(graph);
        for (int i = 0; i < batches.size(); i++) {
            setLearningRate(plain, 0.02 / (i + 1));
            TestModels.plainFit(plain, batches.get(i));
        }

        List<Model> models = Gyre.local(2).call(session -> {
            Model model = model(graph);
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                ShardedData data = byExamples(batches);
                for (int i = 0; i < batches.size(); i++) {
                    setLearningRate(model, 0.02 / (i + 1));
                    trainer.fitSteps(data, 1);
                }
            }
            return model;
        });

        Bound.assertIdentical(models.get(0).params(), models.get(1).params());
        Bound.assertClose(models.get(0).params(), plain.params(), batches.size());
    }

    private static Model model(boolean graph) {
        NeuralNetConfiguration.Builder configuration =
                TestModels.configuration(TestModels.steadyAdam(0.02), DataType.DOUBLE);
        return graph ? TestModels.residual(configuration, false) : TestModels.convolutional(configuration, false);
    }

    private static void setLearningRate(Model model, double rate) {
        if (model instanceof ComputationGraph graph) {
            graph.setLearningRate(rate);
        } else {
            ((MultiLayerNetwork) model).setLearningRate(rate);
        }
    }

    @Test
    void clearingTheModelOnOneRankLosesNoUpdaterState() throws Exception {
        List<DataSet> batches = vectors(30, 6);

        List<MultiLayerNetwork> models = Gyre.local(2).call(session -> {
            MultiLayerNetwork model = perceptron();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                ShardedData data = byExamples(batches);
                trainer.fitSteps(data, 3);
                if (session.world().rank() == 1) {
                    model.clear();
                    assertThat(model.getUpdater(false)).isNull();
                }
                trainer.fitSteps(data, 2);
            }
            return model;
        });

        Bound.assertIdentical(models.get(1).params(), models.get(0).params());
        Bound.assertIdentical(models.get(1).updaterState(), models.get(0).updaterState());
    }

    @Test
    void aModelThatWasChangedOnOneRankIsFoundOut() {
        assertThatThrownBy(() -> Gyre.local(3).run(session -> {
                    MultiLayerNetwork model = perceptron();
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(byExamples(vectors(12, 6)), 1);
                        if (session.world().rank() == 2) {
                            model.setLearningRate(0.1);
                        }
                        trainer.fit(byExamples(vectors(12, 6)), 1);
                    }
                }))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("after step 3 rank 2 (")
                .hasMessageContaining(
                        "differs from the other 2 ranks, first in the parameters at element 0 of parameter 0_W");
    }

    /** Trains on three ranks; rank 2 also trains outside the trainer between two calls of {@code fit}. */
    private static void trainBesides(Consumer<MultiLayerNetwork> alone) throws InterruptedException {
        Gyre.local(3).run(session -> {
            MultiLayerNetwork model =
                    TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Adam(0.01), TYPE)
                            .list()
                            .layer(new AutoEncoder.Builder().nOut(8).build())
                            .layer(TestModels.softmax())
                            .setInputType(InputType.feedForward(TestModels.FEATURES))
                            .build()));
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(byExamples(vectors(12, 6)), 1);
                if (session.world().rank() == 2) {
                    // Without listeners nobody hears of it at once: see HeldModelTest.
                    model.setListeners();
                    alone.accept(model);
                }
                trainer.fit(byExamples(vectors(12, 6)), 4);
            }
        });
    }

    @Test
    void aModelThatWasPretrainedOnOneRankAloneIsFoundOutWithAdvice() {
        assertThatThrownBy(() -> trainBesides(model -> model.pretrainLayer(0, TestData.iterator(vectors(12, 6)))))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("rank 2 (")
                .hasMessageContaining("differs from the other 2 ranks, first in the parameters at element")
                .hasMessageContaining(
                        "trained or changed the model on one rank alone (pretrain, an EarlyStoppingTrainer, fit on the"
                                + " model itself)");
    }

    static Stream<Named<Consumer<MultiLayerNetwork>>> trainingByOthers() {
        return Stream.of(
                Named.of("fit", model -> model.fit(TestData.iterator(vectors(12, 6)))),
                Named.of(
                        "EarlyStoppingTrainer",
                        model -> new EarlyStoppingTrainer(once(), model, TestData.iterator(vectors(12, 6))).fit()));
    }

    private static EarlyStoppingConfiguration<MultiLayerNetwork> once() {
        return new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                .epochTerminationConditions(new MaxEpochsTerminationCondition(1))
                .scoreCalculator(new DataSetLossCalculator(TestData.iterator(vectors(12, 6)), true))
                .build();
    }

    @ParameterizedTest
    @MethodSource("trainingByOthers")
    void aModelThatWasTrainedOnOneRankAloneHasOtherSteps(Consumer<MultiLayerNetwork> alone) {
        assertThatThrownBy(() -> trainBesides(alone))
                .hasRootCauseInstanceOf(DisagreementException.class)
                .hasMessageContaining(
                        "'steps of the model, by a trainer, an EarlyStoppingTrainer or fit on the model itself' is '2' on"
                                + " rank 0 (")
                .hasMessageContaining("and '4' on rank 2 (");
    }

    @Test
    void afterwardsTheModelIsAPlainOneWithItsUpdatersState() throws Exception {
        List<DataSet> batches = vectors(36, 6);
        MultiLayerNetwork plain = perceptron();
        batches.forEach(plain::fit);
        MultiLayerNetwork model = perceptron();

        Gyre.local(1).run(session -> {
            DistributedTrainer trainer = DistributedTrainer.of(model, session);
            trainer.fitSteps(byExamples(batches), 3);
            trainer.close();
            trainer.close();
        });
        batches.subList(3, 6).forEach(model::fit);

        Bound.assertIdentical(model.params(), plain.params());
        Bound.assertIdentical(model.updaterState(), plain.updaterState());
    }

    @Test
    void anInterruptEndsTraining() {
        AtomicInteger steps = new AtomicInteger();

        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.builder(perceptron(), session)
                            .progressListener((step, epoch, summary) -> {
                                if (session.world().isRoot() && steps.incrementAndGet() == 2) {
                                    Thread.currentThread().interrupt();
                                }
                            })
                            .build()) {
                        trainer.fit(byExamples(vectors(12, 6)), 1_000_000);
                    }
                }))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("interrupted");
    }

    private static final class Counting extends BaseTrainingListener {
        private int iterations;
        private int gradients;
        private int forwards;
        private int backwards;
        private int epochStarts;
        private int epochEnds;
        private final List<Double> scores = new ArrayList<>();

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            assertThat(iteration).isEqualTo(iterations);
            iterations++;
            scores.add(model.score());
        }

        @Override
        public void onGradientCalculation(Model model) {
            gradients++;
        }

        @Override
        public void onForwardPass(Model model, List<INDArray> activations) {
            forwards++;
        }

        @Override
        public void onBackwardPass(Model model) {
            backwards++;
        }

        @Override
        public void onEpochStart(Model model) {
            epochStarts++;
        }

        @Override
        public void onEpochEnd(Model model) {
            epochEnds++;
        }
    }
}
