package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.gyre.local.Gyre;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;

/** Everything that a program sees besides the parameters is as with a plain {@code fit}. */
class AsPlainFitTest {

    private static final DataType TYPE = DataType.DOUBLE;

    static Stream<Named<FeaturesTest.Feature>> sums() {
        return Stream.concat(
                Stream.of(
                        Named.of(
                                "a graph",
                                new FeaturesTest.Feature(
                                        () -> TestModels.residual(notDivided(), false),
                                        () -> KnownParts.batches(
                                                TestData.images(20, TYPE, 1).toMultiDataSet()))),
                        Named.of(
                                "a perceptron with l2",
                                new FeaturesTest.Feature(
                                        () -> TestModels.perceptron(notDivided().l2(0.1)),
                                        () -> KnownParts.batches(
                                                TestData.vectors(20, TYPE, 1).toMultiDataSet())))),
                KnownOutputs.all(AsPlainFitTest::notDivided));
    }

    private static NeuralNetConfiguration.Builder notDivided() {
        return TestModels.configuration(new Sgd(0.001), TYPE).miniBatch(false);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("sums")
    void theScoreOfAModelThatDoesNotDivideByExamplesIsThePlainOne(FeaturesTest.Feature feature) throws Exception {
        List<MultiDataSet> batches = feature.batches().get();
        Model plain = feature.model().get();
        TestModels.plainEpoch(plain, batches);

        for (int ranks = 1; ranks <= 3; ranks++) {
            List<Double> scores = Gyre.local(ranks).call(session -> {
                Model model = feature.model().get();
                try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                    trainer.fit(ShardedData.of(new BatchList(batches), Sharding.EXAMPLES), 1);
                    assertThat(model.score()).isEqualTo(trainer.score());
                    return trainer.score();
                }
            });
            assertThat(scores)
                    .allSatisfy(score -> assertThat(score)
                            .isCloseTo(plain.score(), within(1e-10 * Math.max(1, Math.abs(plain.score())))));
        }
    }

    @Test
    void theProgramsOwnRandomNumbersContinueAsIfThereWereNoTrainer() throws Exception {
        List<DataSet> batches = TestData.batches(TestData.vectors(24, TYPE, 1), 6);
        ExampleSource drawing = ExampleSource.of(24, indices -> {
            Nd4j.rand(3);
            return TestData.vectors(indices.length, TYPE, 1);
        });
        Nd4j.getRandom().setSeed(5);
        List<double[]> expected = IntStream.range(0, 5).mapToObj(i -> draw()).toList();

        Gyre.local(2).run(session -> {
            // Before seeding: a model sets its own seed when it is initialised.
            List<MultiLayerNetwork> models = List.of(withDropout(), withDropout());
            Nd4j.getRandom().setSeed(5);
            List<double[]> found = new ArrayList<>(List.of(draw()));
            try (DistributedTrainer generator = DistributedTrainer.of(models.get(0), session);
                    DistributedTrainer discriminator = DistributedTrainer.of(models.get(1), session)) {
                found.add(draw());
                generator.fitSteps(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
                found.add(draw());
                discriminator.fitSteps(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
                found.add(draw());
                generator.fitSteps(ShardedData.of(drawing, 3, 1), 1);
            }
            found.add(draw());
            for (int i = 0; i < found.size(); i++) {
                assertThat(found.get(i)).isEqualTo(expected.get(i));
            }
        });
    }

    private static double[] draw() {
        return Nd4j.concat(
                        0,
                        Nd4j.rand(TYPE, 3),
                        Nd4j.randn(TYPE, 3),
                        Nd4j.createFromArray(
                                Nd4j.getRandom().nextDouble(), Nd4j.getRandom().nextGaussian()))
                .toDoubleVector();
    }

    private static MultiLayerNetwork withDropout() {
        return TestModels.perceptron(
                TestModels.configuration(new Sgd(0.1), TYPE).dropOut(0.5));
    }

    @Test
    void aLossThatIsInfiniteThoughTheGradientIsNotDoesNotEndTheTraining() throws Exception {
        List<DataSet> batches = TestData.batches(TestData.vectors(24, TYPE, 1), 6);
        MultiLayerNetwork plain = withInfiniteLoss();
        batches.forEach(plain::fit);

        List<MultiLayerNetwork> models = Gyre.local(3).call(session -> {
            MultiLayerNetwork model = withInfiniteLoss();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                FitReport report = trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
                assertThat(trainer.score()).isEqualTo(Double.POSITIVE_INFINITY);
                assertThat(report.lastLoss()).isEqualTo(Double.POSITIVE_INFINITY);
                assertThat(report.steps()).isEqualTo(batches.size());
            }
            return model;
        });

        assertThat(plain.score()).isEqualTo(Double.POSITIVE_INFINITY);
        assertThat(models)
                .allSatisfy(model ->
                        Bound.assertIdentical(model.params(), models.get(0).params()));
        Bound.assertClose(models.get(0).params(), plain.params(), batches.size());
    }

    static MultiLayerNetwork withInfiniteLoss() {
        return TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Sgd(0.1), TYPE)
                .list()
                .layer(new OutputLayer.Builder(new InfiniteLoss())
                        .activation(Activation.IDENTITY)
                        .nOut(TestModels.CLASSES)
                        .build())
                .setInputType(InputType.feedForward(TestModels.FEATURES))
                .build()));
    }

    /** The gradient of the squared error, with an infinite loss. */
    public static final class InfiniteLoss extends LossMSE {

        @Override
        public double computeScore(
                INDArray labels, INDArray output, IActivation activation, INDArray mask, boolean average) {
            return Double.POSITIVE_INFINITY;
        }

        @Override
        public Pair<Double, INDArray> computeGradientAndScore(
                INDArray labels, INDArray output, IActivation activation, INDArray mask, boolean average) {
            return Pair.of(Double.POSITIVE_INFINITY, computeGradient(labels, output, activation, mask));
        }
    }
}
