package io.gyre.benchmarks.soak;

import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Small models, so that many collections fall into calls of ND4J. */
enum SoakModel {
    PERCEPTRON {
        @Override
        MultiLayerConfiguration configuration() {
            return begin().layer(dense(64))
                    .layer(dense(64))
                    .layer(dense(64))
                    .layer(output())
                    .setInputType(InputType.feedForward(INPUTS))
                    .build();
        }

        @Override
        DataSet data() {
            return new DataSet(Nd4j.rand(ROWS, INPUTS), labels());
        }
    },
    LSTM {
        @Override
        MultiLayerConfiguration configuration() {
            return begin().layer(new LSTM.Builder().nOut(32).build())
                    .layer(new RnnOutputLayer.Builder(LossFunction.MCXENT)
                            .activation(Activation.SOFTMAX)
                            .nOut(CLASSES)
                            .build())
                    .setInputType(InputType.recurrent(INPUTS, STEPS))
                    .build();
        }

        @Override
        DataSet data() {
            INDArray labels = Nd4j.zeros(ROWS, CLASSES, STEPS);
            for (int step = 0; step < STEPS; step++) {
                labels.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(step))
                        .assign(labels());
            }
            return new DataSet(Nd4j.rand(ROWS, INPUTS, STEPS), labels);
        }
    },
    CONVOLUTION {
        @Override
        MultiLayerConfiguration configuration() {
            return begin().layer(new ConvolutionLayer.Builder(3, 3).nOut(8).build())
                    .layer(new SubsamplingLayer.Builder()
                            .kernelSize(2, 2)
                            .stride(2, 2)
                            .build())
                    .layer(dense(32))
                    .layer(output())
                    .setInputType(InputType.convolutional(PIXELS, PIXELS, 1))
                    .build();
        }

        @Override
        DataSet data() {
            return new DataSet(Nd4j.rand(ROWS, 1, PIXELS, PIXELS), labels());
        }
    };

    static final int ROWS = 16;

    private static final int INPUTS = 100;
    private static final int CLASSES = 10;
    private static final int STEPS = 8;
    private static final int PIXELS = 14;

    abstract MultiLayerConfiguration configuration();

    /** One batch of {@link #ROWS} rows. */
    abstract DataSet data();

    MultiLayerNetwork build() {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration());
        network.init();
        return network;
    }

    private static NeuralNetConfiguration.ListBuilder begin() {
        return new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(1e-3))
                .activation(Activation.RELU)
                .list();
    }

    private static DenseLayer dense(int outputs) {
        return new DenseLayer.Builder().nOut(outputs).build();
    }

    private static OutputLayer output() {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(CLASSES)
                .build();
    }

    private static INDArray labels() {
        INDArray labels = Nd4j.zeros(ROWS, CLASSES);
        for (int row = 0; row < ROWS; row++) {
            labels.putScalar(row, row % CLASSES, 1);
        }
        return labels;
    }
}
