package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import io.gyre.local.Gyre;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.evaluation.regression.RegressionEvaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Every method of an evaluation over all ranks returns what it returns in a single process. */
class EvaluationMergeTest {

    private static final DataType TYPE = DataType.DOUBLE;
    private static final int EXAMPLES = 23;
    private static final int RANKS = 3;
    private static final int STEPS = 4;

    /** Data with a model for them. */
    enum Kind {
        CLASSES {
            @Override
            MultiLayerNetwork model() {
                return TestModels.perceptron(TestModels.configuration(new Sgd(0.1), TYPE));
            }

            @Override
            DataSet data() {
                return TestData.vectors(EXAMPLES, TYPE, 1);
            }

            @Override
            Stream<IEvaluation<?>> evaluations() {
                return KnownEvaluations.ofSeveralColumns();
            }
        },
        ONE_COLUMN {
            @Override
            MultiLayerNetwork model() {
                return network(
                        InputType.feedForward(TestModels.FEATURES),
                        new OutputLayer.Builder(LossFunction.XENT)
                                .activation(Activation.SIGMOID)
                                .nOut(1)
                                .build());
            }

            @Override
            DataSet data() {
                INDArray features = TestData.gaussian(TYPE, 1, EXAMPLES, TestModels.FEATURES);
                return new DataSet(features, features.getColumns(0).gt(0).castTo(TYPE));
            }

            @Override
            Stream<IEvaluation<?>> evaluations() {
                return KnownEvaluations.ofOneColumn();
            }
        },
        MASKED_SEQUENCES {
            @Override
            MultiLayerNetwork model() {
                return network(
                        InputType.recurrent(TestModels.FEATURES, STEPS),
                        new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                .activation(Activation.SOFTMAX)
                                .nOut(TestModels.CLASSES)
                                .build());
            }

            @Override
            DataSet data() {
                return sequences();
            }

            @Override
            Stream<IEvaluation<?>> evaluations() {
                return KnownEvaluations.ofSeveralColumns();
            }
        };

        abstract MultiLayerNetwork model();

        abstract DataSet data();

        abstract Stream<IEvaluation<?>> evaluations();

        int columns() {
            return this == ONE_COLUMN ? 1 : TestModels.CLASSES;
        }
    }

    private static MultiLayerNetwork network(InputType input, org.deeplearning4j.nn.conf.layers.Layer output) {
        return TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Sgd(0.1), TYPE)
                .list()
                .layer(output)
                .setInputType(input)
                .build()));
    }

    /** Each with one to four labelled steps. */
    private static DataSet sequences() {
        Random random = new Random(1);
        INDArray labels = Nd4j.zeros(TYPE, EXAMPLES, TestModels.CLASSES, STEPS);
        INDArray mask = Nd4j.zeros(TYPE, EXAMPLES, STEPS);
        for (int i = 0; i < EXAMPLES; i++) {
            for (int t = 0; t < STEPS; t++) {
                labels.putScalar(new int[] {i, random.nextInt(TestModels.CLASSES), t}, 1);
                mask.putScalar(i, t, t == 0 || random.nextInt(3) == 0 ? 1 : 0);
            }
        }
        return new DataSet(TestData.gaussian(TYPE, 1, EXAMPLES, TestModels.FEATURES, STEPS), labels, null, mask);
    }

    static Stream<Arguments> cases() {
        return Stream.of(Kind.values())
                .flatMap(kind -> Stream.of(Sharding.EXAMPLES, Sharding.BATCHES)
                        .flatMap(sharding -> Stream.of(1, RANKS).map(ranks -> Arguments.of(kind, sharding, ranks))));
    }

    @ParameterizedTest(name = "{0}, {1}, {2} ranks")
    @MethodSource("cases")
    void answersAsOneProcessDoes(Kind kind, Sharding sharding, int ranks) throws Exception {
        MultiLayerNetwork model = kind.model();
        List<IEvaluation<?>> plain = kind.evaluations().toList();
        for (IEvaluation<?> evaluation : plain) {
            DataSet all = kind.data();
            evaluation.eval(all.getLabels(), model.output(all.getFeatures()), all.getLabelsMaskArray());
        }
        // Batches of 5 rows are one or two rows for each of three ranks.
        List<DataSet> batches = TestData.batches(kind.data(), 5);

        List<List<IEvaluation<?>>> merged = Gyre.local(ranks).call(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(kind.model(), session)) {
                return trainer.evaluate(
                                ShardedData.of(TestData.iterator(batches), sharding),
                                Map.of(0, kind.evaluations().toList()))
                        .get(0);
            }
        });

        for (List<IEvaluation<?>> ofRank : merged) {
            for (int i = 0; i < plain.size(); i++) {
                assertThat(ofRank.get(i)).hasSameClassAs(plain.get(i));
                assertSame(Getters.of(ofRank.get(i), kind.columns()), Getters.of(plain.get(i), kind.columns()));
            }
        }
    }

    private static void assertSame(Map<String, Object> actual, Map<String, Object> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        List<String> differences = new ArrayList<>();
        expected.forEach((question, answer) -> {
            Object other = actual.get(question);
            boolean same = answer instanceof Double number
                    ? other instanceof Double otherNumber && isClose(otherNumber, number)
                    : answer.equals(other);
            if (!same) {
                differences.add(question + ": " + other + " and not " + answer);
            }
        });
        assertThat(differences).isEmpty();
    }

    private static boolean isClose(double actual, double expected) {
        return Double.compare(actual, expected) == 0
                || Math.abs(actual - expected) <= 1e-6 * Math.max(1, Math.abs(expected));
    }

    static Stream<IEvaluation<?>> refused() {
        return KnownEvaluations.refused();
    }

    @ParameterizedTest
    @MethodSource("refused")
    void whatCannotBeMergedIsRefused(IEvaluation<?> evaluation) {
        assertThatThrownBy(() -> EvaluationMerge.empty(evaluation))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(evaluation.getClass().getSimpleName());
    }

    @Test
    void regressionIsWhatTheFormulasSay() throws Exception {
        INDArray labels = TestData.gaussian(TYPE, 2, EXAMPLES, 2).addi(3);
        INDArray predictions = TestData.gaussian(TYPE, 1, EXAMPLES, 2);
        List<DataSet> batches = TestData.batches(new DataSet(predictions, labels), 4);

        RegressionEvaluation found = Gyre.local(RANKS)
                .call(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(passesOn(), session)) {
                        return trainer.evaluate(
                                ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES),
                                new RegressionEvaluation());
                    }
                })
                .get(0);

        for (int column = 0; column < 2; column++) {
            double[] label = labels.getColumn(column).toDoubleVector();
            double[] error = predictions.sub(labels).getColumn(column).toDoubleVector();
            double mean = IntStream.range(0, EXAMPLES)
                    .mapToDouble(i -> label[i])
                    .average()
                    .orElseThrow();
            double total = IntStream.range(0, EXAMPLES)
                    .mapToDouble(i -> Math.pow(label[i] - mean, 2))
                    .sum();
            double residual = IntStream.range(0, EXAMPLES)
                    .mapToDouble(i -> error[i] * error[i])
                    .sum();
            double absolute = IntStream.range(0, EXAMPLES)
                    .mapToDouble(i -> Math.abs(error[i]))
                    .average()
                    .orElseThrow();
            assertThat(found.rSquared(column)).isEqualTo(1 - residual / total, offset(1e-9));
            assertThat(found.meanAbsoluteError(column)).isEqualTo(absolute, offset(1e-9));
        }
    }

    /** A model whose outputs are its inputs: weights of 1, and the parameters that a trainer needs. */
    private static MultiLayerNetwork passesOn() {
        MultiLayerNetwork model =
                TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Sgd(0.1), TYPE)
                        .list()
                        .layer(new OutputLayer.Builder(LossFunction.MSE)
                                .activation(Activation.IDENTITY)
                                .nOut(2)
                                .build())
                        .setInputType(InputType.feedForward(2))
                        .build()));
        model.getLayer(0).getParam("W").assign(Nd4j.eye(2).castTo(TYPE));
        return model;
    }
}
