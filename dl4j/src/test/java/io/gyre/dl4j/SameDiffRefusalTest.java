package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.DisagreementException;
import io.gyre.local.Gyre;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

/** Graphs and batches that cannot be trained are rejected with an error that says what, where and what to do. */
class SameDiffRefusalTest {

    private static final DataType TYPE = DataType.DOUBLE;

    private static SameDiff configured(SameDiff graph) {
        graph.setTrainingConfig(SameDiffGraphs.config(new Sgd(0.1)).build());
        return graph;
    }

    private static SameDiff ending(String name) {
        SameDiff graph = SameDiff.create();
        SDVariable in = graph.placeHolder("in", TYPE, -1, 3);
        graph.placeHolder("labels", TYPE, -1, 3);
        SDVariable scaled = in.mul(graph.var("w", Nd4j.ones(TYPE, 1, 3)));
        SDVariable loss = name.equals("sqrt of a mean")
                ? graph.math.sqrt(scaled.mul(scaled).mean()).rename("loss")
                : scaled.mul(scaled).sum().add(graph.math.abs(scaled).mean()).rename("loss");
        graph.setLossVariables(loss.name());
        return configured(graph);
    }

    private static SameDiff of(DataType first, DataType second) {
        SameDiff graph = SameDiff.create();
        SDVariable in = graph.placeHolder("in", first, -1, 3);
        graph.placeHolder("labels", first, -1, 3);
        SDVariable scaled = in.mul(graph.var("v", Nd4j.ones(first, 1, 3)));
        SDVariable other = scaled.castTo(second).mul(graph.var("w", Nd4j.ones(second, 1, 3)));
        graph.setLossVariables(other.mean("loss", 0, 1).name());
        return configured(graph);
    }

    private static SameDiff withoutVariables() {
        SameDiff graph = SameDiff.create();
        SDVariable in = graph.placeHolder("in", TYPE, -1, 3);
        graph.placeHolder("labels", TYPE, -1, 3);
        graph.setLossVariables(
                in.mul(graph.constant(2.0).castTo(TYPE)).mean("loss", 0, 1).name());
        return configured(graph);
    }

    private static SameDiff correctedTooLate() {
        SameDiff graph = SameDiffGraphs.withFactors(SameDiffGraphs.ofConstants(new Sgd(0.1), TYPE), 0, 1);
        graph.createGradFunction();
        return SameDiffGraphs.withFactors(graph, 1, 0);
    }

    private static SameDiff mapped(String feature) {
        SameDiff graph = SameDiffGraphs.perceptron(TYPE);
        graph.setTrainingConfig(new TrainingConfig.Builder()
                .updater(new Sgd(0.1))
                .dataSetFeatureMapping(feature)
                .dataSetLabelMapping("labels")
                .build());
        return graph;
    }

    static Stream<Arguments> untrainable() {
        return Stream.of(
                Arguments.of(
                        "no TrainingConfig",
                        (Supplier<SameDiff>) () -> SameDiffGraphs.perceptron(TYPE),
                        1,
                        "has no TrainingConfig: call setTrainingConfig"),
                Arguments.of(
                        "nothing to train",
                        (Supplier<SameDiff>) SameDiffRefusalTest::withoutVariables,
                        1,
                        "has nothing to train, or no loss"),
                Arguments.of(
                        "mixed types",
                        (Supplier<SameDiff>) () -> of(DataType.FLOAT, DataType.DOUBLE),
                        1,
                        "'v' has FLOAT, and 'w' has DOUBLE"),
                Arguments.of(
                        "half precision",
                        (Supplier<SameDiff>) () -> of(DataType.FLOAT16, DataType.FLOAT16),
                        1,
                        "has the type HALF"),
                Arguments.of(
                        "a mapping to no placeholder",
                        (Supplier<SameDiff>) () -> mapped("w0"),
                        1,
                        "maps features 0 to 'w0', which is no placeholder"),
                Arguments.of(
                        "a loss of which parts say nothing",
                        (Supplier<SameDiff>) () -> ending("sqrt of a mean"),
                        2,
                        "computed by the op sqrt"),
                Arguments.of(
                        "a sum and a mean",
                        (Supplier<SameDiff>) () -> ending("a sum and a mean"),
                        2,
                        "one term is a sum over the examples, and another a mean over the examples"),
                Arguments.of(
                        "means over different masks",
                        (Supplier<SameDiff>) () ->
                                SameDiffGraphs.twoMasked(new Sgd(0.1), TYPE, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT),
                        2,
                        "one term is a mean over what 'firstMask' does not mask, and another a mean over what"
                                + " 'secondMask' does not mask"),
                Arguments.of(
                        "a product of which nothing but what its output held counts",
                        (Supplier<SameDiff>)
                                () -> SameDiffGraphs.withFactors(SameDiffGraphs.ofConstants(new Sgd(0.1), TYPE), 0, 1),
                        1,
                        "op 'matmul' of the SameDiff is a matmul with alpha 0.0 and beta 1.0"),
                Arguments.of(
                        "a product corrected after its gradient was made",
                        (Supplier<SameDiff>) SameDiffRefusalTest::correctedTooLate,
                        1,
                        "of the gradient function of the SameDiff is a matmul with alpha 0.0 and beta 1.0"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("untrainable")
    void isRefused(String what, Supplier<SameDiff> graph, int ranks, String message) {
        assertThatThrownBy(() -> Gyre.local(ranks)
                        .run(session ->
                                DistributedTrainer.of(graph.get(), session).close()))
                .hasCauseInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    /** One rank takes the whole batch, as {@code fit} does. */
    @Test
    void oneRankTrainsWhateverLossThereIs() throws Exception {
        Gyre.local(1).run(session -> {
            SameDiff graph = ending("sqrt of a mean");
            try (DistributedTrainer trainer = DistributedTrainer.of(graph, session)) {
                trainer.fit(ShardedData.of(new BatchList(java.util.List.of(batch(4, 3, 3))), Sharding.EXAMPLES), 1);
            }
            assertThat(graph.getVariable("w").getArr().getDouble(0)).isLessThan(1);
        });
    }

    private static MultiDataSet batch(int rows, int features, int labels) {
        return new MultiDataSet(Nd4j.ones(TYPE, rows, features), Nd4j.ones(TYPE, rows, labels));
    }

    static Stream<Arguments> batches() {
        INDArray features = Nd4j.ones(TYPE, 4, TestModels.FEATURES);
        INDArray labels = Nd4j.ones(TYPE, 4, TestModels.CLASSES);
        return Stream.of(
                Arguments.of(
                        "too many features",
                        new MultiDataSet(new INDArray[] {features, features}, new INDArray[] {labels}),
                        "has 2 features arrays, and the TrainingConfig maps 1, to [in]"),
                Arguments.of(
                        "no labels",
                        new MultiDataSet(new INDArray[] {features}, new INDArray[] {}),
                        "has 0 labels arrays, and the TrainingConfig maps 1, to [labels]"),
                Arguments.of(
                        "another shape",
                        batch(4, 7, TestModels.CLASSES),
                        "has features 0 of shape [4, 7], and the placeholder 'in' takes [-1, " + TestModels.FEATURES));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("batches")
    void aBatchThatDoesNotFitTheMappingsIsRefused(String what, MultiDataSet batch, String message) {
        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    try (DistributedTrainer trainer =
                            DistributedTrainer.of(configured(SameDiffGraphs.perceptron(TYPE)), session)) {
                        trainer.fit(ShardedData.of(new BatchList(java.util.List.of(batch)), Sharding.OWN), 1);
                    }
                }))
                .hasRootCauseInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("the batch of rank 0")
                .hasMessageContaining("for step 0 in epoch 0 " + message);
    }

    @Test
    void aMaskThatIsMissingIsRefused() {
        org.nd4j.linalg.dataset.api.MultiDataSet whole =
                SameDiffGraphs.maskedSequences(4, TYPE, 1).toMultiDataSet();
        MultiDataSet unmasked = new MultiDataSet(whole.getFeatures(0), whole.getLabels(0));

        assertThatThrownBy(() -> Gyre.local(1).run(session -> {
                    try (DistributedTrainer trainer =
                            DistributedTrainer.of(SameDiffGraphs.masked(new Sgd(0.1), TYPE), session)) {
                        trainer.fit(ShardedData.of(new BatchList(java.util.List.of(unmasked)), Sharding.OWN), 1);
                    }
                }))
                .hasMessageContaining("has no labels mask 0, which the placeholder 'mask' takes");
    }

    @Test
    void aRankWithAnotherConstantIsNamed() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    SameDiff graph = SameDiffGraphs.perceptron(new Adam(0.01), TYPE);
                    graph.constant("scale", Nd4j.scalar(TYPE, session.world().rank()));
                    DistributedTrainer.of(graph, session).close();
                }))
                .hasRootCauseInstanceOf(DisagreementException.class)
                .hasMessageContaining("'configuration'")
                .hasMessageContaining("scale DOUBLE []");
    }

    @Test
    void aRefusedGraphKeepsItsArrays() throws Exception {
        SameDiff graph = ending("sqrt of a mean");
        INDArray before = graph.getVariable("w").getArr();

        assertThatThrownBy(() -> Gyre.local(1)
                        .run(session -> DistributedTrainer.builder(graph, session)
                                .microBatches(2)
                                .build()))
                .hasRootCauseInstanceOf(IllegalArgumentException.class);

        assertThat(graph.getVariable("w").getArr()).isSameAs(before);
    }
}
