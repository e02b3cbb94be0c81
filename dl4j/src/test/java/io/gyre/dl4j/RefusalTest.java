package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.allreduce.Algorithm;
import io.gyre.local.Gyre;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** What cannot be trained correctly is rejected, with one clear message, before it does harm. */
class RefusalTest {

    private static final DataType TYPE = DataType.FLOAT;

    private static NeuralNetConfiguration.Builder adam() {
        return TestModels.configuration(new Adam(0.01), TYPE);
    }

    static Stream<Arguments> untrainable() {
        Supplier<Model> emptySegments = () -> TestModels.initialised(new MultiLayerNetwork(adam().list()
                .layer(new LSTM.Builder().nOut(3).build())
                .layer(new RnnOutputLayer.Builder(LossFunction.MSE).nOut(2).build())
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTLength(0)
                .setInputType(InputType.recurrent(TestModels.FEATURES))
                .build()));
        Supplier<Model> lbfgs = () -> TestModels.perceptron(adam().optimizationAlgo(OptimizationAlgorithm.LBFGS));
        Supplier<Model> maximising = () -> TestModels.residual(adam().minimize(false), false);
        Supplier<Model> raw = () -> new MultiLayerNetwork(adam().list()
                .layer(TestModels.dense(2))
                .setInputType(InputType.feedForward(2))
                .build());
        Supplier<Model> layer = () -> TestModels.perceptron(adam()).getLayer(0);
        Supplier<Model> empty = () -> TestModels.initialised(new MultiLayerNetwork(adam().list()
                .layer(new ActivationLayer(Activation.TANH))
                .layer(new LossLayer.Builder(LossFunction.MSE).build())
                .setInputType(InputType.feedForward(2))
                .build()));
        Supplier<Model> withoutOutput = () -> TestModels.initialised(new MultiLayerNetwork(adam().list()
                .layer(TestModels.dense(3))
                .layer(TestModels.dense(2))
                .setInputType(InputType.feedForward(2))
                .build()));
        Supplier<Model> pretrainsOnly = () -> TestModels.initialised(new MultiLayerNetwork(adam().list()
                .layer(new VariationalAutoencoder.Builder()
                        .nOut(2)
                        .encoderLayerSizes(3)
                        .decoderLayerSizes(3)
                        .build())
                .setInputType(InputType.feedForward(4))
                .build()));
        Supplier<Model> endsInVertex = () -> TestModels.initialised(new ComputationGraph(adam().graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.feedForward(4))
                .addLayer("dense", TestModels.dense(3), "in")
                .addVertex("half", new ScaleVertex(0.5), "dense")
                .setOutputs("half")
                .build()));
        return Stream.of(
                Arguments.of("a model without an output layer", withoutOutput, "no output layer"),
                Arguments.of("a model that only pretrains", pretrainsOnly, "pretraining is not distributed"),
                Arguments.of("a graph whose output is no layer", endsInVertex, "vertex 'half'"),
                Arguments.of("segments of no steps of time", emptySegments, "tBPTTForwardLength(0)"),
                Arguments.of("another optimisation algorithm", lbfgs, "LBFGS"),
                Arguments.of("maximisation", maximising, "minimize(false)"),
                Arguments.of("a model that is not initialised", raw, "call init()"),
                Arguments.of("a single layer", layer, "DenseLayer"),
                Arguments.of("a model without parameters", empty, "no parameters"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("untrainable")
    void isRefused(String what, Supplier<Model> model, String message) {
        Model untrainable = model.get();

        assertThatThrownBy(() -> Gyre.local(1).run(session -> DistributedTrainer.of(untrainable, session)))
                .hasRootCauseInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void rankWithAnotherModelIsNamedWithBothValues() {
        assertThatThrownBy(() -> Gyre.local(3)
                        .run(session -> DistributedTrainer.of(
                                session.world().rank() == 2
                                        ? TestModels.perceptron(adam().l2(0.5))
                                        : TestModels.perceptron(adam().l2(0.25)),
                                session)))
                .hasRootCauseInstanceOf(DisagreementException.class)
                .hasMessageContaining("'configuration'")
                .hasMessageContaining("rank 0")
                .hasMessageContaining("rank 2")
                .hasMessageContaining("0.25")
                .hasMessageContaining("0.5");
    }

    @Test
    void rankWithAnotherSeedIsNamed() {
        assertThatThrownBy(() -> Gyre.local(2)
                        .run(session -> DistributedTrainer.builder(TestModels.perceptron(adam()), session)
                                .seed(session.world().rank() + 40)
                                .build()))
                .hasRootCauseInstanceOf(DisagreementException.class)
                .hasMessageContaining("'seed' is '40' on rank 0")
                .hasMessageContaining("'41' on rank 1");
    }

    @Test
    void rankWithAnotherAlgorithmIsNamed() {
        assertThatThrownBy(() -> Gyre.local(2)
                        .run(session -> DistributedTrainer.builder(TestModels.perceptron(adam()), session)
                                .algorithm(session.world().isRoot() ? Algorithm.RING : Algorithm.DIRECT)
                                .build()))
                .hasRootCauseInstanceOf(DisagreementException.class)
                .hasMessageContaining("'algorithm' is 'ring' on rank 0")
                .hasMessageContaining("'direct' on rank 1");
    }

    @Test
    void rankWithOtherDataIsNamed() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    DataSet examples = TestData.vectors(10 + session.world().rank(), TYPE, 1);
                    try (DistributedTrainer trainer = DistributedTrainer.of(TestModels.perceptron(adam()), session)) {
                        trainer.fit(ShardedData.of(ExampleSource.of(examples), 2, 1), 1);
                    }
                }))
                .hasRootCauseInstanceOf(DisagreementException.class)
                .hasMessageContaining("training data")
                .hasMessageContaining("10 examples")
                .hasMessageContaining("11 examples");
    }

    @Test
    void anEmptyDataSetIsRefused() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(TestModels.perceptron(adam()), session)) {
                        trainer.fit(ShardedData.of(new BatchList(List.of()), Sharding.OWN), 1);
                    }
                }))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("no rank has any examples")
                .hasMessageContaining("BatchList");
    }

    @Test
    void batchesForAnotherKindOfModelAreRefused() {
        DataSet one = TestData.vectors(4, TYPE, 1);
        org.nd4j.linalg.dataset.MultiDataSet two = new org.nd4j.linalg.dataset.MultiDataSet(
                new INDArray[] {one.getFeatures(), one.getFeatures()}, new INDArray[] {one.getLabels()});

        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(TestModels.perceptron(adam()), session)) {
                        trainer.fit(ShardedData.of(new BatchList(List.of(two)), Sharding.OWN), 1);
                    }
                }))
                .hasMessageContaining("not 2 and 1");
    }

    @Test
    void badOptionsAreRefused() throws Exception {
        Gyre.local(1).run(session -> {
            TrainerBuilder builder = DistributedTrainer.builder(TestModels.perceptron(adam()), session);
            assertThatThrownBy(() -> builder.bucketBytes(0)).hasMessageContaining("bucketBytes 0");
            assertThatThrownBy(() -> builder.keepCheckpoints(-1)).hasMessageContaining("keepCheckpoints -1");
            assertThatThrownBy(() -> builder.checkpointEverySteps(0)).hasMessageContaining("checkpointEverySteps");
        });
    }

    @Test
    void aLossThatIsNotFiniteEndsTrainingOnAllRanksBeforeTheUpdate() {
        Map<Integer, String> messages = new ConcurrentHashMap<>();
        List<DataSet> batches = new ArrayList<>(TestData.batches(TestData.vectors(24, TYPE, 1), 6));
        DataSet bad = batches.get(2).copy();
        bad.getFeatures().putScalar(2, 0, Double.NaN);
        batches.set(2, bad);

        assertThatThrownBy(() -> Gyre.local(3).run(session -> {
                    MultiLayerNetwork model = TestModels.perceptron(adam());
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        ShardedData data = ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES);
                        trainer.fitSteps(data, 2);
                        INDArray before = model.params().dup();
                        try {
                            trainer.fit(data, 1);
                        } catch (GyreException e) {
                            Bound.assertIdentical(model.params(), before);
                            assertThat(model.getIterationCount()).isEqualTo(2);
                            messages.put(session.world().rank(), String.valueOf(e.getMessage()));
                            throw e;
                        }
                    }
                }))
                .hasMessageContaining("the loss of step 2 is NaN on rank 1");

        assertThat(messages).hasSize(3);
        assertThat(messages.values()).containsOnly(messages.get(0));
        assertThat(messages.get(0)).contains("No update was applied").doesNotContain("rank 0", "rank 2");
    }

    @ParameterizedTest
    @CsvSource({"OFF, 1", "ON, 1", "OFF, 2", "ON, 2"})
    void aGradientThatIsNotFiniteNamesItsRankAndItsPlace(Overlap overlap, int microBatches) {
        Map<Integer, String> messages = spoilGradients(overlap, microBatches, (rank, gradients) -> {
            if (rank == 1) {
                // The second layer begins with 16 biases and weights after 12 * 16 + 16 elements of the first.
                gradients.putScalar(12 * 16 + 16 + 7, Double.POSITIVE_INFINITY);
            }
        });

        assertThat(messages).hasSize(3);
        assertThat(messages.values()).containsOnly(messages.get(0));
        assertThat(messages.get(0))
                .contains("the gradients of step 0, summed over all ranks, are not finite")
                .contains("the first are Infinity at element 7 of parameter 1_W on rank 1 (")
                .contains("No update was applied")
                .doesNotContain("rank 0 (", "rank 2 (");
    }

    @Test
    void aSumThatIsTooLargeIsNoRanksFault() {
        Map<Integer, String> messages =
                spoilGradients(Overlap.OFF, 1, (rank, gradients) -> gradients.putScalar(3, Float.MAX_VALUE));

        assertThat(messages).hasSize(3);
        assertThat(messages.values()).containsOnly(messages.get(0));
        assertThat(messages.get(0)).contains("each rank's own gradients are finite: their sum is too large");
    }

    @Test
    void aRankAloneNamesThePlaceToo() {
        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    MultiLayerNetwork model = TestModels.perceptron(adam());
                    model.addListeners(new Spoiling(gradients -> gradients.putScalar(5, Double.NaN)));
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(ShardedData.of(ExampleSource.of(TestData.vectors(8, TYPE, 1)), 2, 1), 1);
                    }
                }))
                .hasMessageContaining("the first is NaN at element 5 of parameter 0_W");
    }

    /** Trains on three ranks until they fail, and returns each error message; no parameter may have changed. */
    private static Map<Integer, String> spoilGradients(
            Overlap overlap, int microBatches, BiConsumer<Integer, INDArray> spoil) {
        Map<Integer, String> messages = new ConcurrentHashMap<>();
        assertThatThrownBy(() -> Gyre.local(3).run(session -> {
                    int rank = session.world().rank();
                    MultiLayerNetwork model = TestModels.perceptron(adam());
                    model.addListeners(new Spoiling(gradients -> spoil.accept(rank, gradients)));
                    INDArray before = model.params().dup();
                    try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .overlap(overlap)
                            .microBatches(microBatches)
                            .build()) {
                        trainer.fit(ShardedData.of(ExampleSource.of(TestData.vectors(24, TYPE, 1)), 4, 1), 1);
                    } catch (GyreException e) {
                        Bound.assertIdentical(model.params(), before);
                        messages.put(rank, String.valueOf(e.getMessage()));
                        throw e;
                    }
                }))
                .isInstanceOf(GyreException.class);
        return messages;
    }

    private static final class Spoiling extends BaseTrainingListener {
        private final Consumer<INDArray> spoil;

        Spoiling(Consumer<INDArray> spoil) {
            this.spoil = spoil;
        }

        @Override
        public void onGradientCalculation(Model trained) {
            spoil.accept(((MultiLayerNetwork) trained).getFlattenedGradients());
        }
    }

    @Test
    void aSourceThatFailsOnOneRankStopsTheOthers() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    ExampleSource source = ExampleSource.of(100, indices -> {
                        if (session.world().rank() == 1 && indices[0] % 7 == 3) {
                            throw new GyreException("image " + indices[0] + " is damaged");
                        }
                        return TestData.vectors(indices.length, TYPE, 1);
                    });
                    try (DistributedTrainer trainer = DistributedTrainer.of(TestModels.perceptron(adam()), session)) {
                        trainer.fit(ShardedData.of(source, 2, 1), 1);
                    }
                }))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("rank 1 failed")
                .hasMessageContaining("is damaged");
    }
}
