package io.gyre.dl4j;

import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.MinMaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.conf.constraint.UnitNormConstraint;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LearnedSelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.LocallyConnected1D;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.deeplearning4j.nn.conf.layers.RecurrentAttentionLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling1D;
import org.deeplearning4j.nn.conf.layers.ZeroPadding1DLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping1D;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.util.MaskLayer;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.layers.util.IdentityLayer;
import org.junit.jupiter.api.Named;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A small model for each layer and constraint that Deeplearning4j ships, with data for it; {@link KnownImageLayers} and
 * {@link KnownOutputs} have the others.
 */
@SuppressWarnings("deprecation") // Deprecated classes of Deeplearning4j are still in use.
final class KnownLayers {

    private static final int FEATURES = TestModels.FEATURES;
    private static final int CLASSES = TestModels.CLASSES;
    private static final int STEPS = 6;

    private KnownLayers() {}

    static Stream<Named<FeaturesTest.Feature>> exact() {
        return Stream.of(
                        onVectors(),
                        onSequences(),
                        KnownImageLayers.all(),
                        KnownOutputs.all(KnownParts::sgd),
                        settings())
                .flatMap(each -> each);
    }

    private static Stream<Named<FeaturesTest.Feature>> onVectors() {
        return Stream.of(
                vector("ActivationLayer", new ActivationLayer(Activation.TANH)),
                vector("AutoEncoder", new AutoEncoder.Builder().nOut(8).build()),
                vector(
                        "ElementWiseMultiplicationLayer",
                        new ElementWiseMultiplicationLayer.Builder()
                                .nIn(8)
                                .nOut(8)
                                .build()),
                vector("FrozenLayer", new FrozenLayer(TestModels.dense(8))),
                vector("FrozenLayerWithBackprop", new FrozenLayerWithBackprop(TestModels.dense(8))),
                vector("IdentityLayer", new IdentityLayer("identity")),
                vector("MaskLayer", new MaskLayer()),
                vector("PReLULayer", new PReLULayer.Builder().inputShape(8).build()),
                vector(
                        "VariationalAutoencoder",
                        new VariationalAutoencoder.Builder()
                                .nOut(4)
                                .encoderLayerSizes(8)
                                .decoderLayerSizes(8)
                                .build()),
                Named.of(
                        "EmbeddingLayer",
                        KnownParts.feature(
                                InputType.feedForward(7),
                                indices(1),
                                KnownParts.oneHot(),
                                new EmbeddingLayer.Builder().nIn(7).nOut(6).build(),
                                KnownParts.softmax())),
                Named.of(
                        "RepeatVector",
                        KnownParts.feature(
                                InputType.feedForward(FEATURES),
                                KnownParts.gaussian(FEATURES),
                                KnownParts.gaussian(CLASSES, STEPS),
                                TestModels.dense(8),
                                new RepeatVector.Builder<>(STEPS).build(),
                                KnownOutputs.rnn())));
    }

    /** Its graph needs an operation that ND4J lacks for these types. */
    static Named<FeaturesTest.Feature> learnedSelfAttention() {
        return Named.of(
                "LearnedSelfAttentionLayer",
                KnownParts.feature(
                        KnownParts::single,
                        InputType.recurrent(FEATURES, STEPS),
                        KnownParts.gaussian(FEATURES, STEPS).castTo(DataType.FLOAT),
                        KnownParts.oneHot().castTo(DataType.FLOAT),
                        new LearnedSelfAttentionLayer.Builder()
                                .nIn(FEATURES)
                                .nOut(4)
                                .nHeads(2)
                                .nQueries(3)
                                .projectInput(true)
                                .build(),
                        new GlobalPoolingLayer(),
                        KnownParts.softmax()));
    }

    /** Between two layers, so that gradients go through it. */
    private static Named<FeaturesTest.Feature> vector(String name, Layer layer) {
        return Named.of(
                name,
                KnownParts.feature(
                        InputType.feedForward(FEATURES),
                        KnownParts.gaussian(FEATURES),
                        KnownParts.oneHot(),
                        TestModels.dense(8),
                        layer,
                        KnownParts.softmax()));
    }

    private static Stream<Named<FeaturesTest.Feature>> onSequences() {
        return Stream.of(
                sequence("LSTM", new LSTM.Builder().nOut(4).build()),
                sequence("GravesLSTM", new GravesLSTM.Builder().nOut(4).build()),
                sequence(
                        "GravesBidirectionalLSTM",
                        new GravesBidirectionalLSTM.Builder().nOut(4).build()),
                sequence("SimpleRnn", new SimpleRnn.Builder().nOut(4).build()),
                sequence(
                        "Bidirectional",
                        new Bidirectional(new LSTM.Builder().nOut(4).build())),
                sequence("TimeDistributed", new TimeDistributed(TestModels.dense(4))),
                sequence(
                        "MaskZeroLayer",
                        new MaskZeroLayer.Builder()
                                .underlying(new LSTM.Builder().nOut(4).build())
                                .maskValue(0)
                                .build()),
                sequence(
                        "RecurrentAttentionLayer",
                        new RecurrentAttentionLayer.Builder()
                                .nIn(6)
                                .nOut(4)
                                .nHeads(2)
                                .projectInput(true)
                                .build()),
                sequence(
                        "SelfAttentionLayer",
                        new SelfAttentionLayer.Builder()
                                .nIn(6)
                                .nOut(4)
                                .nHeads(2)
                                .projectInput(true)
                                .build()),
                sequence(
                        "Convolution1DLayer",
                        new Convolution1DLayer.Builder(3)
                                .nOut(4)
                                .convolutionMode(ConvolutionMode.Same)
                                .build()),
                pooled(
                        "LastTimeStep",
                        new LastTimeStep(new LSTM.Builder().nOut(4).build()),
                        false),
                pooled(
                        "LocallyConnected1D",
                        new LocallyConnected1D.Builder()
                                .nIn(6)
                                .nOut(4)
                                .kernelSize(3)
                                .build(),
                        true),
                pooled(
                        "Subsampling1DLayer",
                        new Subsampling1DLayer.Builder().kernelSize(2).stride(2).build(),
                        true),
                pooled("Upsampling1D", new Upsampling1D.Builder(2).build(), true),
                pooled("ZeroPadding1DLayer", new ZeroPadding1DLayer.Builder(1).build(), true),
                pooled("Cropping1D", new Cropping1D.Builder(1).build(), true),
                Named.of(
                        "EmbeddingSequenceLayer",
                        KnownParts.feature(
                                InputType.feedForward(7),
                                indices(STEPS),
                                KnownParts.gaussian(CLASSES, STEPS),
                                new EmbeddingSequenceLayer.Builder()
                                        .nIn(7)
                                        .nOut(6)
                                        .inputLength(STEPS)
                                        .build(),
                                KnownOutputs.rnn())));
    }

    private static Named<FeaturesTest.Feature> sequence(String name, Layer layer) {
        return Named.of(
                name,
                KnownParts.feature(
                        InputType.recurrent(FEATURES, STEPS),
                        KnownParts.gaussian(FEATURES, STEPS),
                        KnownParts.gaussian(CLASSES, STEPS),
                        new LSTM.Builder().nOut(6).build(),
                        layer,
                        KnownOutputs.rnn()));
    }

    private static Named<FeaturesTest.Feature> pooled(String name, Layer layer, boolean pool) {
        Layer lstm = new LSTM.Builder().nOut(6).build();
        return Named.of(
                name,
                KnownParts.feature(
                        InputType.recurrent(FEATURES, STEPS),
                        KnownParts.gaussian(FEATURES, STEPS),
                        KnownParts.oneHot(),
                        pool
                                ? new Layer[] {lstm, layer, new GlobalPoolingLayer(), KnownParts.softmax()}
                                : new Layer[] {lstm, layer, KnownParts.softmax()}));
    }

    /** Constraints and regularisation. */
    private static Stream<Named<FeaturesTest.Feature>> settings() {
        return Stream.of(
                setting("MaxNormConstraint", KnownParts.sgd().constrainWeights(new MaxNormConstraint(0.5, 1))),
                setting(
                        "MinMaxNormConstraint",
                        KnownParts.sgd().constrainWeights(new MinMaxNormConstraint(0.2, 0.5, 1))),
                setting("UnitNormConstraint", KnownParts.sgd().constrainWeights(new UnitNormConstraint(1))),
                setting("NonNegativeConstraint", KnownParts.sgd().constrainWeights(new NonNegativeConstraint())),
                setting("L1Regularization", KnownParts.sgd().l1(1e-3)),
                setting("L2Regularization", KnownParts.sgd().l2(1e-2)),
                setting("WeightDecay", KnownParts.sgd().weightDecay(1e-2)));
    }

    private static Named<FeaturesTest.Feature> setting(String name, NeuralNetConfiguration.Builder configuration) {
        return Named.of(
                name,
                KnownParts.feature(
                        () -> configuration,
                        InputType.feedForward(FEATURES),
                        KnownParts.gaussian(FEATURES),
                        KnownParts.oneHot(),
                        TestModels.dense(8),
                        KnownParts.softmax()));
    }

    /** Numbers from 0 to 6. */
    private static INDArray indices(int columns) {
        double[] values = new double[KnownParts.EXAMPLES * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = i * 5 % 7;
        }
        return Nd4j.createFromArray(values).reshape(KnownParts.EXAMPLES, columns);
    }
}
