package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

class SharedGradientsTest {

    private static final List<DataSet> BATCHES = TestData.batches(TestData.vectors(12, DataType.FLOAT, 1), 4);

    private static final List<DataSet> IMAGES = TestData.batches(TestData.images(12, DataType.FLOAT, 1), 4);

    @ParameterizedTest
    @EnumSource(
            value = TestNetwork.class,
            names = {"LOCAL", "SHM"})
    void aModelsGradientsAreInABoxWhileATrainerHasItAndInItsOwnMemoryAfterwards(TestNetwork network) throws Exception {
        List<MultiLayerNetwork> models = network.cluster(2).call(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), DataType.FLOAT));
            model.initGradientsView();
            INDArray own = model.getFlattenedGradients();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                INDArray shared = model.getFlattenedGradients();
                assertThat(addressOf(shared)).isNotEqualTo(addressOf(own));
                assertThat(addressOf(model.getLayer(0).getGradientsViewArray())).isEqualTo(addressOf(shared));
                trainer.fitSteps(ShardedData.of(TestData.iterator(BATCHES), Sharding.EXAMPLES), 2);
                assertThat(model.getFlattenedGradients()).isSameAs(shared);
                assertThat(shared.norm1Number().doubleValue()).isPositive();
            }
            assertThat(model.getFlattenedGradients()).isSameAs(own);
            assertThat(addressOf(model.getLayer(0).getGradientsViewArray())).isEqualTo(addressOf(own));
            return model;
        });

        // Their shared memory has been unmapped.
        for (MultiLayerNetwork model : models) {
            INDArray before = model.params().dup();
            model.fit(BATCHES.get(0));
            assertThat(model.params()).isNotEqualTo(before);
        }
        Bound.assertIdentical(models.get(0).params(), models.get(1).params());
    }

    @Test
    void aModelThatOutlivesItsSessionWithoutItsTrainerBeingClosedStillWorks() throws Exception {
        List<ComputationGraph> models = TestNetwork.SHM.cluster(2).call(session -> {
            ComputationGraph model = TestModels.residual(TestModels.configuration(new Sgd(0.1), DataType.FLOAT), true);
            DistributedTrainer trainer = DistributedTrainer.of(model, session);
            trainer.fit(ShardedData.of(TestData.iterator(IMAGES), Sharding.EXAMPLES), 1);
            return model;
        });

        // The trainer that was not closed holds it, until its listener is taken away.
        models.forEach(model -> assertThatThrownBy(() -> model.fit(IMAGES.get(0)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("close the trainer first"));
        models.forEach(model -> {
            model.setListeners();
            model.fit(IMAGES.get(0));
        });

        Bound.assertIdentical(models.get(0).params(), models.get(1).params());
    }

    @Test
    void aModelThatMakesItselfNewGradientsIsMovedAgain() throws Exception {
        List<INDArray> results = TestNetwork.LOCAL.cluster(2).call(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.FLOAT));
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                INDArray shared = model.getFlattenedGradients();
                ShardedData data = ShardedData.of(TestData.iterator(BATCHES), Sharding.EXAMPLES);
                trainer.fitSteps(data, 1);
                model.initGradientsView();
                trainer.fitSteps(data, 2);
                assertThat(model.getFlattenedGradients()).isSameAs(shared);
            }
            return model.params();
        });
        MultiLayerNetwork plain = TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.FLOAT));
        BATCHES.forEach(plain::fit);

        Bound.assertIdentical(results.get(0), results.get(1));
        Bound.assertClose(results.get(0), plain.params(), BATCHES.size());
    }

    private static long addressOf(INDArray array) {
        return array.data().addressPointer().address();
    }
}
