package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.rnn.DuplicateToTimeSeriesVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMAE;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;

/**
 * Programs of the kinds of Deeplearning4j's examples, small and with drawn data: the calls of each, and the lines that
 * change, are those of the table in docs/getting-started.md.
 */
@Timeout(120)
class ExampleProgramsTest {

    private static final DataType TYPE = DataType.DOUBLE;
    private static final int TIME = 5;
    private static final List<String> DIGITS = List.of("digit1", "digit2", "digit3");

    /**
     * A program.
     *
     * @param plain its calls
     * @param changed the calls that stand for them, of the trainer and of its model
     */
    private record Program<M extends Model>(
            String name, Supplier<M> model, Consumer<M> plain, Changed<M> changed, Sharding sharding) {

        Program(String name, Supplier<M> model, Consumer<M> plain, Changed<M> changed) {
            this(name, model, plain, changed, Sharding.EXAMPLES);
        }

        @Override
        public String toString() {
            return name;
        }

        M run() {
            M ran = model.get();
            plain.accept(ran);
            return ran;
        }

        List<M> run(int ranks) throws InterruptedException {
            return Gyre.local(ranks).call(session -> {
                M own = model.get();
                try (DistributedTrainer trainer =
                        Gyre.builder(own).sharding(sharding).build()) {
                    changed.of(trainer, own, session.world().rank());
                }
                return own;
            });
        }
    }

    private interface Changed<M> {
        void of(DistributedTrainer trainer, M model, int rank);
    }

    static Stream<Program<?>> programs() {
        return Stream.of(
                new Program<>(
                        "LeNetMNIST",
                        () -> TestModels.convolutional(adam().l2(5e-4), false),
                        model -> model.fit(images(), 3),
                        (trainer, model, rank) -> trainer.fit(images(), 3)),
                new Program<>(
                        "MNISTDoubleLayer",
                        () -> TestModels.perceptron(adam().l2(1e-4)),
                        model -> {
                            model.fit(vectors(), 3);
                            assertThat(model.evaluate(vectors()).getNumRowCounter())
                                    .isEqualTo(22);
                        },
                        (trainer, model, rank) -> {
                            trainer.fit(vectors(), 3);
                            assertThat(model.evaluate(vectors()).getNumRowCounter())
                                    .isEqualTo(22);
                        }),
                new Program<>(
                        "IrisClassifier",
                        () -> TestModels.perceptron(adam().updater(new Sgd(0.1))),
                        model -> times(6, () -> model.fit(shuffled(0))),
                        (trainer, model, rank) -> times(6, () -> trainer.fit(shuffled(rank))),
                        Sharding.FROM_ROOT),
                new Program<>(
                        "SumModel",
                        () -> regression(2, 1, LossFunction.MSE.getILossFunction()),
                        model -> {
                            ListDataSetIterator<DataSet> sums = sums();
                            times(4, () -> {
                                sums.reset();
                                model.fit(sums);
                            });
                        },
                        (trainer, model, rank) -> {
                            ListDataSetIterator<DataSet> sums = sums();
                            times(4, () -> {
                                sums.reset();
                                trainer.fit(sums);
                            });
                        }),
                new Program<>(
                        "ModelXOR",
                        () -> TestModels.perceptron(adam().miniBatch(false).updater(new Sgd(0.1))),
                        model -> times(8, () -> model.fit(fourExamples())),
                        (trainer, model, rank) -> times(8, () -> trainer.fit(fourExamples()))),
                new Program<>(
                        "UCISequenceClassification",
                        () -> lstm(adam().gradientNormalization(GradientNormalization.ClipElementWiseAbsoluteValue)
                                .gradientNormalizationThreshold(0.5)),
                        model -> model.fit(endLabelled(), 3),
                        (trainer, model, rank) -> trainer.fit(endLabelled(), 3)),
                new Program<>(
                        "MemorizeSequence",
                        () -> lstm(adam()),
                        model -> times(5, () -> {
                            model.fit(sequences(1));
                            continueSequence(model);
                        }),
                        (trainer, model, rank) -> times(5, () -> {
                            trainer.fit(sequences(1));
                            continueSequence(model);
                        })),
                new Program<>(
                        "AdditionModelWithSeq2Seq",
                        ExampleProgramsTest::encoderAndDecoder,
                        model -> times(3, () -> model.fit(additions())),
                        (trainer, model, rank) -> times(3, () -> trainer.fit(additions()))),
                new Program<>(
                        "MultiDigitNumberRecognition",
                        ExampleProgramsTest::severalDigits,
                        model -> model.fit(captchas(), 3),
                        (trainer, model, rank) -> trainer.fit(captchas(), 3)),
                new Program<>(
                        "MNISTAutoencoder",
                        () -> regression(TestModels.FEATURES, TestModels.FEATURES, LossFunction.MSE.getILossFunction()),
                        model -> examples().forEach(each -> model.fit(each.getFeatures(), each.getFeatures())),
                        (trainer, model, rank) ->
                                examples().forEach(each -> trainer.fit(each.getFeatures(), each.getFeatures()))),
                new Program<>(
                        "CustomLossUsageEx",
                        () -> regression(2, 1, new SquaredAndAbsolute()),
                        model -> model.fit(sums(), 4),
                        (trainer, model, rank) -> trainer.fit(sums(), 4)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("programs")
    void equalsThePlainProgram(Program<?> program) throws Exception {
        Model plain = program.run();
        int steps = Network.of(plain).step();
        assertThat(steps).isGreaterThan(3);

        Bound.assertIdentical(program.run(1).get(0).params(), plain.params());
        for (int ranks = 2; ranks <= 3; ranks++) {
            for (Model found : program.run(ranks)) {
                Bound.assertClose(found.params(), plain.params(), steps);
                assertThat(Network.of(found).step()).isEqualTo(steps);
            }
        }
    }

    private static void times(int count, Runnable call) {
        for (int i = 0; i < count; i++) {
            call.run();
        }
    }

    private static NeuralNetConfiguration.Builder adam() {
        return TestModels.configuration(TestModels.steadyAdam(0.01), TYPE);
    }

    private static Batches images() {
        return new Batches(TestData.batches(TestData.images(22, TYPE, 1), 7));
    }

    private static List<DataSet> examples() {
        return TestData.batches(TestData.vectors(22, TYPE, 1), 5);
    }

    private static Batches vectors() {
        return new Batches(examples());
    }

    /** What a program without a seed has: another order on each rank. */
    private static DataSet shuffled(int seed) {
        DataSet data = TestData.vectors(15, TYPE, 1);
        data.shuffle(seed);
        return data;
    }

    private static DataSet fourExamples() {
        return TestData.vectors(4, TYPE, 1);
    }

    private static ListDataSetIterator<DataSet> sums() {
        INDArray numbers = TestData.gaussian(TYPE, 1, 20, 2);
        List<DataSet> all = new DataSet(numbers, numbers.sum(true, 1)).asList();
        Collections.shuffle(all, new Random(7));
        return new ListDataSetIterator<>(all, 6);
    }

    private static MultiLayerNetwork regression(int inputs, int outputs, ILossFunction loss) {
        return TestModels.initialised(new MultiLayerNetwork(adam().updater(new Nesterovs(0.01, 0.9))
                .list()
                .layer(TestModels.dense(8))
                .layer(new OutputLayer.Builder(loss)
                        .activation(Activation.IDENTITY)
                        .nOut(outputs)
                        .build())
                .setInputType(InputType.feedForward(inputs))
                .build()));
    }

    /** As a program's own loss. */
    public static final class SquaredAndAbsolute extends LossMSE {

        private static final LossMAE ABSOLUTE = new LossMAE();

        @Override
        public double computeScore(
                INDArray labels, INDArray output, IActivation activation, INDArray mask, boolean average) {
            return super.computeScore(labels, output, activation, mask, average)
                    + ABSOLUTE.computeScore(labels, output, activation, mask, average);
        }

        @Override
        public INDArray computeScoreArray(INDArray labels, INDArray output, IActivation activation, INDArray mask) {
            return super.computeScoreArray(labels, output, activation, mask)
                    .add(ABSOLUTE.computeScoreArray(labels, output, activation, mask));
        }

        @Override
        public INDArray computeGradient(INDArray labels, INDArray output, IActivation activation, INDArray mask) {
            return super.computeGradient(labels, output.dup(), activation, mask)
                    .add(ABSOLUTE.computeGradient(labels, output, activation, mask));
        }

        @Override
        public Pair<Double, INDArray> computeGradientAndScore(
                INDArray labels, INDArray output, IActivation activation, INDArray mask, boolean average) {
            return Pair.of(
                    computeScore(labels, output.dup(), activation, mask, average),
                    computeGradient(labels, output, activation, mask));
        }
    }

    private static RnnOutputLayer labelled() {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(TestModels.CLASSES)
                .build();
    }

    private static MultiLayerNetwork lstm(NeuralNetConfiguration.Builder configuration) {
        return TestModels.initialised(new MultiLayerNetwork(configuration
                .list()
                .layer(new LSTM.Builder().nOut(6).build())
                .layer(labelled())
                .setInputType(InputType.recurrent(TestModels.FEATURES))
                .build()));
    }

    private static DataSet sequences(int examples) {
        return new DataSet(
                TestData.gaussian(TYPE, 1, examples, TestModels.FEATURES, TIME),
                Sequences.labels(TYPE, examples, TIME, 1));
    }

    /** Sequences whose last step alone has a label. */
    private static Batches endLabelled() {
        DataSet all = sequences(20);
        INDArray mask = Nd4j.zeros(TYPE, 20, TIME);
        mask.getColumn(TIME - 1).assign(1);
        all.setFeaturesMaskArray(Nd4j.ones(TYPE, 20, TIME));
        all.setLabelsMaskArray(mask);
        return new Batches(TestData.batches(all, 7));
    }

    private static void continueSequence(MultiLayerNetwork model) {
        model.rnnClearPreviousState();
        for (int step = 0; step < TIME; step++) {
            assertThat(model.rnnTimeStep(TestData.gaussian(TYPE, step, 1, TestModels.FEATURES, 1))
                            .length())
                    .isEqualTo(TestModels.CLASSES);
        }
    }

    private static ComputationGraph encoderAndDecoder() {
        return TestModels.initialised(new ComputationGraph(adam().graphBuilder()
                .addInputs("question", "answer")
                .setInputTypes(InputType.recurrent(4), InputType.recurrent(4))
                .addLayer("encoder", new LSTM.Builder().nOut(6).build(), "question")
                .addVertex("last", new LastTimeStepVertex("question"), "encoder")
                .addVertex("repeated", new DuplicateToTimeSeriesVertex("answer"), "last")
                .addLayer("decoder", new LSTM.Builder().nOut(6).build(), "answer", "repeated")
                .addLayer("out", labelled(), "decoder")
                .setOutputs("out")
                .build()));
    }

    private static BatchList additions() {
        return new BatchList(KnownParts.batches(new MultiDataSet(
                new INDArray[] {TestData.gaussian(TYPE, 1, 18, 4, TIME), TestData.gaussian(TYPE, 2, 18, 4, TIME)},
                new INDArray[] {Sequences.labels(TYPE, 18, TIME, 1)})));
    }

    private static ComputationGraph severalDigits() {
        GraphBuilder graph = adam().gradientNormalization(GradientNormalization.RenormalizeL2PerLayer)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(TestModels.PIXELS, TestModels.PIXELS, 2))
                .addLayer("convolution", TestModels.convolution(3), "image")
                .addLayer("dense", TestModels.dense(8), "convolution");
        DIGITS.forEach(digit -> graph.addLayer(digit, TestModels.softmax(), "dense"));
        graph.setOutputs(DIGITS.toArray(String[]::new));
        return TestModels.initialised(new ComputationGraph(graph.build()));
    }

    private static BatchList captchas() {
        INDArray images = TestData.images(18, TYPE, 1).getFeatures();
        INDArray[] digits =
                Stream.of(1, 2, 3).map(seed -> TestData.oneHot(18, TYPE, seed)).toArray(INDArray[]::new);
        return new BatchList(KnownParts.batches(new MultiDataSet(new INDArray[] {images}, digits)));
    }
}
