package io.gyre.dl4j;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.api.ops.impl.reduce.Mmul;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;

/** Small graphs of SameDiff for tests, always with the same initial parameters, and batches for them. */
final class SameDiffGraphs {

    private static final int STEPS = 4;
    private static final int WIDTH = 6;

    private SameDiffGraphs() {}

    static TrainingConfig.Builder config(IUpdater updater) {
        return new TrainingConfig.Builder()
                .updater(updater.clone())
                .l2(1e-3)
                .dataSetFeatureMapping("in")
                .dataSetLabelMapping("labels");
    }

    private static SDVariable weights(SameDiff graph, String name, DataType type, long... shape) {
        return graph.var(name, TestData.gaussian(type, name.hashCode(), shape).muli(0.2));
    }

    private static SDVariable zeros(SameDiff graph, String name, DataType type, long... shape) {
        return graph.var(name, Nd4j.zeros(type, shape));
    }

    /** Features and labels of {@link TestData#vectors}. */
    static SameDiff perceptron(IUpdater updater, DataType type) {
        SameDiff graph = perceptron(type);
        graph.setTrainingConfig(config(updater).build());
        return graph;
    }

    /** The same without a TrainingConfig. */
    static SameDiff perceptron(DataType type) {
        SameDiff graph = SameDiff.create();
        SDVariable in = graph.placeHolder("in", type, -1, TestModels.FEATURES);
        SDVariable labels = graph.placeHolder("labels", type, -1, TestModels.CLASSES);
        SDVariable hidden = graph.nn.tanh(
                in.mmul(weights(graph, "w0", type, TestModels.FEATURES, 16)).add(zeros(graph, "b0", type, 1, 16)));
        SDVariable logits = hidden.mmul(weights(graph, "w1", type, 16, TestModels.CLASSES))
                .add("logits", zeros(graph, "b1", type, 1, TestModels.CLASSES));
        graph.nn.softmax("out", logits, -1);
        graph.loss.softmaxCrossEntropy("loss", labels, logits, null);
        graph.setLossVariables("loss");
        return graph;
    }

    /** Features and labels of {@link TestData#images}. */
    static SameDiff convolutional(IUpdater updater, DataType type) {
        SameDiff graph = SameDiff.create();
        SDVariable in = graph.placeHolder("in", type, -1, 2, TestModels.PIXELS, TestModels.PIXELS);
        SDVariable labels = graph.placeHolder("labels", type, -1, TestModels.CLASSES);
        SDVariable filtered = graph.nn.relu(
                graph.cnn.conv2d(
                        in,
                        weights(graph, "filters", type, 3, 3, 2, 4),
                        zeros(graph, "bias", type, 4),
                        Conv2DConfig.builder().kH(3).kW(3).build()),
                0);
        SDVariable pooled = graph.cnn.maxPooling2d(
                filtered, Pooling2DConfig.builder().kH(2).kW(2).sH(2).sW(2).build());
        int side = (TestModels.PIXELS - 2) / 2;
        SDVariable flat = graph.reshape(pooled, -1, 4L * side * side);
        SDVariable logits = flat.mmul(weights(graph, "w", type, 4L * side * side, TestModels.CLASSES))
                .add("logits", zeros(graph, "b", type, 1, TestModels.CLASSES));
        graph.nn.softmax("out", logits, -1);
        graph.loss.softmaxCrossEntropy("loss", labels, logits, null);
        graph.setLossVariables("loss");
        graph.setTrainingConfig(config(updater).build());
        return graph;
    }

    /** A block of a transformer on {@link #sequences}: attention with layer norm, summed over the steps. */
    static SameDiff attention(IUpdater updater, DataType type) {
        SameDiff graph = SameDiff.create();
        SDVariable in = graph.placeHolder("in", type, -1, WIDTH, STEPS);
        SDVariable labels = graph.placeHolder("labels", type, -1, TestModels.CLASSES);
        SDVariable attended = graph.nn.multiHeadDotProductAttention(
                in,
                in,
                in,
                weights(graph, "wq", type, 2, 3, WIDTH),
                weights(graph, "wk", type, 2, 3, WIDTH),
                weights(graph, "wv", type, 2, 3, WIDTH),
                weights(graph, "wo", type, 6, WIDTH),
                null,
                true);
        SDVariable residual = attended.add(in);
        SDVariable normed = graph.nn.layerNorm(residual, graph.var("gain", Nd4j.ones(type, WIDTH)), true, 1);
        SDVariable logits = normed.sum(2)
                .mmul(weights(graph, "w", type, WIDTH, TestModels.CLASSES))
                .add("logits", zeros(graph, "b", type, 1, TestModels.CLASSES));
        graph.nn.softmax("out", logits, -1);
        graph.loss.softmaxCrossEntropy("loss", labels, logits, null);
        graph.setLossVariables("loss");
        graph.setTrainingConfig(config(updater).build());
        return graph;
    }

    /** Two features arrays, two labels arrays and two losses; the steps of a sequence are masked in one of them. */
    static SameDiff twoHeads(IUpdater updater, DataType type, LossReduce reduce) {
        SameDiff graph = SameDiff.create();
        SDVariable left = graph.placeHolder("left", type, -1, 5);
        SDVariable right = graph.placeHolder("right", type, -1, 7);
        SDVariable classes = graph.placeHolder("classes", type, -1, 3);
        SDVariable values = graph.placeHolder("values", type, -1, 2);
        SDVariable shared = graph.nn.tanh(left.mmul(weights(graph, "wl", type, 5, 8))
                .add(right.mmul(weights(graph, "wr", type, 7, 8)))
                .add(zeros(graph, "b", type, 1, 8)));
        SDVariable logits = shared.mmul("logits", weights(graph, "wc", type, 8, 3));
        SDVariable output = shared.mmul("output", weights(graph, "wv", type, 8, 2));
        graph.loss.softmaxCrossEntropy("classification", classes, logits, null, reduce, 0);
        graph.loss.meanSquaredError("regression", values, output, null, reduce);
        graph.setLossVariables("classification", "regression");
        graph.setOutputs("logits", "output");
        graph.setTrainingConfig(new TrainingConfig.Builder()
                .updater(updater.clone())
                .l1(1e-4)
                .l2(1e-3)
                .weightDecay(1e-3, true)
                .dataSetFeatureMapping("left", "right")
                .dataSetLabelMapping("classes", "values")
                .build());
        return graph;
    }

    static MultiDataSet twoHeaded(int examples, DataType type, long seed) {
        return new MultiDataSet(
                new INDArray[] {
                    TestData.gaussian(type, seed, examples, 5), TestData.gaussian(type, seed + 1, examples, 7)
                },
                new INDArray[] {
                    TestData.oneHot(examples, type, seed)
                            .get(
                                    org.nd4j.linalg.indexing.NDArrayIndex.all(),
                                    org.nd4j.linalg.indexing.NDArrayIndex.interval(0, 3))
                            .dup('c'),
                    TestData.gaussian(type, seed + 2, examples, 2)
                });
    }

    /** The mean squared error over the steps that a mask leaves; examples have different numbers of them. */
    static SameDiff masked(IUpdater updater, DataType type) {
        SameDiff graph = SameDiff.create();
        SDVariable in = graph.placeHolder("in", type, -1, STEPS, WIDTH);
        SDVariable labels = graph.placeHolder("labels", type, -1, STEPS);
        SDVariable mask = graph.placeHolder("mask", type, -1, STEPS);
        SDVariable flat = graph.reshape(in, -1, WIDTH);
        SDVariable hidden = graph.nn.tanh(flat.mmul(weights(graph, "w0", type, WIDTH, 8)));
        SDVariable output = graph.reshape(hidden.mmul(weights(graph, "w1", type, 8, 1)), -1, STEPS);
        graph.loss.meanSquaredError("loss", labels, output, mask);
        graph.setLossVariables("loss");
        graph.setTrainingConfig(config(updater).dataSetLabelMaskMapping("mask").build());
        return graph;
    }

    static DataSet maskedSequences(int examples, DataType type, long seed) {
        INDArray mask = Nd4j.zeros(type, examples, STEPS);
        for (int i = 0; i < examples; i++) {
            for (int step = 0; step <= i % STEPS; step++) {
                mask.putScalar(i, step, 1);
            }
        }
        return new DataSet(
                TestData.gaussian(type, seed, examples, STEPS, WIDTH),
                TestData.gaussian(type, seed + 1, examples, STEPS),
                null,
                mask);
    }

    /**
     * Two inputs and two outputs, each with a mask; or only the second input with one.
     *
     * @param reduce how the losses take the masks of the outputs; null for no such masks
     */
    static SameDiff twoMasked(IUpdater updater, DataType type, @Nullable LossReduce reduce) {
        SameDiff graph = SameDiff.create();
        SDVariable left = graph.placeHolder("left", type, -1, STEPS, 5);
        SDVariable right = graph.placeHolder("right", type, -1, STEPS, 7);
        SDVariable rightMask = graph.placeHolder("rightMask", type, -1, STEPS);
        SDVariable ofLeft = graph.reshape(graph.reshape(left, -1, 5).mmul(weights(graph, "wl", type, 5, 1)), -1, STEPS);
        SDVariable ofRight =
                graph.reshape(graph.reshape(right, -1, 7).mmul(weights(graph, "wr", type, 7, 1)), -1, STEPS);
        if (reduce != null) {
            ofLeft = ofLeft.mul(graph.placeHolder("leftMask", type, -1, STEPS));
        }
        SDVariable shared = graph.nn.tanh(ofLeft.add(ofRight.mul(rightMask)));
        for (String name : List.of("first", "second")) {
            SDVariable values = graph.placeHolder(name, type, -1, STEPS);
            SDVariable mask = reduce == null ? null : graph.placeHolder(name + "Mask", type, -1, STEPS);
            SDVariable output = shared.mul(weights(graph, name + "Scale", type, 1, STEPS));
            graph.loss.meanSquaredError(
                    name + "Loss", values, output, mask, reduce == null ? LossReduce.MEAN_BY_WEIGHT : reduce);
        }
        graph.setLossVariables("firstLoss", "secondLoss");
        TrainingConfig.Builder config = new TrainingConfig.Builder()
                .updater(updater.clone())
                .dataSetFeatureMapping("left", "right")
                .dataSetLabelMapping("first", "second")
                .dataSetFeatureMaskMapping(reduce == null ? null : "leftMask", "rightMask");
        if (reduce != null) {
            config.dataSetLabelMaskMapping("firstMask", "secondMask");
        }
        graph.setTrainingConfig(config.build());
        return graph;
    }

    /** For {@link #twoMasked}. */
    static MultiDataSet twoMaskedSequences(int examples, DataType type, boolean all) {
        INDArray[] masks = new INDArray[4];
        for (int i = all ? 0 : 1; i < (all ? masks.length : 2); i++) {
            masks[i] = Nd4j.zeros(type, examples, STEPS);
            for (int row = 0; row < examples; row++) {
                for (int step = 0; step <= (row + i) % STEPS; step++) {
                    masks[i].putScalar(row, step, 1);
                }
            }
        }
        return new MultiDataSet(
                new INDArray[] {
                    TestData.gaussian(type, 1, examples, STEPS, 5), TestData.gaussian(type, 2, examples, STEPS, 7)
                },
                new INDArray[] {TestData.gaussian(type, 3, examples, STEPS), TestData.gaussian(type, 4, examples, STEPS)
                },
                new INDArray[] {masks[0], masks[1]},
                all ? new INDArray[] {masks[2], masks[3]} : null);
    }

    /** As importers make a graph: of constants that become variables, with placeholders for one example. */
    static SameDiff ofConstants(IUpdater updater, DataType type) {
        SameDiff graph = SameDiff.create();
        SDVariable in = graph.placeHolder("in", type, 1, TestModels.FEATURES);
        SDVariable labels = graph.placeHolder("labels", type, 1, TestModels.CLASSES);
        SDVariable weights = graph.constant("w", TestData.gaussian(type, 1, TestModels.FEATURES, TestModels.CLASSES));
        SDVariable bias = graph.constant("b", Nd4j.zeros(type, TestModels.CLASSES));
        SDVariable logits = in.mmul("product", weights).add("logits", bias);
        graph.convertToVariables(List.of(weights, bias));
        graph.loss.softmaxCrossEntropy("loss", labels, logits, null);
        graph.setLossVariables("loss");
        graph.setTrainingConfig(config(updater).build());
        return graph;
    }

    /** Sets the factors of all matrix products of a graph: of the product, and of what the output holds before. */
    static SameDiff withFactors(SameDiff graph, double alpha, double beta) {
        for (SameDiffOp each : graph.getOps().values()) {
            if (each.getOp() instanceof Mmul product) {
                for (double argument : product.tArgs()) {
                    product.removeTArgument(argument);
                }
                product.addTArgument(alpha, beta);
            }
        }
        return graph;
    }

    static DataSet sequences(int examples, DataType type, long seed) {
        return new DataSet(
                TestData.gaussian(type, seed, examples, WIDTH, STEPS), TestData.oneHot(examples, type, seed));
    }

    /** The trained variables, one after the other, by their names. */
    static INDArray parameters(SameDiff graph) {
        List<INDArray> flat = SameDiffVariables.of(graph).list().stream()
                .map(each -> graph.getVariable(each.name()).getArr().dup('c').reshape(-1))
                .toList();
        return Nd4j.concat(0, flat.toArray(INDArray[]::new));
    }
}
