package io.gyre.dl4j;

import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
import org.junit.jupiter.api.Named;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A small model for each layer of Deeplearning4j that computes a score, with data for it. */
final class KnownOutputs {

    private static final int FEATURES = TestModels.FEATURES;
    private static final int CLASSES = TestModels.CLASSES;
    private static final int STEPS = 6;
    private static final int CHANNELS = 2;
    private static final int SIDE = 4;

    private KnownOutputs() {}

    static Stream<Named<FeaturesTest.Feature>> all(Supplier<NeuralNetConfiguration.Builder> configuration) {
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
                                rnn())),
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

    static RnnOutputLayer rnn() {
        return new RnnOutputLayer.Builder(LossFunction.MSE)
                .activation(Activation.IDENTITY)
                .nOut(CLASSES)
                .build();
    }
}
