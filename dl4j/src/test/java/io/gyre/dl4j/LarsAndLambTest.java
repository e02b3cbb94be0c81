package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.dl4j.learning.Lamb;
import io.gyre.dl4j.learning.LambTrustRatio;
import io.gyre.dl4j.learning.Lars;
import io.gyre.dl4j.learning.LarsTrustRatio;
import io.gyre.dl4j.learning.LinearScaling;
import io.gyre.paramserver.BulkSynchronous;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.learning.regularization.L2Regularization;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

/** LARS and LAMB in plain Deeplearning4j, beside the formulas of the papers computed in doubles. */
class LarsAndLambTest {

    private static final Set<String> RUNNING_STATISTICS = Set.of("1_mean", "1_log10stdev");
    private static final int STEPS = 4;
    private static final LinearScaling RATES =
            new LinearScaling(new StepSchedule(ScheduleType.ITERATION, 0.02, 0.5, 3), 4, 2);

    /** An updater's formulas for one array. */
    private interface Formulas {
        void update(double[] w, double[] g, int step, boolean isWeight, Map<String, double[]> state);
    }

    private record Algorithm(IUpdater updater, List<Regularization> trustRatio, Formulas formulas) {
        NeuralNetConfiguration.Builder in(DataType type) {
            return TestModels.configuration(updater.clone(), type).regularization(new ArrayList<>(trustRatio));
        }
    }

    static Stream<Named<Algorithm>> algorithms() {
        return Stream.of(
                Named.of(
                        "LARS",
                        new Algorithm(new Lars(RATES, 0.9), Lars.trustRatio(0.02, 0.01), LarsAndLambTest::lars)),
                Named.of("LAMB", new Algorithm(new Lamb(RATES), Lamb.trustRatio(0.01), LarsAndLambTest::lamb)));
    }

    private static MultiLayerNetwork model(Algorithm algorithm, DataType type) {
        return TestModels.initialised(new MultiLayerNetwork(algorithm
                .in(type)
                .list()
                .layer(TestModels.dense(8))
                .layer(new BatchNormalization())
                .layer(TestModels.softmax())
                .setInputType(InputType.feedForward(TestModels.FEATURES))
                .build()));
    }

    private static double norm(double[] values) {
        return Math.sqrt(DoubleStream.of(values).map(value -> value * value).sum());
    }

    /** You, Gitman, Ginsburg 2017, algorithm 1. */
    private static void lars(double[] w, double[] g, int step, boolean isWeight, Map<String, double[]> state) {
        double gamma = RATES.valueAt(step, 0);
        double beta = isWeight ? 0.01 : 0;
        double lambda = isWeight ? 0.02 * norm(w) / (norm(g) + beta * norm(w)) : 1;
        double[] v = state.computeIfAbsent("v", name -> new double[w.length]);
        for (int i = 0; i < w.length; i++) {
            v[i] = 0.9 * v[i] + gamma * lambda * (g[i] + beta * w[i]);
            w[i] -= v[i];
        }
    }

    /** You et al. 2020, algorithm 2. */
    private static void lamb(double[] w, double[] g, int step, boolean isWeight, Map<String, double[]> state) {
        double[] m = state.computeIfAbsent("m", name -> new double[w.length]);
        double[] v = state.computeIfAbsent("v", name -> new double[w.length]);
        double[] u = new double[w.length];
        for (int i = 0; i < w.length; i++) {
            m[i] = 0.9 * m[i] + (1 - 0.9) * g[i];
            v[i] = 0.999 * v[i] + (1 - 0.999) * g[i] * g[i];
            double corrected = v[i] / (1 - Math.pow(0.999, step + 1));
            double r = m[i] / (1 - Math.pow(0.9, step + 1)) / (Math.sqrt(corrected) + 1e-6);
            u[i] = r + (isWeight ? 0.01 * w[i] : 0);
        }
        double ratio = isWeight ? norm(w) / norm(u) : 1;
        for (int i = 0; i < w.length; i++) {
            w[i] -= RATES.valueAt(step, 0) * ratio * u[i];
        }
    }

    private static List<DataSet> vectors(DataType type) {
        return TestData.batches(TestData.vectors(STEPS * 6, type, 1), 6);
    }

    @ParameterizedTest
    @MethodSource("algorithms")
    void everyStepIsThatOfThePaper(Algorithm algorithm) {
        MultiLayerNetwork model = model(algorithm, DataType.DOUBLE);
        Map<String, Map<String, double[]>> states = new HashMap<>();
        int step = 0;
        for (DataSet batch : vectors(DataType.DOUBLE)) {
            Map<String, double[]> gradients = gradients(model, batch);
            Map<String, double[]> expected = arrays(model.paramTable());

            model.fit(batch);

            for (Map.Entry<String, double[]> parameter : expected.entrySet()) {
                String name = parameter.getKey();
                if (RUNNING_STATISTICS.contains(name)) {
                    continue;
                }
                algorithm
                        .formulas()
                        .update(
                                parameter.getValue(),
                                gradients.get(name),
                                step,
                                name.endsWith("_W"),
                                states.computeIfAbsent(name, unknown -> new HashMap<>()));
                assertThat(arrays(model.paramTable()).get(name))
                        .as("%s after step %d", name, step)
                        .containsExactly(parameter.getValue(), within(1e-13));
            }
            step++;
        }
    }

    private static Map<String, double[]> gradients(MultiLayerNetwork model, DataSet batch) {
        MultiLayerNetwork copy = model.clone();
        copy.setInput(batch.getFeatures());
        copy.setLabels(batch.getLabels());
        copy.computeGradientAndScore();
        Map<String, INDArray> means = new HashMap<>();
        copy.gradient().gradientForVariable().forEach((name, sum) -> means.put(name, sum.div(batch.numExamples())));
        return arrays(means);
    }

    private static Map<String, double[]> arrays(Map<String, INDArray> parameters) {
        Map<String, double[]> arrays = new HashMap<>();
        parameters.forEach(
                (name, array) -> arrays.put(name, array.dup('c').ravel().toDoubleVector()));
        return arrays;
    }

    @ParameterizedTest
    @MethodSource("algorithms")
    void floatsAndGraphsLearn(Algorithm algorithm) {
        ComputationGraph model = model(algorithm, DataType.FLOAT).toComputationGraph();
        DataSet batch = TestData.vectors(24, DataType.FLOAT, 1);
        double before = model.score(batch);

        for (int i = 0; i < 10; i++) {
            model.fit(batch);
        }

        assertThat(model.score(batch)).isLessThan(before);
    }

    @Test
    void normsOfMoreThanAThousandElementsAreThoseOfAllOfThem() {
        INDArray weights = TestData.gaussian(DataType.DOUBLE, 1, 5, 1000);
        INDArray gradient = TestData.gaussian(DataType.DOUBLE, 2, 5, 1000);
        double[] w = weights.ravel().toDoubleVector();
        double[] g = gradient.ravel().toDoubleVector();

        new LarsTrustRatio(0.02, 0.01).apply(weights, gradient, 1, 0, 0);

        double lambda = 0.02 * norm(w) / (norm(g) + 0.01 * norm(w));
        assertThat(gradient.getDouble(4, 999)).isCloseTo(lambda * (g[4999] + 0.01 * w[4999]), within(1e-15));
        assertThat(new LarsTrustRatio(0.02, 0.01).score(weights, 0, 0))
                .isCloseTo(0.5 * 0.01 * norm(w) * norm(w), within(1e-9));
    }

    @Test
    void withoutANormTheRatioIsOne() {
        INDArray zeros = Nd4j.zeros(DataType.DOUBLE, 3);
        INDArray update = Nd4j.createFromArray(1.0, 2.0, 3.0);

        new LarsTrustRatio(0.02, 0.01).apply(zeros, update, 0.5, 0, 0);
        new LambTrustRatio(0.01).apply(zeros, update, 0.5, 0, 0);
        new LambTrustRatio(0.01).apply(update, zeros, 0, 0, 0);

        assertThat(update.toDoubleVector()).containsExactly(1, 2, 3);
        assertThat(zeros.toDoubleVector()).containsOnly(0);
    }

    @ParameterizedTest
    @MethodSource("algorithms")
    void jsonAndFilesKeepEverything(Algorithm algorithm, @TempDir Path directory) throws Exception {
        List<DataSet> batches = vectors(DataType.DOUBLE);
        MultiLayerNetwork model = TestModels.perceptron(algorithm.in(DataType.DOUBLE));
        ComputationGraph graph = model.toComputationGraph();
        batches.subList(0, 2).forEach(model::fit);
        batches.subList(0, 2).forEach(graph::fit);
        File file = directory.resolve("model.zip").toFile();
        File graphFile = directory.resolve("graph.zip").toFile();

        ModelSerializer.writeModel(model, file, true);
        ModelSerializer.writeModel(graph, graphFile, true);
        MultiLayerNetwork read = ModelSerializer.restoreMultiLayerNetwork(file, true);
        MultiLayerNetwork checked = ModelReader.create().multiLayerNetwork(file.toPath(), true);
        ComputationGraph readGraph = ModelReader.create().computationGraph(graphFile.toPath(), true);

        assertThat(MultiLayerConfiguration.fromJson(
                        model.getLayerWiseConfigurations().toJson()))
                .isEqualTo(model.getLayerWiseConfigurations());
        assertThat(ComputationGraphConfiguration.fromJson(
                        graph.getConfiguration().toJson()))
                .isEqualTo(graph.getConfiguration());
        for (DataSet batch : batches.subList(2, STEPS)) {
            model.fit(batch);
            read.fit(batch);
            checked.fit(batch);
            graph.fit(batch);
            readGraph.fit(batch);
        }
        Bound.assertIdentical(read.params(), model.params());
        Bound.assertIdentical(read.updaterState(), model.updaterState());
        Bound.assertIdentical(checked.params(), model.params());
        Bound.assertIdentical(readGraph.params(), graph.params());
    }

    @ParameterizedTest
    @MethodSource("algorithms")
    void theConfigurationIsSerializableAndItsRateCanBeSet(Algorithm algorithm) throws Exception {
        MultiLayerNetwork model = TestModels.perceptron(algorithm.in(DataType.DOUBLE));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(model.getLayerWiseConfigurations());
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            assertThat(in.readObject()).isEqualTo(model.getLayerWiseConfigurations());
        }
        INDArray before = model.params().dup();

        model.setLearningRate(1e-9);
        model.fit(vectors(DataType.DOUBLE).get(0));

        assertThat(model.getLearningRate(0)).isEqualTo(1e-9);
        assertThat(before.sub(model.params()).amaxNumber().doubleValue())
                .isNotZero()
                .isCloseTo(0, within(1e-6));
        assertThat(algorithm.updater())
                .isNotEqualTo(new Sgd(0.1))
                .isEqualTo(algorithm.updater().clone());
    }

    @Test
    void halfOfAnAlgorithmIsRefused() {
        assertThatThrownBy(() -> Strategies.training(
                        TestModels.perceptron(TestModels.configuration(new Lars(1, 0.9), DataType.DOUBLE)),
                        new BulkSynchronous()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("updater Lars", "add regularization(Lars.trustRatio(");
        assertThatThrownBy(() -> ModelChecks.check(
                        Network.of(TestModels.perceptron(TestModels.configuration(new Lamb(0.1), DataType.DOUBLE)))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("updater Lamb", "add regularization(Lamb.trustRatio(");
    }

    @Test
    void deeplearning4jReplacesTheTrustRatioByL2() {
        NeuralNetConfiguration.Builder configuration = TestModels.configuration(new Lamb(0.1), DataType.DOUBLE)
                .regularization(Lamb.trustRatio(0.01))
                .l2(0.1);

        assertThatThrownBy(() -> ModelChecks.check(Network.of(TestModels.perceptron(configuration))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no parameter has its trust ratio");
    }

    @Test
    void aLayerCanBeExcluded() {
        MultiLayerNetwork model =
                TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Lamb(0.1), DataType.DOUBLE)
                        .regularization(Lamb.trustRatio(0.01))
                        .list()
                        .layer(TestModels.dense(8))
                        .layer(new DenseLayer.Builder()
                                .nOut(8)
                                .regularization(List.of(new L2Regularization(0)))
                                .build())
                        .layer(TestModels.softmax())
                        .setInputType(InputType.feedForward(TestModels.FEATURES))
                        .build()));

        assertThat(Stream.of(0, 1, 2)
                        .map(i -> model.getLayer(i).conf().getLayer().getRegularizationByParam("W")))
                .containsExactly(Lamb.trustRatio(0.01), List.of(new L2Regularization(0)), Lamb.trustRatio(0.01));
    }

    @Test
    void aSecondRegularisationIsRefused() {
        NeuralNetConfiguration.Builder configuration = TestModels.configuration(new Lamb(0.1), DataType.DOUBLE)
                .regularization(Lamb.trustRatio(0.01))
                .l1(0.1);

        assertThatThrownBy(() -> ModelChecks.check(Network.of(TestModels.perceptron(configuration))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("parameter 0_W", "LambTrustRatio", "L1Regularization", "weight decay");
    }

    @Test
    void coefficientsOutOfRangeAreRefused() {
        assertThatThrownBy(() -> new Lars(0.1, 1)).hasMessage("momentum is 1.0: it must be at least 0 and less than 1");
        assertThatThrownBy(() -> new Lamb(0.1, 0.9, Double.NaN, 1e-6)).hasMessageStartingWith("beta2 is NaN");
        assertThatThrownBy(() -> new Lamb(0.1, 0.9, 0.999, 0)).hasMessageStartingWith("epsilon is 0.0");
        assertThatThrownBy(() -> Lars.trustRatio(0, 0)).hasMessageStartingWith("coefficient is 0.0");
        assertThatThrownBy(() -> Lamb.trustRatio(-1)).hasMessageStartingWith("weightDecay is -1.0");
        assertThatThrownBy(() -> new LinearScaling(0.1, 0, 5)).hasMessageStartingWith("factor is 0.0");
        assertThatThrownBy(() -> new LinearScaling(0.1, 2, -1)).hasMessage("warmUpSteps -1: expected 0 to 2147483647");
    }

    @Test
    void theRateGrowsToKTimesAndThenFollowsTheSchedule() {
        double[] rates = IntStream.range(0, 4)
                .mapToDouble(step -> RATES.valueAt(step, 0))
                .toArray();

        assertThat(rates).containsExactly(new double[] {0.02, 0.05, 0.08, 0.04}, within(1e-15));
        assertThat(new LinearScaling(0.1, 8, 0).valueAt(0, 0)).isCloseTo(0.8, within(1e-15));
        assertThat(RATES.clone()).isEqualTo(RATES);
    }
}
