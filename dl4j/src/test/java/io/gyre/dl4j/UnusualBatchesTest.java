package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.gyre.local.Gyre;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Batches without features or labels, or with different numbers of rows: as plain {@code fit}, or clearly rejected. */
@Timeout(120)
class UnusualBatchesTest {

    private static final DataType TYPE = DataType.DOUBLE;
    private static final int STEPS = 3;

    private static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Sgd(0.1), TYPE));
    }

    private static MultiDataSet batch(@Nullable INDArray features, @Nullable INDArray labels) {
        return new MultiDataSet(new INDArray[] {features}, new INDArray[] {labels});
    }

    private static MultiDataSet good() {
        return batch(TestData.gaussian(TYPE, 1, 4, TestModels.FEATURES), TestData.oneHot(4, TYPE, 1));
    }

    static Stream<Arguments> lacking() {
        MultiDataSet good = good();
        MultiDataSet noLabels = new MultiDataSet(new INDArray[] {good.getFeatures(0)}, new INDArray[0]);
        MultiDataSet nothing = new MultiDataSet(new INDArray[0], new INDArray[] {good.getLabels(0)});
        return Stream.of(
                Arguments.of(batch(good.getFeatures(0), null), "for step 1 in epoch 0 has no labels"),
                Arguments.of(noLabels, "for step 1 in epoch 0 has no labels"),
                Arguments.of(batch(null, good.getLabels(0)), "batch 1 of epoch 0 has no features 0: the array is null"),
                Arguments.of(nothing, "batch 1 of epoch 0 has no features"));
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("lacking")
    void whatIsLackingIsNamed(MultiDataSet bad, String expected) {
        for (Sharding sharding : Sharding.values()) {
            assertThatThrownBy(() -> Gyre.local(sharding == Sharding.BATCHES ? 1 : 2)
                            .run(session -> {
                                try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                                    trainer.fit(ShardedData.of(new BatchList(List.of(good(), bad)), sharding), 1);
                                }
                            }))
                    .as("%s", sharding)
                    .hasMessageContaining(expected);
        }
    }

    @Test
    void aGraphNamesTheOutputWithoutLabels() {
        MultiDataSet images = batch(TestData.gaussian(TYPE, 1, 4, 2, TestModels.PIXELS, TestModels.PIXELS), null);

        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    Model model = TestModels.residual(TestModels.configuration(new Sgd(0.1), TYPE), false);
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(ShardedData.of(new BatchList(List.of(images)), Sharding.OWN), 1);
                    }
                }))
                .hasMessageContaining("has no labels 0, which the output 'out' needs");
    }

    @Test
    void anEvaluationWithoutLabelsIsRefused() {
        MultiDataSet bad = batch(good().getFeatures(0), null);

        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                        trainer.evaluate(ShardedData.of(new BatchList(List.of(bad)), Sharding.OWN));
                    }
                }))
                .hasMessageContaining("output 0 cannot be evaluated: a batch of the data has no labels 0");
    }

    /** A label for each time step of each sequence: more rows of labels than of features. */
    private static MultiDataSet sequences(int examples, long seed) {
        return batch(
                TestData.gaussian(TYPE, seed, examples, TestModels.FEATURES, STEPS),
                TestData.oneHot(examples * STEPS, TYPE, seed));
    }

    private static MultiLayerNetwork perStep() {
        return TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Sgd(0.1), TYPE)
                .list()
                .layer(new LSTM.Builder().nIn(TestModels.FEATURES).nOut(6).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT)
                        .activation(Activation.SOFTMAX)
                        .nIn(6)
                        .nOut(TestModels.CLASSES)
                        .build())
                .inputPreProcessor(1, new RnnToFeedForwardPreProcessor())
                .setInputType(InputType.recurrent(TestModels.FEATURES))
                .build()));
    }

    @Test
    void rowsOfLabelsThatAreNoRowsOfFeaturesAreTrainedAsByPlainFit() throws Exception {
        List<MultiDataSet> batches = List.of(sequences(4, 1), sequences(2, 2), sequences(4, 3));
        MultiLayerNetwork plain = perStep();
        TestModels.plainEpoch(plain, batches);

        MultiLayerNetwork trained = Gyre.local(1)
                .call(session -> {
                    MultiLayerNetwork model = perStep();
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        trainer.fit(ShardedData.of(new BatchList(batches), Sharding.OWN), 1);
                    }
                    return model;
                })
                .get(0);

        Bound.assertIdentical(trained.params(), plain.params());
    }

    /** The sequences of both, with labels in time-step order, like the model's rows. */
    private static MultiDataSet joined(MultiDataSet one, MultiDataSet other) {
        List<INDArray> labels = new ArrayList<>();
        for (int step = 0; step < STEPS; step++) {
            for (MultiDataSet part : List.of(one, other)) {
                int rows = Rows.count(part);
                labels.add(part.getLabels(0)
                        .get(NDArrayIndex.interval(step * rows, (step + 1) * rows), NDArrayIndex.all()));
            }
        }
        return batch(
                Nd4j.concat(0, one.getFeatures(0), other.getFeatures(0)),
                Nd4j.concat(0, labels.toArray(INDArray[]::new)));
    }

    @ParameterizedTest
    @EnumSource(names = {"OWN", "BATCHES"})
    void severalRanksTakeThemWhole(Sharding sharding) throws Exception {
        MultiDataSet one = sequences(4, 1);
        MultiDataSet other = sequences(2, 2);
        MultiLayerNetwork plain = perStep();
        plain.fit(joined(one, other));

        List<MultiLayerNetwork> models = Gyre.local(2).call(session -> {
            MultiLayerNetwork model = perStep();
            List<MultiDataSet> batches = sharding == Sharding.BATCHES
                    ? List.of(one, other)
                    : List.of(session.world().isRoot() ? one : other);
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(ShardedData.of(new BatchList(batches), sharding), 1);
            }
            return model;
        });

        Bound.assertClose(models.get(0).params(), plain.params(), 1);
        assertThat(models.get(0).score()).isCloseTo(plain.score(), within(1e-12));
    }

    @Test
    void theyCannotBeDividedByExamples() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    try (DistributedTrainer trainer = DistributedTrainer.of(perStep(), session)) {
                        trainer.fit(ShardedData.of(new BatchList(List.of(sequences(4, 1))), Sharding.EXAMPLES), 1);
                    }
                }))
                .hasMessageContaining("labels 0 has shape [12, 5]")
                .hasMessageContaining("Divide by Sharding.BATCHES or OWN");
    }
}
