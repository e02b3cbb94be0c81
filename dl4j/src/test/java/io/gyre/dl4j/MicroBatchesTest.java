package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;

/** One rank with N micro-batches equals N ranks bit for bit, because gradients are summed in rank order. */
class MicroBatchesTest {

    private static final DataType TYPE = DataType.FLOAT;

    /** Several buckets even for the smallest model, and layers that are split. */
    private static final long BUCKET_BYTES = 200;

    private static final int EPOCHS = 2;

    private record Case(Supplier<Model> model, List<MultiDataSet> batches) {}

    static Stream<Named<Case>> cases() {
        // Divided evenly and not, and with fewer examples than ranks.
        List<MultiDataSet> images = multi(TestData.batches(TestData.images(33, TYPE, 1), 12, 10, 3, 1, 7));
        List<MultiDataSet> vectors = multi(TestData.batches(TestData.vectors(33, TYPE, 1), 12, 10, 3, 1, 7));
        return Stream.of(
                Named.of(
                        "perceptron with dropout and l2",
                        new Case(
                                () -> TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE)
                                        .l2(0.01)
                                        .dropOut(0.7)),
                                vectors)),
                Named.of(
                        "convolutions with BatchNorm",
                        new Case(
                                () -> TestModels.convolutional(TestModels.configuration(new Adam(0.01), TYPE), true),
                                images)),
                Named.of(
                        "residual graph with BatchNorm",
                        new Case(
                                () -> TestModels.residual(TestModels.configuration(new Adam(0.01), TYPE), true),
                                images)));
    }

    private static List<MultiDataSet> multi(List<DataSet> batches) {
        return batches.stream()
                .map(DataSet::toMultiDataSet)
                .map(MultiDataSet.class::cast)
                .toList();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void oneRankHasTheBitsOfFour(Case each) throws Exception {
        INDArray four = train(TestNetwork.SHM.cluster(4), each, 1, Overlap.OFF);
        INDArray one = train(Gyre.local(1), each, 4, Overlap.OFF);

        Bound.assertIdentical(one, four);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void theLastPassMayBeOverlapped(Case each) throws Exception {
        INDArray after = train(Gyre.local(2), each, 3, Overlap.OFF);
        INDArray during = train(Gyre.local(2), each, 3, Overlap.ON);

        Bound.assertIdentical(during, after);
    }

    @ParameterizedTest
    @EnumSource(Overlap.class)
    void theStepIsThatOfTheWholeBatch(Overlap overlap) throws Exception {
        List<DataSet> batches = TestData.batches(TestData.vectors(40, DataType.DOUBLE, 1), 17, 5, 18);
        Supplier<Model> model =
                () -> TestModels.perceptron(TestModels.configuration(TestModels.steadyAdam(0.01), DataType.DOUBLE));
        Model plain = model.get();
        for (int epoch = 0; epoch < EPOCHS; epoch++) {
            batches.forEach(batch -> TestModels.plainFit(plain, batch));
        }

        INDArray parts = train(Gyre.local(2), new Case(model, multi(batches)), 4, overlap);

        Bound.assertClose(parts, plain.params(), EPOCHS * batches.size());
    }

    @Test
    void listenersSeeOneIterationOfSeveralPasses() throws Exception {
        List<Double> scores = new ArrayList<>();
        List<Integer> passes = new ArrayList<>();
        MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
        double whole = model.score(TestData.vectors(12, TYPE, 1), true);
        model.setListeners(new BaseTrainingListener() {
            @Override
            public void iterationDone(Model of, int iteration, int epoch) {
                scores.add(of.score());
            }

            @Override
            public void onGradientCalculation(Model of) {
                passes.add(1);
            }
        });

        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer =
                    DistributedTrainer.builder(model, session).microBatches(3).build()) {
                trainer.fitSteps(
                        ShardedData.of(new BatchList(multi(List.of(TestData.vectors(12, TYPE, 1)))), Sharding.EXAMPLES),
                        1);
            }
        });

        assertThat(passes).hasSize(3);
        assertThat(scores).hasSize(1);
        assertThat(scores.get(0)).isCloseTo(whole, Offset.offset(1e-6));
    }

    /** Parameters of rank 0, after comparison with those of the others. */
    private static INDArray train(LocalCluster cluster, Case each, int microBatches, Overlap overlap)
            throws InterruptedException {
        List<INDArray> parameters = cluster.call(session -> {
            Model model = each.model().get();
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .overlap(overlap)
                    .microBatches(microBatches)
                    .bucketBytes(BUCKET_BYTES)
                    .build()) {
                trainer.fit(ShardedData.of(new BatchList(each.batches()), Sharding.EXAMPLES), EPOCHS);
            }
            return model.params();
        });
        parameters.forEach(ofRank -> Bound.assertIdentical(ofRank, parameters.get(0)));
        return parameters.get(0);
    }
}
