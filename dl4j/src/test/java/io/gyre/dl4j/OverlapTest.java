package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.PeerLostException;
import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Gradients exchanged during the backward pass are bit-identical to those exchanged after it. */
class OverlapTest {

    private static final DataType TYPE = DataType.FLOAT;

    /** Several buckets even for the smallest model, and layers that are split. */
    private static final long BUCKET_BYTES = 200;

    private record Case(Supplier<Model> model, List<? extends MultiDataSet> batches) {}

    static Stream<Named<Case>> cases() {
        List<MultiDataSet> images = multi(TestData.batches(TestData.images(22, TYPE, 1), 9, 9, 4));
        List<MultiDataSet> vectors = multi(TestData.batches(TestData.vectors(14, TYPE, 1), 6, 6, 2));
        return Stream.concat(
                Stream.of(
                        Named.of(
                                "perceptron",
                                new Case(
                                        () -> TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE)
                                                .l2(0.01)),
                                        vectors)),
                        Named.of(
                                "convolutions with BatchNorm",
                                new Case(
                                        () -> TestModels.convolutional(
                                                TestModels.configuration(new Adam(0.01), TYPE), true),
                                        images)),
                        Named.of(
                                "residual graph with BatchNorm",
                                new Case(
                                        () -> TestModels.residual(TestModels.configuration(new Adam(0.01), TYPE), true),
                                        images)),
                        Named.of("recurrent layers", new Case(OverlapTest::recurrent, multi(sequences())))),
                FeaturesTest.features()
                        .map(feature -> Named.of(
                                feature.getName(),
                                new Case(
                                        feature.getPayload().model(),
                                        List.copyOf(
                                                feature.getPayload().batches().get())))));
    }

    private static List<MultiDataSet> multi(List<DataSet> batches) {
        return batches.stream()
                .map(DataSet::toMultiDataSet)
                .map(MultiDataSet.class::cast)
                .toList();
    }

    private static Model recurrent() {
        return TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Adam(0.01), TYPE)
                .list()
                .layer(new LSTM.Builder().nOut(6).build())
                .layer(new Bidirectional(new LSTM.Builder().nOut(4).build()))
                .layer(new RnnOutputLayer.Builder(LossFunction.MSE)
                        .activation(Activation.IDENTITY)
                        .nOut(2)
                        .build())
                .setInputType(InputType.recurrent(3))
                .build()));
    }

    private static List<DataSet> sequences() {
        List<DataSet> batches = new ArrayList<>();
        for (int seed = 1; seed <= 3; seed++) {
            batches.add(
                    new DataSet(TestData.gaussian(TYPE, seed, 5, 3, 7), TestData.gaussian(TYPE, 10 + seed, 5, 2, 7)));
        }
        return batches;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void givesTheSameBits(Case each) throws Exception {
        INDArray after = train(Gyre.local(3), each, Overlap.OFF);
        INDArray during = train(Gyre.local(3), each, Overlap.ON);

        Bound.assertIdentical(during, after);
    }

    @ParameterizedTest
    @EnumSource(
            value = TestNetwork.class,
            names = {"SHM", "UDP"})
    void givesTheSameBitsBetweenProcesses(TestNetwork network) throws Exception {
        Case each = new Case(
                () -> TestModels.residual(TestModels.configuration(new Adam(0.01), TYPE), true),
                TestData.batches(TestData.images(26, TYPE, 1), 9, 9, 8).stream()
                        .map(DataSet::toMultiDataSet)
                        .toList());

        INDArray after = train(network.cluster(2), each, Overlap.OFF);
        INDArray during = train(network.cluster(2), each, Overlap.ON);

        Bound.assertIdentical(during, after);
    }

    /** Parameters of rank 0, after comparison with those of the others. */
    private static INDArray train(LocalCluster cluster, Case each, Overlap overlap) throws InterruptedException {
        List<INDArray> parameters = cluster.call(session -> {
            Model model = each.model().get();
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .overlap(overlap)
                    .bucketBytes(BUCKET_BYTES)
                    .build()) {
                FitReport report = trainer.fit(ShardedData.of(new BatchList(each.batches()), Sharding.EXAMPLES), 2);
                assertThat(report.exchange().exchangeMs()).isPositive();
                assertThat(report.exchange().exposedMs()).isPositive();
            }
            return model.params();
        });
        parameters.forEach(ofRank -> Bound.assertIdentical(ofRank, parameters.get(0)));
        return parameters.get(0);
    }

    @Test
    void layersTellBeforeThePassHasEndedAndAreTheModelsOwnAfterwards() {
        MultiLayerNetwork model = TestModels.convolutional(TestModels.configuration(new Adam(0.01), TYPE), true);
        Layer[] before = model.getLayers().clone();

        assertThat(offsetsTold(model, TestData.images(4, TYPE, 1)))
                .startsWith(model.numParams() - model.getLayer(5).numParams())
                .contains(model.numParams()
                        - model.getLayer(5).numParams()
                        - model.getLayer(4).numParams())
                .endsWith(0L);

        assertThat(model.getLayers()).containsExactly(before);
    }

    @Test
    void verticesTellBeforeThePassHasEndedAndAreTheModelsOwnAfterwards() {
        ComputationGraph model = TestModels.residual(TestModels.configuration(new Adam(0.01), TYPE), true);
        GraphVertex[] before = model.getVertices().clone();

        assertThat(offsetsTold(model, TestData.images(4, TYPE, 1)))
                .startsWith(model.numParams() - model.getLayer("out").numParams())
                .endsWith(0L);

        for (int i = 0; i < before.length; i++) {
            assertThat(model.getVertices()[i]).isSameAs(before[i]);
        }
    }

    /** Offsets reported in a pass, without repetitions. */
    private static List<Long> offsetsTold(Model model, DataSet batch) {
        List<Long> offsets = new ArrayList<>();
        Replica replica = TestModels.replica(model, BUCKET_BYTES);
        FinalityCheck check =
                new FinalityCheck(replica.gradients(), replica.elementType().bytes(), replica::fetch);
        replica.backward(batch.toMultiDataSet(), offset -> {
            check.completeFrom(offset);
            if (offsets.isEmpty() || offsets.get(offsets.size() - 1) != offset) {
                offsets.add(offset);
            }
        });
        assertThat(check.objection()).isEmpty();
        return offsets;
    }

    @Test
    void gradientsThatChangeAfterTheyWereCalledCompleteAreNoticed() {
        Region gradients = Region.allocate("gradients", 40);
        FinalityCheck check = new FinalityCheck(gradients, Float.BYTES, (offset, length) -> {});

        check.completeFrom(7);
        check.completeFrom(4);
        gradients.putFloat(5 * Float.BYTES, 1);

        assertThat(check.objection()).isEqualTo("gradients 4 to 7 changed after they should have been complete");
    }

    @Test
    void aModelThatTellsNothingIsNoticed() {
        FinalityCheck check = new FinalityCheck(Region.allocate("gradients", 40), Float.BYTES, (offset, length) -> {});

        assertThat(check.objection()).isEqualTo("no layer reported when its gradients were complete");
    }

    @Test
    void aRankThatFailsInItsPassEndsTheOthersWaitWithItsName() {
        ConcurrentLinkedQueue<Throwable> ofOthers = new ConcurrentLinkedQueue<>();

        assertThatThrownBy(() -> Gyre.local(3).run(session -> {
                    MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
                    if (session.world().rank() == 1) {
                        model.addListeners(new FailsInSecondPass());
                    }
                    try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .overlap(Overlap.ON)
                            .bucketBytes(BUCKET_BYTES)
                            .build()) {
                        trainer.fit(
                                ShardedData.of(
                                        TestData.iterator(TestData.batches(TestData.vectors(18, TYPE, 1), 6, 6, 6)),
                                        Sharding.EXAMPLES),
                                1);
                    } catch (PeerLostException e) {
                        ofOthers.add(e);
                        throw e;
                    }
                }))
                .hasStackTraceContaining("the listener has had enough");

        assertThat(ofOthers).hasSize(2).allSatisfy(lost -> assertThat(lost).hasMessageContaining("rank 1"));
    }

    private static final class FailsInSecondPass extends BaseTrainingListener {
        private int passes;

        @Override
        public void onGradientCalculation(Model model) {
            passes++;
            if (passes == 2) {
                throw new IllegalStateException("the listener has had enough");
            }
        }
    }
}
