package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.local.Gyre;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.evaluation.IEvaluation;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.evaluation.classification.EvaluationBinary;
import org.nd4j.evaluation.classification.ROC;
import org.nd4j.evaluation.classification.ROCMultiClass;
import org.nd4j.evaluation.regression.RegressionEvaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Ranks together get the results of one process on the whole data set. */
class EvaluationTest {

    private static final DataType TYPE = DataType.FLOAT;

    private static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Sgd(0.1), TYPE));
    }

    @ParameterizedTest(name = "{0} ranks")
    @ValueSource(ints = {1, 2, 3, 7})
    void classificationIsThatOfTheWhole(int ranks) throws Exception {
        // Fewer batches than ranks in the last case: some have no data.
        List<DataSet> batches = TestData.batches(TestData.vectors(50, TYPE, 1), 11);
        Evaluation expected = perceptron().evaluate(TestData.iterator(batches));

        List<Evaluation> found = Gyre.local(ranks).call(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                return trainer.evaluate(TestData.iterator(batches));
            }
        });

        assertThat(found).allSatisfy(evaluation -> {
            assertThat(evaluation.getConfusionMatrix()).isEqualTo(expected.getConfusionMatrix());
            assertThat(evaluation.accuracy()).isEqualTo(expected.accuracy());
            assertThat(evaluation.f1()).isEqualTo(expected.f1());
        });
    }

    @Test
    void thoseWhoAreLeftEvaluateTheWholeAfterARankWasLost() throws Exception {
        DataSet examples = TestData.vectors(50, TYPE, 1);
        Evaluation expected = perceptron().evaluate(TestData.iterator(List.of(examples)));

        Gyre.local(4).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                session.exchange("trained", new byte[0]);
                if (session.world().rank() == 1) {
                    session.beExpendable();
                    session.fail("it has no memory left");
                    return;
                }
                Evaluation found = trainer.evaluate(ShardedData.of(ExampleSource.of(examples), 4, 1));
                assertThat(found.getConfusionMatrix()).isEqualTo(expected.getConfusionMatrix());
                // A rank that left while others wait would count as lost.
                session.exchange("evaluated", new byte[0]);
            }
        });
    }

    @Test
    @SuppressWarnings("unchecked") // Deeplearning4j takes its evaluations as generic varargs.
    void everyKindOfEvaluationIsMerged() throws Exception {
        DataSet examples = TestData.vectors(60, TYPE, 1);
        Evaluation top2 = new Evaluation(List.of("a", "b", "c", "d", "e"), 2);
        RegressionEvaluation regression = new RegressionEvaluation();
        ROCMultiClass roc = new ROCMultiClass(30);
        EvaluationBinary binary = new EvaluationBinary();
        List<IEvaluation<?>> kinds = List.of(
                new Evaluation(List.of("a", "b", "c", "d", "e"), 2),
                new RegressionEvaluation(),
                new ROCMultiClass(30),
                new EvaluationBinary());
        for (IEvaluation<?> evaluation : List.of(top2, regression, roc, binary)) {
            evaluation.eval(examples.getLabels(), perceptron().output(examples.getFeatures()));
        }

        Gyre.local(3).run(session -> {
            List<IEvaluation<?>> merged;
            try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                merged = trainer.evaluate(ShardedData.of(ExampleSource.of(examples), 4, 1), Map.of(0, kinds))
                        .get(0);
            }
            Evaluation top2Merged = (Evaluation) merged.get(0);
            assertThat(top2Merged.topNAccuracy()).isEqualTo(top2.topNAccuracy());
            assertThat(top2Merged.getClassLabel(1)).isEqualTo("b");
            assertThat(((EvaluationBinary) merged.get(3)).stats()).isEqualTo(binary.stats());
            for (int i = 0; i < TestModels.CLASSES; i++) {
                // Sums of floats, computed in another order.
                RegressionEvaluation regressionMerged = (RegressionEvaluation) merged.get(1);
                assertThat(regressionMerged.meanSquaredError(i))
                        .isCloseTo(regression.meanSquaredError(i), within(1e-6));
                assertThat(regressionMerged.pearsonCorrelation(i))
                        .isCloseTo(regression.pearsonCorrelation(i), within(1e-4));
                assertThat(((ROCMultiClass) merged.get(2)).calculateAUC(i))
                        .isCloseTo(roc.calculateAUC(i), within(1e-6));
            }
        });
    }

    @Test
    void allRanksGetEqualResultsToTheLastBit() throws Exception {
        DataSet examples = TestData.vectors(33, TYPE, 1);

        List<String> found = Gyre.local(3).call(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                return trainer.evaluate(ShardedData.of(ExampleSource.of(examples), 2, 1), new RegressionEvaluation())
                        .toJson();
            }
        });

        assertThat(found).containsOnly(found.get(0));
        assertThat(found.get(0)).contains("33.0");
    }

    @Test
    void anExactRocIsRefusedBecauseItCannotBeMerged() {
        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                        trainer.evaluate(
                                ShardedData.of(ExampleSource.of(TestData.vectors(4, TYPE, 1)), 2, 1),
                                new ROCMultiClass(0));
                    }
                }))
                .hasMessageContaining("exact ROCMultiClass")
                .hasMessageContaining("thresholds");
    }

    @Test
    void evaluatingTwiceGivesTheSameTwice() throws Exception {
        ROC kind = new ROC(10);

        Gyre.local(2).run(session -> {
            ShardedData data = ShardedData.of(ExampleSource.of(binaryExamples()), 3, 1);
            try (DistributedTrainer trainer = DistributedTrainer.of(binary(), session)) {
                ROC first = trainer.evaluate(data, kind);
                ROC second = trainer.evaluate(data, kind);
                assertThat(first.getExampleCount()).isEqualTo(20);
                assertThat(second.getExampleCount()).isEqualTo(20);
                assertThat(second.calculateAUC()).isEqualTo(first.calculateAUC());
            }
        });

        assertThat(kind.getExampleCount()).isZero();
    }

    private static MultiLayerNetwork binary() {
        return TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Sgd(0.1), TYPE)
                .list()
                .layer(new OutputLayer.Builder(LossFunction.XENT)
                        .activation(Activation.SIGMOID)
                        .nOut(1)
                        .build())
                .setInputType(InputType.feedForward(TestModels.FEATURES))
                .build()));
    }

    private static DataSet binaryExamples() {
        INDArray features = TestData.gaussian(TYPE, 1, 20, TestModels.FEATURES);
        return new DataSet(features, features.getColumns(0).gt(0).castTo(TYPE));
    }

    @Test
    void eachOutputOfAGraphIsEvaluatedOnItsOwn() throws Exception {
        DataSet images = TestData.images(15, TYPE, 1);
        MultiDataSet all = new MultiDataSet(
                new INDArray[] {images.getFeatures()},
                new INDArray[] {images.getLabels(), TestData.oneHot(15, TYPE, 5)});

        Gyre.local(2).run(session -> {
            ComputationGraph model = twoOutputs();
            Map<Integer, List<IEvaluation<?>>> merged;
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                merged = trainer.evaluate(
                        ShardedData.of(ExampleSource.of(all), 4, 1),
                        Map.of(0, List.of(new Evaluation()), 1, List.of(new Evaluation())));
            }
            Evaluation first = (Evaluation) merged.get(0).get(0);
            Evaluation second = (Evaluation) merged.get(1).get(0);
            INDArray[] outputs = model.output(images.getFeatures());
            Evaluation expected = new Evaluation();
            expected.eval(all.getLabels(1), outputs[1]);
            assertThat(second.getConfusionMatrix()).isEqualTo(expected.getConfusionMatrix());
            assertThat(first.getConfusionMatrix()).isNotEqualTo(second.getConfusionMatrix());
        });
    }

    private static ComputationGraph twoOutputs() {
        return TestModels.initialised(new ComputationGraph(TestModels.configuration(new Sgd(0.1), TYPE)
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.convolutional(TestModels.PIXELS, TestModels.PIXELS, 2))
                .addLayer("convolution", TestModels.convolution(3), "in")
                .addLayer("one", TestModels.softmax(), "convolution")
                .addLayer("two", TestModels.softmax(), "convolution")
                .setOutputs("one", "two")
                .build()));
    }

    @Test
    void trainingContinuesAfterAnEvaluation() throws Exception {
        List<DataSet> batches = TestData.batches(TestData.vectors(24, TYPE, 1), 6);
        MultiLayerNetwork without = perceptron();
        MultiLayerNetwork with = perceptron();

        Gyre.local(1).run(session -> {
            ShardedData data = ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES);
            try (DistributedTrainer trainer = DistributedTrainer.of(without, session)) {
                trainer.fit(data, 1);
            }
            try (DistributedTrainer trainer = DistributedTrainer.of(with, session)) {
                trainer.fitSteps(data, 2);
                trainer.evaluate(data);
                trainer.fitSteps(data, 2);
            }
        });

        Bound.assertIdentical(with.params(), without.params());
    }
}
