package io.gyre.samples.model;

import io.gyre.samples.data.ImageShape;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInitRelu;
import org.deeplearning4j.zoo.model.ResNet50;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * ResNet-50 of Deeplearning4j's zoo, with two changes.
 *
 * <ul>
 *   <li>Its last pooling has a window of 3x3, too large for images below 96 pixels. Here the mean is over all remaining
 *       pixels, as in the paper.
 *   <li>Its initial weights are so large that the first loss is about 145. Here convolutions use He initialisation, the
 *       output layer starts near 0, and every residual block as the identity, so that training progresses from the
 *       first step, also with small batches.
 * </ul>
 *
 * @see <a href="https://doi.org/10.1109/CVPR.2016.90">He, Zhang, Ren and Sun, Deep residual learning for image
 *     recognition, CVPR 2016</a>
 * @see <a href="https://arxiv.org/abs/1706.02677">Goyal and others, Accurate, large minibatch SGD, 2017, section
 *     5.1</a>
 */
final class ResNet50Graph {

    private static final String LAST_BLOCK = "res5c_branch";

    /** Name suffix of the last layer of each block, before its input is added. */
    private static final String LAST_OF_BLOCK = "branch2c";

    private ResNet50Graph() {}

    static ComputationGraph of(ImageShape shape, int classes, long seed, double rate) {
        GraphBuilder graph = ResNet50.builder()
                .seed(seed)
                .inputShape(new int[] {shape.channels(), shape.height(), shape.width()})
                .numClasses(classes)
                .weightInit(new WeightInitRelu())
                .updater(new Nesterovs(rate, 0.9))
                .build()
                .graphBuilder();
        replaceHead(graph, classes);
        startBlocksAsIdentity(graph);
        return new ComputationGraph(graph.build());
    }

    private static void replaceHead(GraphBuilder graph, int classes) {
        graph.removeVertex("avgpool", true);
        graph.removeVertex("output", true);
        graph.addLayer("avgpool", new GlobalPoolingLayer.Builder(PoolingType.AVG).build(), LAST_BLOCK)
                .addLayer(
                        "output",
                        new OutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .weightInit(new NormalDistribution(0, 0.01))
                                .nOut(classes)
                                .build(),
                        "avgpool")
                .setOutputs("output");
    }

    private static void startBlocksAsIdentity(GraphBuilder graph) {
        graph.getVertices().forEach((name, vertex) -> {
            if (name.endsWith(LAST_OF_BLOCK)
                    && vertex instanceof LayerVertex layer
                    && layer.getLayerConf().getLayer() instanceof BatchNormalization norm) {
                norm.setGamma(0);
            }
        });
    }
}
