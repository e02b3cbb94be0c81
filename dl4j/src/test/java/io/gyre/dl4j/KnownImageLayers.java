package io.gyre.dl4j;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.dropout.SpatialDropout;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.CapsuleLayer;
import org.deeplearning4j.nn.conf.layers.CapsuleStrengthLayer;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.LocallyConnected2D;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.PrimaryCapsules;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.SpaceToDepthLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.Upsampling3D;
import org.deeplearning4j.nn.conf.layers.ZeroPadding3DLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping3D;
import org.junit.jupiter.api.Named;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A small model for each layer of Deeplearning4j that works on images or volumes, with data for it. */
@SuppressWarnings("deprecation") // Deprecated classes of Deeplearning4j are still in use.
final class KnownImageLayers {

    private static final int CLASSES = TestModels.CLASSES;
    private static final int CHANNELS = 2;
    private static final int SIDE = 4;

    private KnownImageLayers() {}

    static Stream<Named<FeaturesTest.Feature>> all() {
        return Stream.concat(onImages(), onVolumes());
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
}
