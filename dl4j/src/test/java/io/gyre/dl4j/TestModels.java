package io.gyre.dl4j;

import io.gyre.session.UserCode;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Small models, initialised from a constant seed. */
final class TestModels {

    static final int FEATURES = 12;
    static final int CLASSES = 5;
    static final int PIXELS = 8;

    private TestModels() {}

    static NeuralNetConfiguration.Builder configuration(IUpdater updater, DataType type) {
        return new NeuralNetConfiguration.Builder()
                .seed(12345)
                .dataType(type)
                .updater(updater)
                .weightInit(WeightInit.XAVIER)
                .activation(Activation.TANH);
    }

    /**
     * An Adam that divides no gradient by less than its learning rate: it amplifies a gradient's rounding error at most
     * a few times.
     */
    static Adam steadyAdam(double learningRate) {
        return new Adam(
                learningRate, Adam.DEFAULT_ADAM_BETA1_MEAN_DECAY, Adam.DEFAULT_ADAM_BETA2_VAR_DECAY, learningRate);
    }

    static OutputLayer softmax() {
        return new OutputLayer.Builder(LossFunction.MCXENT)
                .activation(Activation.SOFTMAX)
                .nOut(CLASSES)
                .build();
    }

    static DenseLayer dense(int units) {
        return new DenseLayer.Builder().nOut(units).build();
    }

    /** Two hidden layers on {@link #FEATURES} numbers. */
    static MultiLayerNetwork perceptron(NeuralNetConfiguration.Builder configuration) {
        return initialised(new MultiLayerNetwork(configuration
                .list()
                .layer(dense(16))
                .layer(dense(10))
                .layer(softmax())
                .setInputType(InputType.feedForward(FEATURES))
                .build()));
    }

    /** Convolution and pooling on small images with 2 channels. */
    static MultiLayerNetwork convolutional(NeuralNetConfiguration.Builder configuration, boolean batchNorm) {
        NeuralNetConfiguration.ListBuilder layers = configuration.list();
        layers.layer(convolution(4));
        if (batchNorm) {
            layers.layer(new BatchNormalization());
        }
        layers.layer(new ActivationLayer(Activation.RELU));
        layers.layer(new SubsamplingLayer.Builder(PoolingType.MAX)
                .kernelSize(2, 2)
                .stride(2, 2)
                .build());
        layers.layer(dense(8)).layer(softmax());
        return initialised(new MultiLayerNetwork(
                layers.setInputType(InputType.convolutional(PIXELS, PIXELS, 2)).build()));
    }

    /** A graph with one residual block. */
    static ComputationGraph residual(NeuralNetConfiguration.Builder configuration, boolean batchNorm) {
        GraphBuilder graph = configuration
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.convolutional(PIXELS, PIXELS, 2))
                .addLayer("stem", convolution(4), "in")
                .addLayer("left", convolution(4), "stem");
        String left = "left";
        if (batchNorm) {
            graph.addLayer("norm", new BatchNormalization(), left);
            left = "norm";
        }
        graph.addLayer("relu", new ActivationLayer(Activation.RELU), left)
                .addLayer("right", convolution(4), "relu")
                .addVertex("add", new ElementWiseVertex(ElementWiseVertex.Op.Add), "right", "stem")
                .addLayer("pool", new GlobalPoolingLayer.Builder(PoolingType.AVG).build(), "add")
                .addLayer("out", softmax(), "pool")
                .setOutputs("out");
        ComputationGraph model = new ComputationGraph(graph.build());
        model.init();
        return model;
    }

    static ConvolutionLayer convolution(int channels) {
        return new ConvolutionLayer.Builder(3, 3)
                .convolutionMode(ConvolutionMode.Same)
                .nOut(channels)
                .activation(Activation.IDENTITY)
                .build();
    }

    static MultiLayerNetwork initialised(MultiLayerNetwork model) {
        model.init();
        return model;
    }

    static ComputationGraph initialised(ComputationGraph model) {
        model.init();
        return model;
    }

    /** A replica whose gradients are in the model's own memory. */
    static Replica replica(Model model, long bucketBytes) {
        Network network = Network.of(model);
        return new Replica(
                network,
                new ModelLayout(network).bucketPlan(bucketBytes),
                new HostGradients(network.gradients()),
                new UserCode(),
                null);
    }

    /** Trains with Deeplearning4j's own {@code fit}. */
    static void plainFit(Model model, org.nd4j.linalg.dataset.DataSet batch) {
        if (model instanceof MultiLayerNetwork layers) {
            layers.fit(batch);
        } else {
            ((ComputationGraph) model).fit(batch);
        }
    }

    /** Trains for an epoch with Deeplearning4j's own {@code fit}. */
    static void plainEpoch(Model model, List<? extends MultiDataSet> batches) {
        if (model instanceof MultiLayerNetwork layers) {
            batches.forEach(layers::fit);
            layers.incrementEpochCount();
        } else {
            ComputationGraph graph = (ComputationGraph) model;
            batches.forEach(graph::fit);
            graph.incrementEpochCount();
        }
    }
}
