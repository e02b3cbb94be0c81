package io.gyre.samples.model;

import io.gyre.samples.data.ImageShape;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.weights.WeightInitRelu;
import org.deeplearning4j.zoo.model.ResNet50;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * ResNet-50 of Deeplearning4j's zoo, with two changes.
 *
 * <ul>
 *   <li>Its last pooling has a window of 3x3, for which nothing is left of images below 96 pixels; here the mean is taken over
 *       whatever is left, as in the paper.
 *   <li>Its initial weights are so large that the first loss is about 145; here they are He's, for rectified units.
 * </ul>
 *
 * @see <a href="https://doi.org/10.1109/CVPR.2016.90">He, Zhang, Ren and Sun, Deep residual learning for image recognition,
 *     CVPR 2016</a>
 */
final class ResNet50Graph {

    private static final String LAST_BLOCK = "res5c_branch";

    private ResNet50Graph() {}

    static ComputationGraph of(ImageShape shape, int classes, long seed) {
        GraphBuilder graph = ResNet50.builder()
                .seed(seed)
                .inputShape(new int[] {shape.channels(), shape.height(), shape.width()})
                .numClasses(classes)
                .weightInit(new WeightInitRelu())
                .updater(new Adam(0.001))
                .build()
                .graphBuilder();
        graph.removeVertex("avgpool", true);
        graph.removeVertex("output", true);
        graph.addLayer("avgpool", new GlobalPoolingLayer.Builder(PoolingType.AVG).build(), LAST_BLOCK)
                .addLayer(
                        "output",
                        new OutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .nOut(classes)
                                .build(),
                        "avgpool")
                .setOutputs("output");
        return new ComputationGraph(graph.build());
    }
}
