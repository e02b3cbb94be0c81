package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.local.Gyre;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.layers.convolution.ConvolutionLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.listeners.CheckpointListener;
import org.deeplearning4j.optimize.listeners.CollectScoresIterationListener;
import org.deeplearning4j.optimize.listeners.CollectScoresListener;
import org.deeplearning4j.optimize.listeners.ComposableIterationListener;
import org.deeplearning4j.optimize.listeners.EvaluativeListener;
import org.deeplearning4j.optimize.listeners.FailureTestingListener;
import org.deeplearning4j.optimize.listeners.PerformanceListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.deeplearning4j.optimize.listeners.SleepyTrainingListener;
import org.deeplearning4j.optimize.listeners.TimeIterationListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Sgd;

/** Listeners work on every rank, also on one without examples, and see the plain model. */
@SuppressWarnings("deprecation") // Deprecated parts of Deeplearning4j are still in use.
class ListenersTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final int RANKS = 3;

    /** Two of three ranks have no examples in the first step. */
    private static final List<DataSet> BATCHES = TestData.batches(TestData.images(12, TYPE, 1), 1, 6, 2, 3);

    @TempDir
    private static Path directory;

    /** Deeplearning4j's own listeners. */
    static Stream<TrainingListener> known(Path directory) throws IOException {
        File files = Files.createTempDirectory(directory, "checkpoints").toFile();
        return Stream.of(
                new CheckpointListener.Builder(files)
                        .keepAll()
                        .saveEveryNIterations(2)
                        .build(),
                new CollectScoresIterationListener(1),
                new CollectScoresListener(1),
                new ComposableIterationListener(new PerformanceListener(1)),
                new EvaluativeListener(TestData.iterator(BATCHES), 2),
                new FailureTestingListener(
                        FailureTestingListener.FailureMode.ILLEGAL_STATE,
                        new FailureTestingListener.TimeSinceInitializedTrigger(Integer.MAX_VALUE)),
                new PerformanceListener(1, true, true),
                new ScoreIterationListener(1),
                SleepyTrainingListener.builder()
                        .timerIteration(1)
                        .sleepMode(SleepyTrainingListener.SleepMode.PARK)
                        .timeMode(SleepyTrainingListener.TimeMode.ADDITIVE)
                        .build(),
                new TimeIterationListener(1000));
    }

    static Stream<Arguments> cases() throws IOException {
        List<Arguments> cases = new ArrayList<>();
        List<Function<Integer, Model>> models = List.of(
                rank -> TestModels.convolutional(TestModels.configuration(new Sgd(0.1), TYPE), false),
                rank -> TestModels.residual(TestModels.configuration(new Sgd(0.1), TYPE), false));
        for (Function<Integer, Model> model : models) {
            for (Overlap overlap : List.of(Overlap.OFF, Overlap.ON)) {
                int count = (int) known(directory).count();
                for (int i = 0; i < count; i++) {
                    List<TrainingListener> ofRanks = new ArrayList<>();
                    for (int rank = 0; rank < RANKS; rank++) {
                        ofRanks.add(known(directory).toList().get(i));
                    }
                    Model first = model.apply(0);
                    cases.add(Arguments.of(
                            ofRanks.get(0).getClass().getSimpleName(),
                            first.getClass().getSimpleName(),
                            overlap,
                            model,
                            ofRanks));
                }
            }
        }
        return cases.stream();
    }

    @ParameterizedTest(name = "{0} on a {1}, overlap {2}")
    @MethodSource("cases")
    void doesNotChangeTheResult(
            String name, String kind, Overlap overlap, Function<Integer, Model> model, List<TrainingListener> listeners)
            throws Exception {
        INDArray without = train(model, overlap, List.of()).get(0).params();

        List<Model> with = train(model, overlap, listeners);

        assertThat(with).allSatisfy(each -> Bound.assertIdentical(each.params(), without));
    }

    private static List<Model> train(
            Function<Integer, Model> model, Overlap overlap, List<? extends TrainingListener> listeners)
            throws InterruptedException {
        return Gyre.local(RANKS).call(session -> {
            int rank = session.world().rank();
            Model trained = model.apply(rank);
            if (!listeners.isEmpty()) {
                trained.addListeners(listeners.get(rank));
            }
            try (DistributedTrainer trainer = DistributedTrainer.builder(trained, session)
                    .overlap(overlap)
                    .bucketBytes(200)
                    .build()) {
                trainer.fit(ShardedData.of(TestData.iterator(BATCHES), Sharding.EXAMPLES), 2);
            }
            return trained;
        });
    }

    @ParameterizedTest
    @EnumSource(
            value = Overlap.class,
            names = {"OFF", "ON"})
    void collectedScoresAreThoseOfThePlainModelOnEveryRank(Overlap overlap) throws Exception {
        Function<Integer, Model> model =
                rank -> TestModels.convolutional(TestModels.configuration(new Sgd(0.1), DataType.DOUBLE), false);
        List<DataSet> batches = TestData.batches(TestData.images(12, DataType.DOUBLE, 1), 1, 6, 2, 3);
        CollectScoresListener expected = new CollectScoresListener(1);
        Model plain = model.apply(0);
        plain.addListeners(expected);
        batches.forEach(batch -> TestModels.plainFit(plain, batch));

        List<CollectScoresListener> found = Gyre.local(RANKS).call(session -> {
            Model trained = model.apply(0);
            CollectScoresListener listener = new CollectScoresListener(1);
            trained.addListeners(listener);
            try (DistributedTrainer trainer = DistributedTrainer.builder(trained, session)
                    .overlap(overlap)
                    .build()) {
                trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
            }
            return listener;
        });

        double[] scores = expected.getListScore().toDoubleArray();
        assertThat(scores).hasSize(batches.size());
        assertThat(found).allSatisfy(each -> {
            double[] ofRank = each.getListScore().toDoubleArray();
            assertThat(ofRank).hasSameSizeAs(scores);
            for (int i = 0; i < scores.length; i++) {
                assertThat(ofRank[i]).isCloseTo(scores[i], org.assertj.core.api.Assertions.within(1e-12));
            }
        });
    }

    @ParameterizedTest
    @EnumSource(
            value = Overlap.class,
            names = {"OFF", "ON"})
    void everyCallSeesTheModelsOwnLayersAndItsLastBatch(Overlap overlap) throws Exception {
        List<Function<Integer, Model>> models = List.of(
                rank -> TestModels.convolutional(TestModels.configuration(new Sgd(0.1), TYPE), false),
                rank -> TestModels.residual(TestModels.configuration(new Sgd(0.1), TYPE), false));
        for (Function<Integer, Model> model : models) {
            List<Looks> listeners = List.of(new Looks(), new Looks(), new Looks());

            train(model, overlap, listeners);

            assertThat(listeners).allSatisfy(each -> assertThat(each.updates).isEqualTo(2 * BATCHES.size()));
            assertThat(listeners.get(0).passes).isEqualTo(2 * BATCHES.size());
        }
    }

    /** Its update was applied: constraints have to be, too, and the step is counted. */
    @Test
    void aListenerThatFailsLeavesAWholeStep() throws Exception {
        MultiLayerNetwork undisturbed = constrained();
        MultiLayerNetwork failed = constrained();
        TrainingListener failing = new BaseTrainingListener() {
            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                throw new IllegalStateException("planned");
            }
        };
        train(undisturbed);
        failed.addListeners(failing);

        assertThatThrownBy(() -> train(failed)).hasStackTraceContaining("planned");

        Bound.assertIdentical(failed.params(), undisturbed.params());
        assertThat(failed.getIterationCount()).isEqualTo(1);
    }

    private static MultiLayerNetwork constrained() {
        return TestModels.perceptron(
                TestModels.configuration(new Sgd(0.1), TYPE).constrainWeights(new MaxNormConstraint(0.05, 1)));
    }

    private static void train(MultiLayerNetwork model) throws Exception {
        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fitSteps(ShardedData.of(ExampleSource.of(TestData.vectors(8, TYPE, 1)), 8, 1), 1);
            }
        });
    }

    /** Does what listeners do that draw a model during training. */
    private static final class Looks extends BaseTrainingListener {

        private int passes;
        private int updates;

        @Override
        public void onForwardPass(Model model, List<INDArray> activations) {
            look(model);
        }

        @Override
        public void onForwardPass(Model model, Map<String, INDArray> activations) {
            look(model);
        }

        @Override
        public void onGradientCalculation(Model model) {
            look(model);
        }

        @Override
        public void onBackwardPass(Model model) {
            look(model);
            passes++;
        }

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            look(model);
            updates++;
            assertThat(model.gradient().gradientForVariable()).isNotEmpty();
            assertThat(model.batchSize()).isNotNegative();
        }

        private static void look(Model model) {
            if (model instanceof MultiLayerNetwork layers) {
                assertThat(layers.getLayer(0)).isInstanceOf(ConvolutionLayer.class);
                assertThat(layers.getInput().size(0)).isNotNegative();
                assertThat(layers.getLabels().size(0)).isNotNegative();
            } else {
                ComputationGraph graph = (ComputationGraph) model;
                assertThat(graph.getLayer("stem")).isInstanceOf(ConvolutionLayer.class);
                assertThat(graph.getVertex("stem").getClass().getPackageName()).startsWith("org.deeplearning4j");
                assertThat(graph.getInput(0).size(0)).isNotNegative();
            }
        }
    }
}
