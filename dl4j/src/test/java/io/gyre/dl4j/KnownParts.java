package io.gyre.dl4j;

import io.gyre.dl4j.learning.Lamb;
import io.gyre.dl4j.learning.Lars;
import io.gyre.dl4j.learning.LinearScaling;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.ocnn.OCNNOutputLayer;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.conf.weightnoise.WeightNoise;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Named;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaBelief;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossCosineProximity;
import org.nd4j.linalg.lossfunctions.impl.LossFMeasure;
import org.nd4j.linalg.lossfunctions.impl.LossHinge;
import org.nd4j.linalg.lossfunctions.impl.LossKLD;
import org.nd4j.linalg.lossfunctions.impl.LossL1;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMAE;
import org.nd4j.linalg.lossfunctions.impl.LossMAPE;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.lossfunctions.impl.LossMSLE;
import org.nd4j.linalg.lossfunctions.impl.LossMixtureDensity;
import org.nd4j.linalg.lossfunctions.impl.LossMultiLabel;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;
import org.nd4j.linalg.lossfunctions.impl.LossPoisson;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossSquaredHinge;
import org.nd4j.linalg.lossfunctions.impl.LossWasserstein;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.nd4j.linalg.schedule.CycleSchedule;
import org.nd4j.linalg.schedule.ExponentialSchedule;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.linalg.schedule.InverseSchedule;
import org.nd4j.linalg.schedule.MapSchedule;
import org.nd4j.linalg.schedule.PolySchedule;
import org.nd4j.linalg.schedule.RampSchedule;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.SigmoidSchedule;
import org.nd4j.linalg.schedule.StepSchedule;

/**
 * A small model for each loss, activation, updater, schedule and kind of noise that Deeplearning4j ships, with data for
 * it.
 */
final class KnownParts {

    static final DataType TYPE = DataType.DOUBLE;
    static final int EXAMPLES = 20;

    /** So large that no updater divides by less than its learning rate: rounding errors are not amplified. */
    private static final double EPSILON = 0.1;

    private static final double RATE = 0.05;

    /** For activations that grow faster than their input. */
    private static final double GENTLE_RATE = 1e-4;

    private static final int CLASSES = TestModels.CLASSES;

    private KnownParts() {}

    /** Features that give on several ranks the results of one process. */
    static Stream<Named<FeaturesTest.Feature>> exact() {
        return Stream.of(losses(), activations(), updaters(), schedules(), largeBatches())
                .flatMap(each -> each);
    }

    private static Stream<Named<FeaturesTest.Feature>> losses() {
        return Stream.of(
                loss(new LossBinaryXENT(), Activation.SIGMOID, oneHot()),
                loss(new LossCosineProximity(), Activation.IDENTITY, gaussian(CLASSES)),
                loss(new LossHinge(), Activation.IDENTITY, signs()),
                loss(new LossKLD(), Activation.SOFTMAX, shares()),
                loss(new LossL1(), Activation.IDENTITY, gaussian(CLASSES)),
                loss(new LossL2(), Activation.IDENTITY, gaussian(CLASSES)),
                loss(new LossMAE(), Activation.IDENTITY, gaussian(CLASSES)),
                loss(new LossMAPE(), Activation.SIGMOID, positive().addi(10)),
                loss(new LossMCXENT(), Activation.SOFTMAX, oneHot()),
                loss(new LossMSE(), Activation.TANH, gaussian(CLASSES)),
                loss(new LossMSLE(), Activation.SIGMOID, positive()),
                Named.of(
                        "LossMultiLabel",
                        inSinglePrecision(
                                KnownParts::single, output(new LossMultiLabel(), Activation.SIGMOID), oneHot())),
                loss(new LossNegativeLogLikelihood(), Activation.SOFTMAX, oneHot()),
                loss(new LossPoisson(), Activation.SOFTPLUS, positive()),
                loss(
                        new LossSparseMCXENT(),
                        Activation.SOFTMAX,
                        oneHot().argMax(1).castTo(TYPE).reshape(EXAMPLES, 1)),
                loss(new LossSquaredHinge(), Activation.IDENTITY, signs()),
                loss(new LossWasserstein(), Activation.IDENTITY, signs()),
                Named.of(
                        "LossMixtureDensity",
                        inSinglePrecision(
                                KnownParts::single,
                                new OutputLayer.Builder(LossMixtureDensity.builder()
                                                .gaussians(2)
                                                .labelWidth(2)
                                                .build())
                                        .activation(Activation.IDENTITY)
                                        .nOut(8)
                                        .build(),
                                gaussian(2))));
    }

    private static Named<FeaturesTest.Feature> loss(ILossFunction loss, Activation activation, INDArray labels) {
        return Named.of(loss.getClass().getSimpleName(), vectors(() -> sgd(), output(loss, activation), labels));
    }

    private static Layer output(ILossFunction loss, Activation activation) {
        return new OutputLayer.Builder(loss)
                .activation(activation)
                .nOut(CLASSES)
                .build();
    }

    /** Activations of a layer. All but the random one. */
    private static Stream<Named<FeaturesTest.Feature>> activations() {
        return Stream.of(Activation.values())
                .filter(each -> each != Activation.RRELU)
                .map(each -> Named.of(
                        "activation " + each,
                        vectors(() -> sgd().updater(new Sgd(GENTLE_RATE)).activation(each), softmax(), oneHot())));
    }

    private static Stream<Named<FeaturesTest.Feature>> updaters() {
        return Stream.<IUpdater>of(
                        new AdaDelta(0.95, EPSILON),
                        new AdaGrad(RATE, EPSILON),
                        new AdaMax(RATE, 0.9, 0.999, EPSILON),
                        new Adam(RATE, 0.9, 0.999, EPSILON),
                        new AMSGrad(RATE, 0.9, 0.999, EPSILON),
                        new Nadam(RATE, 0.9, 0.999, EPSILON),
                        new Nesterovs(RATE, 0.9),
                        new NoOp(),
                        new RmsProp(RATE, 0.95, EPSILON),
                        new Sgd(RATE))
                .map(each -> Named.of(
                        each.getClass().getSimpleName(),
                        vectors(() -> TestModels.configuration(each.clone(), TYPE), softmax(), oneHot())));
    }

    private static Stream<Named<FeaturesTest.Feature>> schedules() {
        ScheduleType steps = ScheduleType.ITERATION;
        return Stream.<ISchedule>of(
                        new CycleSchedule(steps, 0.1, 4),
                        new ExponentialSchedule(steps, 0.1, 0.9),
                        new FixedSchedule(0.1),
                        new InverseSchedule(steps, 0.1, 0.5, 1),
                        new MapSchedule(steps, new LinkedHashMap<>(Map.of(0, 0.1, 3, 0.05))),
                        new PolySchedule(ScheduleType.EPOCH, 0.1, 2, 4),
                        new RampSchedule(new FixedSchedule(0.1), 5),
                        new SigmoidSchedule(steps, 0.1, 0.5, 2),
                        new StepSchedule(ScheduleType.EPOCH, 0.1, 0.5, 1))
                .map(each -> Named.of(
                        each.getClass().getSimpleName(),
                        vectors(() -> TestModels.configuration(new Sgd(each.clone()), TYPE), softmax(), oneHot())));
    }

    /** Gyre's own updaters, with a schedule. */
    private static Stream<Named<FeaturesTest.Feature>> largeBatches() {
        ISchedule rates = new LinearScaling(new FixedSchedule(RATE), 3, 2);
        return Stream.of(
                Named.of(
                        "Lars",
                        vectors(
                                () -> TestModels.configuration(new Lars(rates, 0.9), TYPE)
                                        .regularization(Lars.trustRatio(0.1, 0.01)),
                                softmax(),
                                oneHot())),
                Named.of(
                        "Lamb",
                        vectors(
                                () -> TestModels.configuration(new Lamb(rates, 0.9, 0.999, EPSILON), TYPE)
                                        .regularization(Lamb.trustRatio(0.01)),
                                softmax(),
                                oneHot())));
    }

    /** Features that depend on a whole batch, or draw random numbers: ranks do what micro-batches do. */
    static Stream<Named<FeaturesTest.Feature>> exactInParts() {
        return Stream.of(
                Named.of(
                        "activation RRELU",
                        inSinglePrecision(() -> single().activation(Activation.RRELU), softmax(), oneHot())),
                Named.of("Dropout", vectors(() -> sgd().dropOut(new Dropout(0.7)), softmax(), oneHot())),
                Named.of("AlphaDropout", vectors(() -> sgd().dropOut(new AlphaDropout(0.7)), softmax(), oneHot())),
                Named.of(
                        "GaussianDropout", vectors(() -> sgd().dropOut(new GaussianDropout(0.7)), softmax(), oneHot())),
                Named.of("GaussianNoise", vectors(() -> sgd().dropOut(new GaussianNoise(0.1)), softmax(), oneHot())),
                Named.of("DropConnect", vectors(() -> sgd().weightNoise(new DropConnect(0.7)), softmax(), oneHot())),
                Named.of(
                        "WeightNoise",
                        vectors(
                                () -> sgd().weightNoise(new WeightNoise(new NormalDistribution(0, 0.1))),
                                softmax(),
                                oneHot())),
                Named.of(
                        "DropoutLayer",
                        feature(
                                InputType.feedForward(TestModels.FEATURES),
                                gaussian(TestModels.FEATURES),
                                oneHot(),
                                dense(),
                                new DropoutLayer(0.7),
                                softmax())),
                Named.of(
                        "BatchNormalization",
                        feature(
                                InputType.feedForward(TestModels.FEATURES),
                                gaussian(TestModels.FEATURES),
                                oneHot(),
                                dense(),
                                new BatchNormalization(),
                                softmax())),
                Named.of(
                        "CenterLossOutputLayer",
                        vectors(
                                () -> sgd(),
                                new CenterLossOutputLayer.Builder(new LossMCXENT())
                                        .activation(Activation.SOFTMAX)
                                        .nOut(CLASSES)
                                        .build(),
                                oneHot())),
                KnownImageLayers.spatialDropout());
    }

    /** Features with which Deeplearning4j itself cannot train. */
    static Stream<Named<FeaturesTest.Feature>> unusable() {
        return Stream.of(
                Named.of(
                        "AdaBelief",
                        vectors(() -> TestModels.configuration(new AdaBelief(RATE), TYPE), softmax(), oneHot())),
                KnownLayers.learnedSelfAttention());
    }

    /** Features that are rejected when ranks or micro-batches would divide a batch. */
    static Stream<Named<FeaturesTest.Feature>> refused() {
        return Stream.of(
                Named.of(
                        "LossFMeasure",
                        vectors(
                                () -> sgd(),
                                new OutputLayer.Builder(new LossFMeasure())
                                        .activation(Activation.SIGMOID)
                                        .nOut(1)
                                        .build(),
                                oneHot().getColumns(0))),
                Named.of(
                        "OCNNOutputLayer",
                        vectors(
                                () -> sgd(),
                                new OCNNOutputLayer.Builder()
                                        .hiddenLayerSize(4)
                                        .nu(0.1)
                                        .windowSize(12)
                                        .activation(Activation.IDENTITY)
                                        .build(),
                                Nd4j.ones(TYPE, EXAMPLES, 1))));
    }

    static NeuralNetConfiguration.Builder single() {
        return TestModels.configuration(new Sgd(RATE), DataType.FLOAT);
    }

    /** For features that Deeplearning4j computes in FLOAT only. */
    private static FeaturesTest.Feature inSinglePrecision(
            Supplier<NeuralNetConfiguration.Builder> configuration, Layer output, INDArray labels) {
        return feature(
                configuration,
                InputType.feedForward(TestModels.FEATURES),
                gaussian(TestModels.FEATURES).castTo(DataType.FLOAT),
                labels.castTo(DataType.FLOAT),
                dense(),
                dense(),
                output);
    }

    static NeuralNetConfiguration.Builder sgd() {
        return TestModels.configuration(new Sgd(RATE), TYPE);
    }

    static DenseLayer dense() {
        return TestModels.dense(8);
    }

    static Layer softmax() {
        return TestModels.softmax();
    }

    private static FeaturesTest.Feature vectors(
            Supplier<NeuralNetConfiguration.Builder> configuration, Layer output, INDArray labels) {
        return feature(
                configuration,
                InputType.feedForward(TestModels.FEATURES),
                gaussian(TestModels.FEATURES),
                labels,
                dense(),
                dense(),
                output);
    }

    static FeaturesTest.Feature feature(InputType input, INDArray features, INDArray labels, Layer... layers) {
        return feature(KnownParts::sgd, input, features, labels, layers);
    }

    static FeaturesTest.Feature feature(
            Supplier<NeuralNetConfiguration.Builder> configuration,
            InputType input,
            INDArray features,
            INDArray labels,
            Layer... layers) {
        Supplier<Model> model = () -> {
            NeuralNetConfiguration.ListBuilder list = configuration.get().list();
            for (Layer layer : layers) {
                list.layer(layer.clone());
            }
            return TestModels.initialised(
                    new MultiLayerNetwork(list.setInputType(input).build()));
        };
        return new FeaturesTest.Feature(model, () -> batches(new DataSet(features, labels).toMultiDataSet()));
    }

    /** Batches of 7, 4 and 2 examples: never even on three ranks, and one rank without any. */
    static List<MultiDataSet> batches(org.nd4j.linalg.dataset.api.MultiDataSet all) {
        List<MultiDataSet> batches = new ArrayList<>();
        int[] sizes = {7, 4, 2};
        int from = 0;
        for (int i = 0; from < Rows.count(all); i++) {
            int to = Math.min(Rows.count(all), from + sizes[i % sizes.length]);
            batches.add((MultiDataSet) Rows.slice(all, from, to));
            from = to;
        }
        return batches;
    }

    static INDArray gaussian(long... shapeOfExample) {
        long[] shape = new long[shapeOfExample.length + 1];
        shape[0] = EXAMPLES;
        System.arraycopy(shapeOfExample, 0, shape, 1, shapeOfExample.length);
        return TestData.gaussian(TYPE, 1, shape);
    }

    static INDArray oneHot() {
        return TestData.oneHot(EXAMPLES, TYPE, 1);
    }

    private static INDArray positive() {
        return Transforms.abs(gaussian(CLASSES), false).addi(0.1);
    }

    private static INDArray shares() {
        INDArray positive = positive();
        return positive.diviColumnVector(positive.sum(1).reshape(EXAMPLES, 1));
    }

    private static INDArray signs() {
        return oneHot().muli(2).subi(1);
    }
}
