package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import io.gyre.local.Gyre;
import java.util.List;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.MultiDataSet;

/** Deeplearning4j's own losses, layers, vertices, updaters and settings on several ranks. */
class KnownClassesTest {

    private static final int RANKS = 3;

    static Stream<Named<FeaturesTest.Feature>> exact() {
        return Stream.of(KnownParts.exact(), KnownLayers.exact(), KnownVertices.exact())
                .flatMap(each -> each);
    }

    static Stream<Named<FeaturesTest.Feature>> exactInParts() {
        return KnownParts.exactInParts();
    }

    static Stream<Named<FeaturesTest.Feature>> refused() {
        return KnownParts.refused();
    }

    static Stream<Named<FeaturesTest.Feature>> unusable() {
        return KnownParts.unusable();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("exact")
    void ranksDoWhatOneProcessDoes(FeaturesTest.Feature feature) throws Exception {
        List<MultiDataSet> batches = feature.batches().get();
        Model plain = feature.model().get();
        TestModels.plainEpoch(plain, batches);

        List<Model> models = train(feature, RANKS, 1);

        assertThat(models)
                .allSatisfy(model ->
                        Bound.assertIdentical(model.params(), models.get(0).params()));
        Bound.assertClose(models.get(0).params(), plain.params(), batches.size());
        double tolerance = plain.params().dataType() == DataType.DOUBLE ? 1e-9 : 1e-5;
        assertThat(models.get(0).score())
                .isCloseTo(plain.score(), within(tolerance * Math.max(1, Math.abs(plain.score()))));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("exactInParts")
    void ranksDoWhatMicroBatchesDo(FeaturesTest.Feature feature) throws Exception {
        Model parts = train(feature, 1, RANKS).get(0);

        List<Model> models = train(feature, RANKS, 1);

        assertThat(models).allSatisfy(model -> Bound.assertIdentical(model.params(), parts.params()));
        assertThat(parts.params()).isNotEqualTo(feature.model().get().params());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refused")
    void isRefusedBeforeTraining(FeaturesTest.Feature feature) throws Exception {
        assertThatThrownBy(() -> train(feature, 2, 1))
                .hasRootCauseInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cannot be trained in parts");
        assertThatThrownBy(() -> train(feature, 1, 2))
                .hasRootCauseInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cannot be trained in parts");

        Model plain = feature.model().get();
        TestModels.plainEpoch(plain, feature.batches().get());
        Bound.assertIdentical(train(feature, 1, 1).get(0).params(), plain.params());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("unusable")
    void whatDeeplearning4jCannotTrainWithFailsTheSameWay(FeaturesTest.Feature feature) {
        Throwable plain = catchThrowable(() ->
                TestModels.plainEpoch(feature.model().get(), feature.batches().get()));

        assertThat(plain).isNotNull();
        assertThatThrownBy(() -> train(feature, 2, 1))
                .rootCause()
                .hasSameClassAs(plain)
                .hasMessage(plain.getMessage());
    }

    private static List<Model> train(FeaturesTest.Feature feature, int ranks, int microBatches)
            throws InterruptedException {
        return Gyre.local(ranks).call(session -> {
            Model model = feature.model().get();
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .microBatches(microBatches)
                    .build()) {
                trainer.fit(ShardedData.of(new BatchList(feature.batches().get()), Sharding.EXAMPLES), 1);
            }
            return model;
        });
    }
}
