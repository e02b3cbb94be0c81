package io.gyre.samples.model;

import io.gyre.samples.data.ImageShape;
import java.util.Random;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;

/** LeNet with the layers of Deeplearning4j's zoo, written in SameDiff. */
final class LeNetGraph {

    private static final int KERNEL = 5;
    private static final int FIRST_FILTERS = 20;
    private static final int SECOND_FILTERS = 50;
    private static final int HIDDEN = 500;

    private final SameDiff graph = SameDiff.create();
    private final DataType type;
    private final Random random;

    private LeNetGraph(DataType type, long seed) {
        this.type = type;
        random = new Random(seed);
    }

    /**
     * Builds the graph with its initial parameters, which are the same in each type up to rounding.
     *
     * @param type of parameters and images
     */
    static SameDiff of(ImageShape shape, int classes, long seed, IUpdater updater, DataType type) {
        return new LeNetGraph(type, seed).build(shape, classes, updater);
    }

    private SameDiff build(ImageShape shape, int classes, IUpdater updater) {
        SDVariable images = graph.placeHolder("images", type, -1, shape.channels(), shape.height(), shape.width());
        SDVariable labels = graph.placeHolder("labels", type, -1, classes);
        SDVariable first = convolution("first", images, shape.channels(), FIRST_FILTERS);
        SDVariable second = convolution("second", first, FIRST_FILTERS, SECOND_FILTERS);
        long pixels = (long) quarter(shape.height()) * quarter(shape.width());
        SDVariable flat = graph.reshape(second, -1, SECOND_FILTERS * pixels);
        SDVariable hidden = graph.nn.relu(dense("hidden", flat, SECOND_FILTERS * pixels, HIDDEN), 0);
        SDVariable logits = dense("output", hidden, HIDDEN, classes);
        graph.nn.softmax("probabilities", logits, -1);
        graph.loss.softmaxCrossEntropy("loss", labels, logits, null);
        graph.setLossVariables("loss");
        graph.setOutputs("probabilities");
        graph.setTrainingConfig(new TrainingConfig.Builder()
                .updater(updater)
                .dataSetFeatureMapping("images")
                .dataSetLabelMapping("labels")
                .build());
        return graph;
    }

    /** After two poolings, each of which rounds up. */
    private static int quarter(int pixels) {
        return (pixels + 3) / 4;
    }

    private SDVariable convolution(String name, SDVariable input, int channels, int filters) {
        SDVariable filtered = graph.cnn.conv2d(
                input,
                weights(name + ".filters", (long) KERNEL * KERNEL * channels, KERNEL, KERNEL, channels, filters),
                graph.var(name + ".bias", Nd4j.zeros(type, filters)),
                Conv2DConfig.builder()
                        .kH(KERNEL)
                        .kW(KERNEL)
                        .paddingMode(PaddingMode.SAME)
                        .build());
        return graph.cnn.maxPooling2d(
                graph.nn.relu(filtered, 0),
                Pooling2DConfig.builder()
                        .kH(2)
                        .kW(2)
                        .sH(2)
                        .sW(2)
                        .paddingMode(PaddingMode.SAME)
                        .build());
    }

    private SDVariable dense(String name, SDVariable input, long inputs, long outputs) {
        return input.mmul(weights(name + ".weights", inputs, inputs, outputs))
                .add(graph.var(name + ".bias", Nd4j.zeros(type, 1, outputs)));
    }

    /** As {@code WeightInit.RELU}: the variance is 2 / inputs, after He et al., 2015. */
    private SDVariable weights(String name, long inputs, long... shape) {
        double deviation = Math.sqrt(2.0 / inputs);
        long length = 1;
        for (long each : shape) {
            length *= each;
        }
        float[] values = new float[Math.toIntExact(length)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        INDArray array = Nd4j.createFromArray(values).reshape(shape).castTo(type);
        return graph.var(name, array);
    }
}
