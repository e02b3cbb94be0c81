package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import java.util.List;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;

class BatchNormTest {

    private static final DataType TYPE = DataType.DOUBLE;

    /** The layer sees the data directly, so that the means of the shards can be compared with the mean of the whole. */
    private static MultiLayerNetwork normalisedInput() {
        return TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Sgd(0.1), TYPE)
                .list()
                .layer(new BatchNormalization.Builder().decay(0.9).build())
                .layer(TestModels.softmax())
                .setInputType(InputType.feedForward(TestModels.FEATURES))
                .build()));
    }

    @Test
    void runningMeansAreThoseOfAllExamplesForUnevenShardsToo() throws Exception {
        List<DataSet> batches = TestData.batches(TestData.vectors(40, TYPE, 1), 7, 4, 2);
        MultiLayerNetwork alone = normalisedInput();
        batches.forEach(alone::fit);

        List<MultiLayerNetwork> models = Gyre.local(3).call(session -> {
            MultiLayerNetwork model = normalisedInput();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
            }
            return model;
        });

        assertThat(models)
                .allSatisfy(model ->
                        Bound.assertIdentical(model.params(), models.get(0).params()));
        Bound.assertClose(models.get(0).getParam("0_mean"), alone.getParam("0_mean"), batches.size());
    }

    @Test
    void runningVariancesAreTheMeanOfTheShardsVariances() throws Exception {
        DataSet batch = TestData.vectors(7, TYPE, 1);
        INDArray initial = normalisedInput().getParam("0_log10stdev").dup();

        List<MultiLayerNetwork> models = Gyre.local(2).call(session -> {
            MultiLayerNetwork model = normalisedInput();
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(ShardedData.of(TestData.iterator(List.of(batch)), Sharding.EXAMPLES), 1);
            }
            return model;
        });

        // Shards of 4 and 3: the statistics of each alone, weighted by its number of examples.
        INDArray first = logStdAlone((DataSet) batch.getRange(0, 4));
        INDArray second = logStdAlone((DataSet) batch.getRange(4, 7));
        INDArray expected = first.sub(initial)
                .mul(4.0 / 7)
                .add(second.sub(initial).mul(3.0 / 7))
                .add(initial);
        Bound.assertClose(models.get(0).getParam("0_log10stdev"), expected, 1);
    }

    private static INDArray logStdAlone(DataSet shard) {
        MultiLayerNetwork model = normalisedInput();
        model.fit(shard);
        return model.getParam("0_log10stdev");
    }

    @Test
    void replicasOfDeepGraphsStayIdentical() throws Exception {
        List<DataSet> batches = TestData.batches(TestData.images(40, DataType.FLOAT, 1), 9, 2);

        List<ComputationGraph> models = Gyre.local(3).call(session -> {
            ComputationGraph model =
                    TestModels.residual(TestModels.configuration(new Adam(0.01), DataType.FLOAT), true);
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 2);
            }
            return model;
        });

        assertThat(models)
                .allSatisfy(model ->
                        Bound.assertIdentical(model.params(), models.get(0).params()));
    }

    @Test
    void oneRankIsDeeplearning4jBitForBit() throws Exception {
        List<DataSet> batches = TestData.batches(TestData.images(30, DataType.FLOAT, 1), 7, 3);
        ComputationGraph alone = TestModels.residual(TestModels.configuration(new Adam(0.01), DataType.FLOAT), true);
        batches.forEach(alone::fit);
        ComputationGraph model = TestModels.residual(TestModels.configuration(new Adam(0.01), DataType.FLOAT), true);

        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
            }
        });

        Bound.assertIdentical(model.params(), alone.params());
    }
}
