package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.allreduce.Algorithm;
import io.gyre.local.Gyre;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Models of type HALF: what one rank, several ranks and a resumed run make of them. */
@Timeout(120)
class HalfModelTest {

    private static final DataType TYPE = DataType.FLOAT16;
    private static final int BATCH = 12;
    private static final int STEPS = 4;
    private static final double RATE = 0.05;
    private static final double MOMENTUM = 0.9;
    private static final int FEATURES = 6;
    private static final int LENGTH = 7;

    @TempDir
    Path directory;

    static Stream<Arguments> models() {
        IUpdater updater = new Nesterovs(RATE, MOMENTUM);
        Supplier<Model> perceptron = () -> TestModels.perceptron(TestModels.configuration(updater, TYPE));
        Supplier<Model> convolutional =
                () -> TestModels.convolutional(TestModels.configuration(updater, TYPE), false);
        Supplier<Model> lstm = () -> TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(
                        updater, TYPE)
                .list()
                .layer(new LSTM.Builder().nOut(8).build())
                .layer(new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nOut(TestModels.CLASSES)
                        .build())
                .setInputType(InputType.recurrent(FEATURES))
                .build()));
        return Stream.of(
                Arguments.of("dense layers", perceptron, TestData.vectors(BATCH * STEPS, TYPE, 1)),
                Arguments.of("convolution", convolutional, TestData.images(BATCH * STEPS, TYPE, 1)),
                Arguments.of("LSTM", lstm, sequences(BATCH * STEPS)));
    }

    private static DataSet sequences(int examples) {
        INDArray labels = TestData.oneHot(examples, TYPE, 1);
        INDArray everywhere = labels.reshape(examples, TestModels.CLASSES, 1).repeat(2, LENGTH);
        return new DataSet(TestData.gaussian(TYPE, 1, examples, FEATURES, LENGTH), everywhere);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void oneRankHasTheBitsOfFit(String name, Supplier<Model> model, DataSet examples) throws Exception {
        Model plain = model.get();
        for (DataSet batch : TestData.batches(examples, BATCH)) {
            TestModels.plainFit(plain, batch);
        }

        Model trained = train(1, model, examples, BATCH, builder -> builder).get(0);

        Bound.assertIdentical(trained.params(), plain.params());
    }

    /** Each step rounds sums, momentum and parameters to 11 bits; all are at most about 1. */
    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void severalRanksEqualOneProcessWithinTheTypesRounding(String name, Supplier<Model> model, DataSet examples)
            throws Exception {
        float[] whole = train(1, model, examples, BATCH, builder -> builder)
                .get(0)
                .params()
                .toFloatVector();
        for (Overlap overlap : List.of(Overlap.OFF, Overlap.ON)) {
            List<Model> ranks = train(
                    3,
                    model,
                    examples,
                    BATCH / 3,
                    builder -> builder.overlap(overlap).bucketBytes(1000));

            Bound.assertIdentical(ranks.get(1).params(), ranks.get(0).params());
            Bound.assertIdentical(ranks.get(2).params(), ranks.get(0).params());
            float[] parameters = ranks.get(0).params().toFloatVector();
            for (int i = 0; i < whole.length; i++) {
                assertThat(parameters[i]).isCloseTo(whole[i], within(STEPS * 8 * 0x1p-11f));
            }
        }
    }

    @Test
    void microBatchesHaveTheBitsOfRanks() throws Exception {
        Supplier<Model> model =
                () -> TestModels.perceptron(TestModels.configuration(new Nesterovs(RATE, MOMENTUM), TYPE));
        DataSet examples = TestData.vectors(BATCH * STEPS, TYPE, 1);

        Model ranks = train(3, model, examples, BATCH / 3, builder -> builder).get(0);
        Model parts = train(1, model, examples, BATCH, builder -> builder.microBatches(3))
                .get(0);

        Bound.assertIdentical(parts.params(), ranks.params());
    }

    @Test
    void messagesAndSharedMemoryGiveReplicasOfTheSameQuality() throws Exception {
        Supplier<Model> model = () -> TestModels.perceptron(
                TestModels.configuration(new Adam(0.01, 0.9, 0.999, 1e-4), TYPE));
        DataSet examples = TestData.vectors(BATCH * STEPS, TYPE, 1);

        Model shared = train(2, model, examples, BATCH / 2, builder -> builder).get(0);
        Model ring = train(2, model, examples, BATCH / 2, builder -> builder.algorithm(Algorithm.RING))
                .get(0);

        // The sum of two floats does not depend on their order.
        Bound.assertIdentical(ring.params(), shared.params());
    }

    @Test
    void aResumedRunEndsWithTheSameBitsAndCanBeEvaluated() throws Exception {
        DataSet examples = TestData.vectors(BATCH * STEPS, TYPE, 1);
        List<INDArray> whole = resumable(examples, directory.resolve("a"), false, STEPS);
        resumable(examples, directory.resolve("b"), false, 2);

        List<INDArray> resumed = resumable(examples, directory.resolve("b"), true, STEPS);

        Bound.assertIdentical(resumed.get(0), whole.get(0));
        Bound.assertIdentical(resumed.get(1), whole.get(0));
    }

    private static List<INDArray> resumable(DataSet examples, Path checkpoints, boolean resume, int steps)
            throws Exception {
        return Gyre.local(2).call(session -> {
            MultiLayerNetwork model =
                    TestModels.perceptron(TestModels.configuration(new Nesterovs(RATE, MOMENTUM), TYPE));
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .checkpointDirectory(checkpoints)
                    .checkpointEverySteps(1)
                    .resume(resume)
                    .build()) {
                ShardedData data = ShardedData.of(ExampleSource.of(examples), BATCH / 2, 1);
                while (trainer.step() < steps) {
                    trainer.fitSteps(data, 1);
                }
                double accuracy = trainer.evaluate(data).accuracy();
                assertThat(accuracy).isEqualTo(model.evaluate(TestData.iterator(List.of(examples))).accuracy());
            }
            return model.params();
        });
    }

    /** In FLOAT the sum of both ranks is 80,000, more than HALF can hold. */
    @Test
    void sumsThatOverflowInHalfAreAnError() {
        DataSet examples = TestData.vectors(BATCH, TYPE, 1);
        examples.getFeatures().muli(30_000);
        assertThatThrownBy(() -> train(
                        2,
                        () -> TestModels.perceptron(TestModels.configuration(new Nesterovs(RATE, MOMENTUM), TYPE)
                                .activation(Activation.IDENTITY)),
                        examples,
                        BATCH / 2,
                        builder -> builder))
                .cause()
                .hasMessageContaining("not finite");
    }

    @Test
    void mixedPrecisionIsForFloats() {
        assertThatThrownBy(() -> train(
                        1,
                        () -> TestModels.perceptron(TestModels.configuration(new Nesterovs(RATE, MOMENTUM), TYPE)),
                        TestData.vectors(BATCH, TYPE, 1),
                        BATCH,
                        builder -> builder.mixedPrecision(true)))
                .rootCause()
                .hasMessageContainingAll("mixedPrecision", "HALF");
    }

    /** Deeplearning4j itself allows DOUBLE, FLOAT and HALF. */
    @Test
    void deeplearning4jHasNoModelsOfTypeBfloat16() {
        assertThatThrownBy(() -> TestModels.configuration(new Adam(0.01), DataType.BFLOAT16))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("BFLOAT16");
    }

    private static List<Model> train(
            int ranks, Supplier<Model> model, DataSet examples, int batch, UnaryOperator<TrainerBuilder> options)
            throws Exception {
        return Gyre.local(ranks).call(session -> {
            Model own = model.get();
            try (DistributedTrainer trainer =
                    options.apply(DistributedTrainer.builder(own, session)).build()) {
                // In the order of the examples, so that fit sees the same batches.
                trainer.fit(
                        ShardedData.of(TestData.iterator(TestData.batches(examples, batch * ranks)), Sharding.EXAMPLES),
                        1);
            }
            return own;
        });
    }
}
