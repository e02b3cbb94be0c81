package io.gyre.dl4j;

import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Small models with batch normalisation, of all kinds that Deeplearning4j trains. */
enum NormalisedModels {
    PERCEPTRON {
        @Override
        Model configured(NeuralNetConfiguration.Builder configuration) {
            return ofTwo(configuration, new BatchNormalization(), new BatchNormalization());
        }
    },
    RUNNING_VARIANCE {
        @Override
        Model configured(NeuralNetConfiguration.Builder configuration) {
            return ofTwo(
                    configuration,
                    new BatchNormalization.Builder().useLogStd(false).decay(0.8).build(),
                    new BatchNormalization.Builder().minibatch(false).build());
        }
    },
    LOCKED {
        @Override
        Model configured(NeuralNetConfiguration.Builder configuration) {
            return ofTwo(
                    configuration,
                    new BatchNormalization.Builder().lockGammaBeta(true).build(),
                    new BatchNormalization.Builder()
                            .lockGammaBeta(true)
                            .gamma(0.7)
                            .beta(0.2)
                            .build());
        }
    },
    CHANNELS_FIRST(true) {
        @Override
        Model configured(NeuralNetConfiguration.Builder configuration) {
            return TestModels.convolutional(configuration, true);
        }
    },
    CHANNELS_LAST(true) {
        @Override
        Model configured(NeuralNetConfiguration.Builder configuration) {
            return TestModels.initialised(new MultiLayerNetwork(configuration
                    .list()
                    .layer(convolutionWithChannelsLast())
                    .layer(new BatchNormalization())
                    .layer(new ActivationLayer(Activation.RELU))
                    .layer(new GlobalPoolingLayer.Builder(PoolingType.AVG)
                            .poolingDimensions(1, 2)
                            .build())
                    .layer(new BatchNormalization())
                    .layer(TestModels.softmax())
                    .setInputType(InputType.convolutional(TestModels.PIXELS, TestModels.PIXELS, 2, CNN2DFormat.NHWC))
                    .build()));
        }

        @Override
        DataSet examples(int count, DataType type) {
            DataSet images = super.examples(count, type);
            return new DataSet(images.getFeatures().permute(0, 2, 3, 1).dup(), images.getLabels());
        }
    },
    RESIDUAL_GRAPH(true) {
        @Override
        Model configured(NeuralNetConfiguration.Builder configuration) {
            return TestModels.residual(configuration, true);
        }
    },
    FROZEN_BELOW {
        @Override
        Model configured(NeuralNetConfiguration.Builder configuration) {
            return TestModels.initialised(new MultiLayerNetwork(configuration
                    .list()
                    .layer(new BatchNormalization())
                    .layer(new FrozenLayer(TestModels.dense(9)))
                    .layer(new BatchNormalization())
                    .layer(TestModels.dense(7))
                    .layer(TestModels.softmax())
                    .setInputType(InputType.feedForward(TestModels.FEATURES))
                    .build()));
        }
    },
    /** The layer sees each time step of each example, masked or not. */
    MASKED_SEQUENCES {
        @Override
        Model configured(NeuralNetConfiguration.Builder configuration) {
            return TestModels.initialised(new MultiLayerNetwork(configuration
                    .list()
                    .layer(new LSTM.Builder().nOut(4).build())
                    .layer(new DenseLayer.Builder().nOut(6).build())
                    .layer(new BatchNormalization())
                    .layer(new LSTM.Builder().nOut(3).build())
                    .layer(new RnnOutputLayer.Builder(LossFunction.MSE)
                            .activation(Activation.IDENTITY)
                            .nOut(2)
                            .build())
                    .setInputType(InputType.recurrent(3))
                    .build()));
        }

        @Override
        DataSet examples(int count, DataType type) {
            INDArray mask = TestData.gaussian(type, 3, count, STEPS).gt(-0.5).castTo(type);
            return new DataSet(
                    TestData.gaussian(type, 1, count, 3, STEPS),
                    TestData.gaussian(type, 2, count, 2, STEPS),
                    mask,
                    mask.dup());
        }
    };

    private static final int STEPS = 5;

    private final boolean ofImages;

    NormalisedModels() {
        this(false);
    }

    NormalisedModels(boolean ofImages) {
        this.ofImages = ofImages;
    }

    abstract Model configured(NeuralNetConfiguration.Builder configuration);

    Model model(IUpdater updater, DataType type) {
        return configured(TestModels.configuration(updater.clone(), type));
    }

    DataSet examples(int count, DataType type) {
        return ofImages ? TestData.images(count, type, 1) : TestData.vectors(count, type, 1);
    }

    /** With batches of even and uneven parts, and fewer examples than ranks. */
    List<DataSet> batches(DataType type) {
        return TestData.batches(examples(41, type), 12, 5, 3, 7);
    }

    /** Trained by Deeplearning4j itself on the whole batches. */
    Model plainlyTrained(IUpdater updater, DataType type) {
        Model plain = model(updater, type);
        batches(type).forEach(batch -> TestModels.plainFit(plain, batch));
        return plain;
    }

    /** A perceptron with two layers of batch normalisation. */
    static Model ofTwo(
            NeuralNetConfiguration.Builder configuration, BatchNormalization first, BatchNormalization second) {
        return TestModels.initialised(new MultiLayerNetwork(configuration
                .list()
                .layer(TestModels.dense(9))
                .layer(first)
                .layer(TestModels.dense(7))
                .layer(second)
                .layer(TestModels.softmax())
                .setInputType(InputType.feedForward(TestModels.FEATURES))
                .build()));
    }

    static ConvolutionLayer convolutionWithChannelsLast() {
        ConvolutionLayer convolution = TestModels.convolution(4);
        convolution.setCnn2dDataFormat(CNN2DFormat.NHWC);
        return convolution;
    }

    /** A perceptron, for tests in which the kind does not matter. */
    static MultiLayerNetwork perceptron() {
        return (MultiLayerNetwork) PERCEPTRON.model(new Sgd(0.1), DataType.DOUBLE);
    }
}
