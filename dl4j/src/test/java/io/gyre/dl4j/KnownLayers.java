package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.MinMaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.conf.constraint.UnitNormConstraint;
import org.deeplearning4j.nn.conf.dropout.SpatialDropout;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.CapsuleLayer;
import org.deeplearning4j.nn.conf.layers.CapsuleStrengthLayer;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LearnedSelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.LocallyConnected1D;
import org.deeplearning4j.nn.conf.layers.LocallyConnected2D;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.deeplearning4j.nn.conf.layers.PrimaryCapsules;
import org.deeplearning4j.nn.conf.layers.RecurrentAttentionLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.SpaceToDepthLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling1D;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.Upsampling3D;
import org.deeplearning4j.nn.conf.layers.ZeroPadding1DLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPadding3DLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping1D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping3D;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
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
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A small model for each layer and constraint that Deeplearning4j ships, with data for it. */
@SuppressWarnings("deprecation") // Deprecated classes of Deeplearning4j are still in use.
final class KnownLayers {

    private static final int FEATURES = TestModels.FEATURES;
    private static final int CLASSES = TestModels.CLASSES;
    private static final int STEPS = 6;
    private static final int CHANNELS = 2;
    private static final int SIDE = 4;

    private KnownLayers() {}

    static Stream<Named<FeaturesTest.Feature>> exact() {
        return Stream.of(onVectors(), onSequences(), onImages(), onVolumes(), outputs(KnownParts::sgd), settings())
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
                                rnnOutput())));
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
                                rnnOutput())));
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
                        rnnOutput()));
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

    private static RnnOutputLayer rnnOutput() {
        return new RnnOutputLayer.Builder(LossFunction.MSE)
                .activation(Activation.IDENTITY)
                .nOut(CLASSES)
                .build();
    }

    private static Stream<Named<FeaturesTest.Feature>> onImages() {
        return Stream.of(
                image("ConvolutionLayer", TestModels.convolution(3)),
                image(
                        "Deconvolution2D",
                        new Deconvolution2D.Builder(2, 2).nOut(3).build()),
                image(
                        "DepthwiseConvolution2D",
                        new DepthwiseConvolution2D.Builder(2, 2)
                                .depthMultiplier(2)
                                .nOut(6)
                                .build()),
                image(
                        "SeparableConvolution2D",
                        new SeparableConvolution2D.Builder(2, 2).nOut(3).build()),
                image(
                        "LocallyConnected2D",
                        new LocallyConnected2D.Builder()
                                .nIn(3)
                                .nOut(3)
                                .kernelSize(2, 2)
                                .build()),
                image("LocalResponseNormalization", new LocalResponseNormalization.Builder().build()),
                image(
                        "SubsamplingLayer",
                        new SubsamplingLayer.Builder()
                                .kernelSize(2, 2)
                                .stride(2, 2)
                                .build()),
                image("Upsampling2D", new Upsampling2D.Builder(2).build()),
                image("ZeroPaddingLayer", new ZeroPaddingLayer(1, 1)),
                image("Cropping2D", new Cropping2D(1, 1)),
                image("SpaceToDepthLayer", new SpaceToDepthLayer.Builder<>(2).build()),
                image("GlobalPoolingLayer", new GlobalPoolingLayer()),
                Named.of(
                        "FeedForwardToCnnPreProcessor",
                        KnownParts.feature(
                                InputType.convolutionalFlat(SIDE, SIDE, CHANNELS),
                                KnownParts.gaussian(CHANNELS * SIDE * SIDE),
                                KnownParts.oneHot(),
                                TestModels.convolution(3),
                                KnownParts.softmax())),
                Named.of(
                        "capsules",
                        KnownParts.feature(
                                InputType.convolutional(2 * SIDE, 2 * SIDE, CHANNELS),
                                KnownParts.gaussian(CHANNELS, 2 * SIDE, 2 * SIDE),
                                KnownParts.oneHot(),
                                new PrimaryCapsules.Builder(4, 2)
                                        .kernelSize(3, 3)
                                        .stride(2, 2)
                                        .build(),
                                new CapsuleLayer.Builder(CLASSES, 4, 2).build(),
                                new CapsuleStrengthLayer.Builder().build(),
                                new LossLayer.Builder(LossFunction.MSE)
                                        .activation(Activation.IDENTITY)
                                        .build())));
    }

    private static Named<FeaturesTest.Feature> image(String name, Layer layer) {
        return Named.of(
                name,
                KnownParts.feature(
                        InputType.convolutional(SIDE, SIDE, CHANNELS),
                        KnownParts.gaussian(CHANNELS, SIDE, SIDE),
                        KnownParts.oneHot(),
                        TestModels.convolution(3),
                        layer,
                        KnownParts.softmax()));
    }

    static Named<FeaturesTest.Feature> spatialDropout() {
        return image(
                "SpatialDropout",
                new ConvolutionLayer.Builder(2, 2)
                        .nOut(3)
                        .dropOut(new SpatialDropout(0.7))
                        .build());
    }

    private static Stream<Named<FeaturesTest.Feature>> onVolumes() {
        return Stream.of(
                volume(
                        "Convolution3D",
                        new Convolution3D.Builder(2, 2, 2).nOut(3).build()),
                volume(
                        "Deconvolution3D",
                        new Deconvolution3D.Builder()
                                .kernelSize(2, 2, 2)
                                .nOut(3)
                                .build()),
                volume(
                        "Subsampling3DLayer",
                        new Subsampling3DLayer.Builder(2, 2, 2).stride(2, 2, 2).build()),
                volume("Upsampling3D", new Upsampling3D.Builder(2).build(), new GlobalPoolingLayer()),
                volume("ZeroPadding3DLayer", new ZeroPadding3DLayer.Builder(1).build(), new GlobalPoolingLayer()),
                volume("Cropping3D", new Cropping3D.Builder(1, 1, 1).build(), new GlobalPoolingLayer()),
                Named.of(
                        "Cnn3DLossLayer",
                        KnownParts.feature(
                                volumes(),
                                KnownParts.gaussian(CHANNELS, SIDE, SIDE, SIDE),
                                KnownParts.gaussian(3, SIDE, SIDE, SIDE),
                                convolution3D(),
                                new Cnn3DLossLayer.Builder(Convolution3D.DataFormat.NCDHW)
                                        .lossFunction(LossFunction.MSE)
                                        .activation(Activation.IDENTITY)
                                        .build())));
    }

    private static Named<FeaturesTest.Feature> volume(String name, Layer... middle) {
        List<Layer> layers = new ArrayList<>(List.of(middle));
        layers.add(0, convolution3D());
        layers.add(KnownParts.softmax());
        return Named.of(
                name,
                KnownParts.feature(
                        volumes(),
                        KnownParts.gaussian(CHANNELS, SIDE, SIDE, SIDE),
                        KnownParts.oneHot(),
                        layers.toArray(Layer[]::new)));
    }

    private static InputType volumes() {
        return InputType.convolutional3D(Convolution3D.DataFormat.NCDHW, SIDE, SIDE, SIDE, CHANNELS);
    }

    private static Convolution3D convolution3D() {
        return new Convolution3D.Builder(3, 3, 3)
                .convolutionMode(ConvolutionMode.Same)
                .nOut(3)
                .build();
    }

    /** Models with one layer each that computes a score. */
    static Stream<Named<FeaturesTest.Feature>> outputs(Supplier<NeuralNetConfiguration.Builder> configuration) {
        return Stream.of(
                Named.of(
                        "LossLayer",
                        KnownParts.feature(
                                configuration,
                                InputType.feedForward(FEATURES),
                                KnownParts.gaussian(FEATURES),
                                KnownParts.oneHot(),
                                TestModels.dense(CLASSES),
                                new LossLayer.Builder(LossFunction.MCXENT)
                                        .activation(Activation.SOFTMAX)
                                        .build())),
                Named.of(
                        "RnnLossLayer",
                        KnownParts.feature(
                                configuration,
                                InputType.recurrent(FEATURES, STEPS),
                                KnownParts.gaussian(FEATURES, STEPS),
                                KnownParts.gaussian(CLASSES, STEPS),
                                new LSTM.Builder().nOut(CLASSES).build(),
                                new RnnLossLayer.Builder(LossFunction.MSE)
                                        .activation(Activation.IDENTITY)
                                        .build())),
                Named.of(
                        "RnnOutputLayer",
                        KnownParts.feature(
                                configuration,
                                InputType.recurrent(FEATURES, STEPS),
                                KnownParts.gaussian(FEATURES, STEPS),
                                KnownParts.gaussian(CLASSES, STEPS),
                                rnnOutput())),
                Named.of(
                        "CnnLossLayer",
                        KnownParts.feature(
                                configuration,
                                InputType.convolutional(SIDE, SIDE, CHANNELS),
                                KnownParts.gaussian(CHANNELS, SIDE, SIDE),
                                KnownParts.gaussian(3, SIDE, SIDE),
                                TestModels.convolution(3),
                                new CnnLossLayer.Builder(LossFunction.MSE)
                                        .activation(Activation.IDENTITY)
                                        .build())),
                Named.of(
                        "Yolo2OutputLayer",
                        KnownParts.feature(
                                configuration,
                                InputType.convolutional(SIDE, SIDE, CHANNELS),
                                KnownParts.gaussian(CHANNELS, SIDE, SIDE),
                                boxes(),
                                TestModels.convolution(2 * (5 + 3)),
                                new Yolo2OutputLayer.Builder()
                                        .boundingBoxPriors(Nd4j.createFromArray(new double[][] {{1, 1}, {2, 2}}))
                                        .build())));
    }

    /** Labels of one box for each image, of one of three classes. */
    private static INDArray boxes() {
        INDArray labels = Nd4j.zeros(KnownParts.TYPE, KnownParts.EXAMPLES, 4 + 3, SIDE, SIDE);
        for (int i = 0; i < KnownParts.EXAMPLES; i++) {
            int y = i % SIDE;
            int x = i / SIDE % SIDE;
            double[] corners = {x + 0.1, y + 0.2, x + 0.9, y + 0.7};
            for (int corner = 0; corner < corners.length; corner++) {
                labels.putScalar(new int[] {i, corner, y, x}, corners[corner]);
            }
            labels.putScalar(new int[] {i, 4 + i % 3, y, x}, 1);
        }
        return labels;
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
