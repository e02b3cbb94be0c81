package io.gyre.samples.model;

import io.gyre.samples.data.ImageShape;
import io.gyre.samples.data.Text;
import java.util.Locale;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
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
 * The models of {@code gyre train}, by their name on the command line. All but one accept images of any set, within
 * their limits.
 */
public enum SampleModel {

    /** Two hidden layers, of 256 and 128 units. */
    MLP(1, 28, 1, 32, 0.001) {
        @Override
        Model configured(InputType input, int classes, long seed, double rate) {
            return new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                    .seed(seed)
                    .updater(fallingAdam(rate))
                    .weightInit(WeightInit.RELU)
                    .activation(Activation.RELU)
                    .list()
                    .layer(new DenseLayer.Builder().nOut(256).build())
                    .layer(new DenseLayer.Builder().nOut(128).build())
                    .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                            .activation(Activation.SOFTMAX)
                            .nOut(classes)
                            .build())
                    .setInputType(input)
                    .build());
        }
    },

    /** The first convolutional network, from Deeplearning4j's zoo. */
    LENET(1, 28, 8, 16, 0.002) {
        @Override
        Model configured(InputType input, int classes, long seed, double rate) {
            ImageShape shape = ImageShape.of(input);
            return new MultiLayerNetwork(LeNet.builder()
                    .seed(seed)
                    .inputShape(new int[] {shape.channels(), shape.height(), shape.width()})
                    .numClasses(classes)
                    .updater(fallingAdam(rate))
                    .build()
                    .conf());
        }
    },

    /** The same as a graph of SameDiff, which only {@link #buildToTrain} builds. */
    LENET_SAMEDIFF(1, 28, 1, 16, 0.002) {
        @Override
        Model configured(InputType input, int classes, long seed, double rate) {
            throw new UnsupportedOperationException(this + " is a graph of SameDiff, and no network");
        }

        @Override
        public BuiltSample buildToTrain(InputType input, int classes, long seed, boolean inDouble, double rate) {
            DataType type = inDouble ? DataType.DOUBLE : DataType.FLOAT;
            return new BuiltSample.Graph(LeNetGraph.of(ImageShape.of(input), classes, seed, fallingAdam(rate), type));
        }
    },

    /** The residual network of 50 layers, from Deeplearning4j's zoo, adapted to small images. */
    RESNET50(3, 32, 32, 8, 0.01) {
        @Override
        Model configured(InputType input, int classes, long seed, double rate) {
            return ResNet50Graph.of(ImageShape.of(input), classes, seed, rate);
        }

        @Override
        public boolean normalisesBatches() {
            return true;
        }
    },

    /**
     * Predicts the next character of a text: an LSTM of 128 units, trained by truncated backpropagation through time in
     * segments of 50 characters, each a step.
     */
    CHARACTERS(16, 0.01) {
        @Override
        Model configured(InputType input, int classes, long seed, double rate) {
            return new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                    .seed(seed)
                    .updater(new Adam(rate))
                    .weightInit(WeightInit.XAVIER)
                    .gradientNormalization(GradientNormalization.ClipElementWiseAbsoluteValue)
                    .gradientNormalizationThreshold(1)
                    .list()
                    .layer(new LSTM.Builder()
                            .nOut(128)
                            .activation(Activation.TANH)
                            .build())
                    .layer(new RnnOutputLayer.Builder(LossFunction.MCXENT)
                            .activation(Activation.SOFTMAX)
                            .nOut(classes)
                            .build())
                    .backpropType(BackpropType.TruncatedBPTT)
                    .tBPTTLength(SEGMENT)
                    .setInputType(input)
                    .build());
        }

        @Override
        public int stepsPerBatch() {
            return Text.LENGTH / SEGMENT;
        }
    };

    /** Characters of a segment. */
    private static final int SEGMENT = 50;

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
    private final double defaultRate;

    SampleModel(int channels, int defaultPixels, int smallestPixels, int defaultBatch, double defaultRate) {
        this.channels = channels;
        this.defaultPixels = defaultPixels;
        this.smallestPixels = smallestPixels;
        this.defaultBatch = defaultBatch;
        this.defaultRate = defaultRate;
    }

    /** A model that does not take images. */
    SampleModel(int defaultBatch, double defaultRate) {
        this(0, 0, 0, defaultBatch, defaultRate);
    }

    abstract Model configured(InputType input, int classes, long seed, double rate);

    /**
     * Builds the network, with its initial parameters, in single precision.
     *
     * @throws IllegalArgumentException if the input is not of the model's kind, or images are too small for it
     */
    public Model build(InputType input, int classes, long seed) {
        return build(input, classes, seed, defaultRate);
    }

    private Model build(InputType input, int classes, long seed, double rate) {
        if (takesImages()) {
            ImageShape shape = ImageShape.of(input);
            checkPixels(Math.min(shape.height(), shape.width()));
        }
        Model model = configured(input, classes, seed, rate);
        model.init();
        return model;
    }

    /**
     * Builds the same network with the same initial parameters, to train in double precision.
     *
     * @throws IllegalArgumentException as for {@link #build(InputType, int, long)}
     */
    public Model buildInDouble(InputType input, int classes, long seed) {
        return inDouble(build(input, classes, seed));
    }

    private static Model inDouble(Model model) {
        return model instanceof ComputationGraph graph
                ? graph.convertDataType(DataType.DOUBLE)
                : ((MultiLayerNetwork) model).convertDataType(DataType.DOUBLE);
    }

    /**
     * Builds what {@code gyre train} trains: a network, or a graph of SameDiff.
     *
     * @param inDouble with the same initial parameters in double precision
     * @param rate learning rate, with which its schedule begins
     * @throws IllegalArgumentException as for {@link #build(InputType, int, long)}
     */
    public BuiltSample buildToTrain(InputType input, int classes, long seed, boolean inDouble, double rate) {
        Model model = build(input, classes, seed, rate);
        return new BuiltSample.Network(inDouble ? inDouble(model) : model);
    }

    /** Fails if images with this many pixels on the shorter side are too small for the model's poolings. */
    public void checkPixels(int pixels) {
        if (pixels < smallestPixels) {
            throw new IllegalArgumentException("images of " + pixels + " pixels are too small for " + this
                    + ": expected at least " + smallestPixels);
        }
    }

    /** Whether its input is images; otherwise it is characters. */
    public boolean takesImages() {
        return smallestPixels > 0;
    }

    /** Whether it has layers of batch normalisation. */
    public boolean normalisesBatches() {
        return false;
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

    /** Learning rate, with which the schedule begins. */
    public double defaultRate() {
        return defaultRate;
    }

    /** Number of optimiser steps for each batch. */
    public int stepsPerBatch() {
        return 1;
    }

    /** As on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
