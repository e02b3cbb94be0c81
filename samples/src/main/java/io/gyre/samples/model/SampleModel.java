package io.gyre.samples.model;

import io.gyre.samples.data.ImageShape;
import java.util.Locale;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.zoo.model.LeNet;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.schedule.InverseSchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/**
 * The models of {@code gyre train}, by their name on the command line. Each accepts images of any set, within its
 * limits.
 */
public enum SampleModel {

    /** Two hidden layers, of 256 and 128 units. */
    MLP(1, 28, 1, 32) {
        @Override
        Model configured(ImageShape shape, int classes, long seed) {
            return new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                    .seed(seed)
                    .updater(fallingAdam(0.001))
                    .weightInit(WeightInit.RELU)
                    .activation(Activation.RELU)
                    .list()
                    .layer(new DenseLayer.Builder().nOut(256).build())
                    .layer(new DenseLayer.Builder().nOut(128).build())
                    .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                            .activation(Activation.SOFTMAX)
                            .nOut(classes)
                            .build())
                    .setInputType(InputType.convolutional(shape.height(), shape.width(), shape.channels()))
                    .build());
        }
    },

    /** The first convolutional network, from Deeplearning4j's zoo. */
    LENET(1, 28, 8, 16) {
        @Override
        Model configured(ImageShape shape, int classes, long seed) {
            return new MultiLayerNetwork(LeNet.builder()
                    .seed(seed)
                    .inputShape(new int[] {shape.channels(), shape.height(), shape.width()})
                    .numClasses(classes)
                    .updater(fallingAdam(0.002))
                    .build()
                    .conf());
        }
    },

    /** The same as a graph of SameDiff, which only {@link #buildToTrain} builds. */
    LENET_SAMEDIFF(1, 28, 1, 16) {
        @Override
        Model configured(ImageShape shape, int classes, long seed) {
            throw new UnsupportedOperationException(this + " is a graph of SameDiff, and no network");
        }

        @Override
        public BuiltSample buildToTrain(ImageShape shape, int classes, long seed, boolean inDouble) {
            DataType type = inDouble ? DataType.DOUBLE : DataType.FLOAT;
            return new BuiltSample.Graph(LeNetGraph.of(shape, classes, seed, fallingAdam(0.002), type));
        }
    },

    /** The residual network of 50 layers, from Deeplearning4j's zoo, adapted to small images. */
    RESNET50(3, 32, 32, 8) {
        @Override
        Model configured(ImageShape shape, int classes, long seed) {
            return ResNet50Graph.of(shape, classes, seed);
        }
    };

    /**
     * Rate divided by the number of the pass over the data: with a constant rate the accuracy varies widely from pass
     * to pass and seed to seed, most of all with delayed gradients.
     */
    private static Adam fallingAdam(double rate) {
        return new Adam(new InverseSchedule(ScheduleType.EPOCH, rate, 1, 1));
    }

    private final int channels;
    private final int defaultPixels;
    private final int smallestPixels;
    private final int defaultBatch;

    SampleModel(int channels, int defaultPixels, int smallestPixels, int defaultBatch) {
        this.channels = channels;
        this.defaultPixels = defaultPixels;
        this.smallestPixels = smallestPixels;
        this.defaultBatch = defaultBatch;
    }

    abstract Model configured(ImageShape shape, int classes, long seed);

    /**
     * Builds the network, with its initial parameters, in single precision.
     *
     * @throws IllegalArgumentException if the images are too small for it
     */
    public Model build(ImageShape shape, int classes, long seed) {
        checkPixels(Math.min(shape.height(), shape.width()));
        Model model = configured(shape, classes, seed);
        model.init();
        return model;
    }

    /**
     * Builds the same network with the same initial parameters, to train in double precision.
     *
     * @throws IllegalArgumentException if the images are too small for it
     */
    public Model buildInDouble(ImageShape shape, int classes, long seed) {
        Model model = build(shape, classes, seed);
        return model instanceof ComputationGraph graph
                ? graph.convertDataType(DataType.DOUBLE)
                : ((MultiLayerNetwork) model).convertDataType(DataType.DOUBLE);
    }

    /**
     * Builds what {@code gyre train} trains: a network, or a graph of SameDiff.
     *
     * @param inDouble with the same initial parameters in double precision
     * @throws IllegalArgumentException if the images are too small for it
     */
    public BuiltSample buildToTrain(ImageShape shape, int classes, long seed, boolean inDouble) {
        return new BuiltSample.Network(inDouble ? buildInDouble(shape, classes, seed) : build(shape, classes, seed));
    }

    /** Fails if images with this many pixels on the shorter side are too small for the model's poolings. */
    public void checkPixels(int pixels) {
        if (pixels < smallestPixels) {
            throw new IllegalArgumentException("images of " + pixels + " pixels are too small for " + this
                    + ": expected at least " + smallestPixels);
        }
    }

    /** Channels of synthetic images for it. */
    public int channels() {
        return channels;
    }

    /** Height and width of images, if the data do not determine them. */
    public int defaultPixels() {
        return defaultPixels;
    }

    /** Examples per rank and step. */
    public int defaultBatch() {
        return defaultBatch;
    }

    /** As on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
