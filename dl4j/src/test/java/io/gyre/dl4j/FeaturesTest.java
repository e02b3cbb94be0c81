package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.conf.graph.AttentionVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

/** Every feature of a model's configuration gives on several ranks the results that it gives on one. */
class FeaturesTest {

    private static final DataType TYPE = DataType.DOUBLE;
    private static final int EPOCHS = 2;
    private static final int RANKS = 3;
    private static final int TIME_STEPS = 6;

    record Feature(Supplier<Model> model, Supplier<List<MultiDataSet>> batches) {}

    static Stream<Named<Feature>> features() {
        return Stream.of(
                perceptron("l1 and l2", configuration -> configuration.l1(1e-3).l2(1e-2)),
                perceptron("weight decay", configuration -> configuration.weightDecay(1e-2)),
                perceptron("clipping by the layer's norm", clip(GradientNormalization.ClipL2PerLayer, 0.05)),
                perceptron("clipping by the parameter's norm", clip(GradientNormalization.ClipL2PerParamType, 0.05)),
                perceptron("clipping of elements", clip(GradientNormalization.ClipElementWiseAbsoluteValue, 0.01)),
                perceptron("normalisation per layer", clip(GradientNormalization.RenormalizeL2PerLayer, 1)),
                perceptron("normalisation per parameter", clip(GradientNormalization.RenormalizeL2PerParamType, 1)),
                perceptron(
                        "a schedule over steps",
                        configuration -> configuration.updater(Adam.builder()
                                .learningRateSchedule(new StepSchedule(ScheduleType.ITERATION, 1e-2, 0.5, 3))
                                .epsilon(1e-2)
                                .build())),
                perceptron(
                        "a schedule over epochs",
                        configuration ->
                                configuration.updater(new Sgd(new StepSchedule(ScheduleType.EPOCH, 0.1, 0.5, 1)))),
                perceptron(
                        "a limit on weights",
                        configuration -> configuration.constrainWeights(new MaxNormConstraint(0.5, 1))),
                perceptron(
                        "non-negative parameters",
                        configuration -> configuration.constrainAllParameters(new NonNegativeConstraint())),
                perceptron(
                        "gradients that are not divided by examples",
                        configuration -> configuration.miniBatch(false).updater(new Sgd(0.005))),
                feature("a frozen layer", FeaturesTest::frozen, FeaturesTest::vectors),
                feature("a frozen layer above one that learns", FeaturesTest::frozenAbove, FeaturesTest::vectors),
                feature("updaters of its own for each layer", FeaturesTest::severalUpdaters, FeaturesTest::vectors),
                feature("an autoencoder as a hidden layer", FeaturesTest::autoEncoder, FeaturesTest::vectors),
                feature(
                        "a variational autoencoder as a hidden layer",
                        FeaturesTest::variational,
                        FeaturesTest::vectors),
                feature("masked sequences", FeaturesTest::sequences, FeaturesTest::maskedSequences),
                feature(
                        "the last step of a sequence in both directions",
                        FeaturesTest::lastStep,
                        FeaturesTest::labelledSequences),
                feature("two inputs and two outputs", FeaturesTest::twoByTwo, FeaturesTest::pairs),
                feature("a vertex with parameters", FeaturesTest::attention, FeaturesTest::labelledSequences));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("features")
    void ranksTogetherDoWhatOneProcessDoes(Feature feature) throws Exception {
        List<MultiDataSet> batches = feature.batches().get();
        Model expected = feature.model().get();
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            TestModels.plainEpoch(expected, batches);
        }

        List<Model> models = Gyre.local(RANKS).call(session -> {
            Model model = feature.model().get();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(ShardedData.of(new BatchList(batches), Sharding.EXAMPLES), EPOCHS);
                assertThat(trainer.score()).isFinite();
            }
            return model;
        });

        assertThat(models).allSatisfy(model -> {
            Bound.assertIdentical(model.params(), models.get(0).params());
            assertThat(Network.of(model).step()).isEqualTo(batches.size() * EPOCHS);
            assertThat(Network.of(model).epoch()).isEqualTo(EPOCHS);
        });
        Bound.assertClose(models.get(0).params(), expected.params(), batches.size() * EPOCHS);
        assertThat(expected.params()).isNotEqualTo(feature.model().get().params());
    }

    @Test
    void aLayerThatGetsNoGradientIsRegularisedOnlyOnceAStep() throws Exception {
        double learningRate = 0.1;
        double l2 = 0.5;
        Supplier<MultiLayerNetwork> model =
                () -> TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Sgd(learningRate), TYPE)
                        .l2(l2)
                        .list()
                        .layer(TestModels.dense(6))
                        .layer(new FrozenLayer(TestModels.dense(5)))
                        .layer(TestModels.softmax())
                        .setInputType(InputType.feedForward(TestModels.FEATURES))
                        .build()));
        INDArray initial = model.get().getParam("0_W").dup();

        List<MultiLayerNetwork> models = Gyre.local(2).call(session -> {
            MultiLayerNetwork trained = model.get();
            try (DistributedTrainer trainer = DistributedTrainer.of(trained, session)) {
                trainer.fitSteps(ShardedData.of(new BatchList(vectors()), Sharding.EXAMPLES), 3);
            }
            return trained;
        });

        Bound.assertIdentical(models.get(1).params(), models.get(0).params());
        Bound.assertClose(models.get(0).getParam("0_W"), initial.mul(Math.pow(1 - learningRate * l2, 3)), 3);
        Bound.assertIdentical(models.get(0).getParam("1_W"), model.get().getParam("1_W"));
    }

    private static Named<Feature> feature(String name, Supplier<Model> model, Supplier<List<MultiDataSet>> batches) {
        return Named.of(name, new Feature(model, batches));
    }

    private static Named<Feature> perceptron(String name, UnaryOperator<NeuralNetConfiguration.Builder> option) {
        return feature(name, () -> TestModels.perceptron(option.apply(adam())), FeaturesTest::vectors);
    }

    private static UnaryOperator<NeuralNetConfiguration.Builder> clip(
            GradientNormalization normalization, double threshold) {
        return configuration ->
                configuration.gradientNormalization(normalization).gradientNormalizationThreshold(threshold);
    }

    private static NeuralNetConfiguration.Builder adam() {
        return TestModels.configuration(TestModels.steadyAdam(0.01), TYPE);
    }

    private static NeuralNetConfiguration.Builder adamWithDecay() {
        return adam().l2(0.01);
    }

    private static Model frozen() {
        return layered(adamWithDecay()
                .list()
                .layer(new FrozenLayer(TestModels.dense(16)))
                .layer(TestModels.dense(8))
                .layer(TestModels.softmax())
                .setInputType(InputType.feedForward(TestModels.FEATURES)));
    }

    private static Model frozenAbove() {
        return layered(adamWithDecay()
                .list()
                .layer(TestModels.dense(16))
                .layer(new FrozenLayerWithBackprop(TestModels.dense(8)))
                .layer(TestModels.softmax())
                .setInputType(InputType.feedForward(TestModels.FEATURES)));
    }

    private static Model severalUpdaters() {
        return layered(adam().list()
                .layer(new DenseLayer.Builder().nOut(16).updater(new Sgd(0.1)).build())
                .layer(new DenseLayer.Builder().nOut(8).updater(new NoOp()).build())
                .layer(new DenseLayer.Builder()
                        .nOut(8)
                        .updater(TestModels.steadyAdam(0.02))
                        .biasUpdater(new Sgd(0.5))
                        .build())
                .layer(TestModels.softmax())
                .setInputType(InputType.feedForward(TestModels.FEATURES)));
    }

    private static Model autoEncoder() {
        return layered(adamWithDecay()
                .list()
                .layer(new AutoEncoder.Builder().nOut(8).corruptionLevel(0).build())
                .layer(TestModels.softmax())
                .setInputType(InputType.feedForward(TestModels.FEATURES)));
    }

    private static Model variational() {
        return layered(adamWithDecay()
                .list()
                .layer(new VariationalAutoencoder.Builder()
                        .nOut(4)
                        .encoderLayerSizes(8)
                        .decoderLayerSizes(8)
                        .build())
                .layer(TestModels.softmax())
                .setInputType(InputType.feedForward(TestModels.FEATURES)));
    }

    private static Model sequences() {
        return layered(adam().list()
                .layer(new LSTM.Builder().nOut(6).build())
                .layer(new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nOut(TestModels.CLASSES)
                        .build())
                .setInputType(InputType.recurrent(TestModels.FEATURES, TIME_STEPS)));
    }

    private static Model lastStep() {
        return layered(adam().list()
                .layer(new LastTimeStep(new Bidirectional(
                        Bidirectional.Mode.CONCAT, new LSTM.Builder().nOut(5).build())))
                .layer(TestModels.softmax())
                .setInputType(InputType.recurrent(TestModels.FEATURES, TIME_STEPS)));
    }

    private static Model layered(NeuralNetConfiguration.ListBuilder layers) {
        return TestModels.initialised(new MultiLayerNetwork(layers.build()));
    }

    private static Model twoByTwo() {
        GraphBuilder graph = adamWithDecay()
                .graphBuilder()
                .addInputs("numbers", "image")
                .setInputTypes(
                        InputType.feedForward(TestModels.FEATURES),
                        InputType.convolutional(TestModels.PIXELS, TestModels.PIXELS, 2))
                .addLayer("convolution", TestModels.convolution(3), "image")
                .addLayer("pool", new GlobalPoolingLayer.Builder().build(), "convolution")
                .addLayer("dense", TestModels.dense(8), "numbers")
                .addVertex("both", new MergeVertex(), "pool", "dense")
                .addLayer("class", TestModels.softmax(), "both")
                .addLayer(
                        "value",
                        new OutputLayer.Builder(LossFunction.MSE)
                                .activation(Activation.IDENTITY)
                                .nOut(2)
                                .build(),
                        "both")
                .setOutputs("class", "value");
        return TestModels.initialised(new ComputationGraph(graph.build()));
    }

    private static Model attention() {
        GraphBuilder graph = adam().graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.recurrent(TestModels.FEATURES, TIME_STEPS))
                .addVertex(
                        "attention",
                        new AttentionVertex.Builder()
                                .nInKeys(TestModels.FEATURES)
                                .nInQueries(TestModels.FEATURES)
                                .nInValues(TestModels.FEATURES)
                                .nOut(8)
                                .nHeads(2)
                                .projectInput(true)
                                .build(),
                        "in",
                        "in",
                        "in")
                .addVertex("last", new LastTimeStepVertex("in"), "attention")
                .addLayer("out", TestModels.softmax(), "last")
                .setOutputs("out");
        return TestModels.initialised(new ComputationGraph(graph.build()));
    }

    private static List<MultiDataSet> vectors() {
        return KnownParts.batches(TestData.vectors(20, TYPE, 1).toMultiDataSet());
    }

    private static List<MultiDataSet> labelledSequences() {
        return KnownParts.batches(new DataSet(
                        TestData.gaussian(TYPE, 2, 20, TestModels.FEATURES, TIME_STEPS), TestData.oneHot(20, TYPE, 2))
                .toMultiDataSet());
    }

    /** Sequences of one to six steps; some steps have no label. */
    private static List<MultiDataSet> maskedSequences() {
        int examples = 20;
        Random random = new Random(3);
        INDArray labels = Nd4j.zeros(TYPE, examples, TestModels.CLASSES, TIME_STEPS);
        INDArray featuresMask = Nd4j.zeros(TYPE, examples, TIME_STEPS);
        INDArray labelsMask = Nd4j.zeros(TYPE, examples, TIME_STEPS);
        for (int i = 0; i < examples; i++) {
            int length = 1 + random.nextInt(TIME_STEPS);
            for (int t = 0; t < length; t++) {
                featuresMask.putScalar(i, t, 1);
                labels.putScalar(new int[] {i, random.nextInt(TestModels.CLASSES), t}, 1);
                labelsMask.putScalar(i, t, t == length - 1 || random.nextBoolean() ? 1 : 0);
            }
        }
        INDArray features = TestData.gaussian(TYPE, 3, examples, TestModels.FEATURES, TIME_STEPS);
        return KnownParts.batches(new DataSet(features, labels, featuresMask, labelsMask).toMultiDataSet());
    }

    private static List<MultiDataSet> pairs() {
        int examples = 20;
        DataSet numbers = TestData.vectors(examples, TYPE, 4);
        DataSet images = TestData.images(examples, TYPE, 5);
        return KnownParts.batches(new MultiDataSet(
                new INDArray[] {numbers.getFeatures(), images.getFeatures()},
                new INDArray[] {numbers.getLabels(), TestData.gaussian(TYPE, 6, examples, 2)}));
    }
}
