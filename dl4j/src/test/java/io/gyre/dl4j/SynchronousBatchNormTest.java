package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.network.Collective;
import io.gyre.paramserver.ParameterService;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;

/** With the statistics of all ranks, N ranks equal one process with the whole batch. */
@Timeout(300)
class SynchronousBatchNormTest {

    /** Normalisation divides rounding errors by a deviation, which is small in the smallest batches. */
    private static final double TOLERANCE = 1e-12;

    private static final Map<String, INDArray> EXPECTED = new ConcurrentHashMap<>();

    @TempDir
    Path directory;

    static Stream<Arguments> cases() {
        return Stream.of(NormalisedModels.values())
                .flatMap(kind -> Stream.of(2, 3, 4).map(ranks -> Arguments.of(TestNetwork.LOCAL, kind, ranks)));
    }

    static Stream<Arguments> networks() {
        return Stream.of(
                Arguments.of(TestNetwork.SHM, NormalisedModels.RESIDUAL_GRAPH, 2),
                Arguments.of(TestNetwork.UDP, NormalisedModels.RESIDUAL_GRAPH, 3));
    }

    @ParameterizedTest(name = "{1}, {2} ranks, {0}")
    @MethodSource({"cases", "networks"})
    void ranksTogetherAreOneProcessWithTheWholeBatch(TestNetwork network, NormalisedModels kind, int ranks)
            throws Exception {
        IUpdater updater = new Nesterovs(0.05, 0.9);
        INDArray expected = EXPECTED.computeIfAbsent(
                kind.name(),
                key -> kind.plainlyTrained(updater, DataType.DOUBLE).params());

        INDArray parameters = train(
                network.cluster(ranks),
                kind,
                updater,
                DataType.DOUBLE,
                builder ->
                        builder.overlap(ranks == 3 ? Overlap.ON : Overlap.OFF).bucketBytes(200));

        assertThat(difference(parameters, expected)).isLessThan(TOLERANCE);
    }

    /** Running statistics are parameters, and so part of the above; they differ where the option is off. */
    @Test
    void withoutTheOptionRanksUseTheStatisticsOfTheirPart() throws Exception {
        IUpdater updater = new Sgd(0.1);
        INDArray whole = NormalisedModels.PERCEPTRON
                .plainlyTrained(updater, DataType.DOUBLE)
                .params();

        INDArray parameters = train(
                Gyre.local(2),
                NormalisedModels.PERCEPTRON,
                updater,
                DataType.DOUBLE,
                builder -> builder.synchronousBatchNorm(false));

        assertThat(difference(parameters, whole)).isGreaterThan(1e-3);
    }

    @ParameterizedTest
    @EnumSource(
            value = NormalisedModels.class,
            names = {"PERCEPTRON", "CHANNELS_FIRST", "RESIDUAL_GRAPH"})
    void overlapDoesNotChangeABitInFloatEither(NormalisedModels kind) throws Exception {
        IUpdater updater = TestModels.steadyAdam(0.01);

        INDArray after = train(
                Gyre.local(3),
                kind,
                updater,
                DataType.FLOAT,
                builder -> builder.overlap(Overlap.OFF).bucketBytes(200));
        INDArray during = train(
                Gyre.local(3),
                kind,
                updater,
                DataType.FLOAT,
                builder -> builder.overlap(Overlap.ON).bucketBytes(200));

        Bound.assertIdentical(during, after);
        assertThat(difference(
                        after, kind.plainlyTrained(updater, DataType.FLOAT).params()))
                .isLessThan(1e-3);
    }

    @Test
    void oneRankIsDeeplearning4jBitForBit() throws Exception {
        IUpdater updater = TestModels.steadyAdam(0.01);

        INDArray parameters =
                train(Gyre.local(1), NormalisedModels.RESIDUAL_GRAPH, updater, DataType.FLOAT, builder -> builder);

        Bound.assertIdentical(
                parameters,
                NormalisedModels.RESIDUAL_GRAPH
                        .plainlyTrained(updater, DataType.FLOAT)
                        .params());
    }

    @Test
    void aModelWithoutBatchNormIsTrainedAsWithoutTheOption() throws Exception {
        List<DataSet> batches = TestData.batches(TestData.vectors(20, DataType.FLOAT, 1), 7);
        List<INDArray> results = new ArrayList<>();
        for (boolean synchronous : new boolean[] {false, true}) {
            results.addAll(Gyre.local(2).call(session -> {
                MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Sgd(0.1), DataType.FLOAT));
                try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                        .synchronousBatchNorm(synchronous)
                        .build()) {
                    trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
                }
                return model.params();
            }));
        }

        assertThat(results).allSatisfy(each -> Bound.assertIdentical(each, results.get(0)));
    }

    @Test
    void theGradientIsTheSlopeOfTheLossOfTheWholeBatch() throws Exception {
        NormalisedModels kind = NormalisedModels.PERCEPTRON;
        DataSet batch = kind.examples(7, DataType.DOUBLE);
        MultiLayerNetwork before = (MultiLayerNetwork) kind.model(new Sgd(1), DataType.DOUBLE);
        INDArray start = before.params().dup();

        List<INDArray> after = Gyre.local(3).call(session -> {
            Model model = kind.model(new Sgd(1), DataType.DOUBLE);
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .synchronousBatchNorm(true)
                    .build()) {
                trainer.fit(ShardedData.of(TestData.iterator(List.of(batch)), Sharding.EXAMPLES), 1);
            }
            return model.params().dup();
        });

        Network network = Network.of(before);
        ModelLayout layout = new ModelLayout(network);
        double step = 1e-6;
        int checked = 0;
        for (long element = 0; element < start.length(); element += 31) {
            if (layout.nameOf(element).contains("mean")
                    || layout.nameOf(element).contains("log10stdev")) {
                continue;
            }
            double slope = (loss(before, start, element, step, batch) - loss(before, start, element, -step, batch))
                    / (2 * step);
            assertThat(start.getDouble(element) - after.get(0).getDouble(element))
                    .as(layout.nameOf(element))
                    .isCloseTo(slope, Offset.offset(1e-6));
            checked++;
        }
        assertThat(checked).isGreaterThan(5);
    }

    /** In training mode, and so with the statistics of the batch. */
    private static double loss(MultiLayerNetwork model, INDArray start, long element, double shift, DataSet batch) {
        INDArray shifted = start.dup();
        shifted.putScalar(element, start.getDouble(element) + shift);
        model.setParams(shifted);
        return model.score(batch, true);
    }

    @Test
    void aGroupOfHybridSharesItsStatistics() throws Exception {
        List<DataSet> batches = NormalisedModels.PERCEPTRON.batches(DataType.DOUBLE);
        List<INDArray> parameters = Gyre.local(2).call(session -> {
            MultiLayerNetwork model = NormalisedModels.perceptron();
            try (ParameterService service =
                            ParameterService.builder(session).groups(1).start();
                    Collective group = Collectives.choose(service.group().endpoint());
                    DistributedTrainer trainer = DistributedTrainer.builder(model, service.workers())
                            .strategy(Strategies.hybridElastic(model, service, group, 1))
                            .synchronousBatchNorm(true)
                            .build()) {
                trainer.fit(ShardedData.of(TestData.iterator(batches), Sharding.EXAMPLES), 1);
            }
            return model.params();
        });

        assertThat(difference(
                        parameters.get(0),
                        NormalisedModels.PERCEPTRON
                                .plainlyTrained(new Sgd(0.1), DataType.DOUBLE)
                                .params()))
                .isLessThan(TOLERANCE);
    }

    @Test
    void aResumedRunEndsWithTheSameBits() throws Exception {
        IUpdater updater = TestModels.steadyAdam(0.01);
        NormalisedModels kind = NormalisedModels.RESIDUAL_GRAPH;
        INDArray whole = fit(kind, updater, 2, builder -> builder);

        INDArray half = fit(kind, updater, 1, builder -> builder.checkpointDirectory(directory));
        INDArray resumed = fit(
                kind,
                updater,
                2,
                builder -> builder.checkpointDirectory(directory).resume(true));

        Bound.assertIdentical(resumed, whole);
        assertThat(difference(half, whole)).isGreaterThan(1e-3);
    }

    private static INDArray fit(
            NormalisedModels kind, IUpdater updater, int epochs, UnaryOperator<TrainerBuilder> options)
            throws InterruptedException {
        return Gyre.local(2)
                .call(session -> {
                    Model model = kind.model(updater, DataType.FLOAT);
                    try (DistributedTrainer trainer = options.apply(DistributedTrainer.builder(model, session))
                            .synchronousBatchNorm(true)
                            .build()) {
                        trainer.fit(
                                ShardedData.of(TestData.iterator(kind.batches(DataType.FLOAT)), Sharding.EXAMPLES),
                                epochs);
                    }
                    return model.params().dup();
                })
                .get(0);
    }

    /** Also in the middle of a pass, between its halves. */
    @Test
    void listenersFindTheModelsOwnLayersAndInferenceAsItIs() throws Exception {
        DataSet examples = NormalisedModels.PERCEPTRON.examples(6, DataType.DOUBLE);
        List<MultiLayerNetwork> models = Gyre.local(2).call(session -> {
            MultiLayerNetwork model = NormalisedModels.perceptron();
            Layer[] own = model.getLayers().clone();
            List<INDArray> outputs = new ArrayList<>();
            model.addListeners(new BaseTrainingListener() {
                @Override
                public void onForwardPass(Model of, List<INDArray> activations) {
                    assertThat(model.getLayers()).containsExactly(own);
                }

                @Override
                public void iterationDone(Model of, int iteration, int epoch) {
                    assertThat(model.getLayers()).containsExactly(own);
                    assertThat(own)
                            .allSatisfy(layer -> assertThat(layer.getHelper()).isNull());
                    outputs.add(model.output(examples.getFeatures(), false).dup());
                }
            });
            try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                    .synchronousBatchNorm(true)
                    .build()) {
                trainer.fitSteps(
                        ShardedData.of(
                                TestData.iterator(NormalisedModels.PERCEPTRON.batches(DataType.DOUBLE)),
                                Sharding.EXAMPLES),
                        1);
            }
            assertThat(outputs).hasSize(1);
            Bound.assertIdentical(outputs.get(0), model.clone().output(examples.getFeatures(), false));
            return model;
        });

        assertThat(configuration(models.get(0))).isEqualTo(configuration(NormalisedModels.perceptron()));
    }

    /** Without the counters of steps. */
    private static String configuration(MultiLayerNetwork model) {
        return model.getLayerWiseConfigurations().toJson().replaceAll("\"iterationCount\" : \\d+", "");
    }

    /** Parameters of rank 0, after comparison with those of the others. */
    private static INDArray train(
            LocalCluster cluster,
            NormalisedModels kind,
            IUpdater updater,
            DataType type,
            UnaryOperator<TrainerBuilder> options)
            throws InterruptedException {
        List<INDArray> parameters = cluster.call(session -> {
            Model model = kind.model(updater, type);
            TrainerBuilder builder = DistributedTrainer.builder(model, session).synchronousBatchNorm(true);
            try (DistributedTrainer trainer = options.apply(builder).build()) {
                trainer.fit(ShardedData.of(TestData.iterator(kind.batches(type)), Sharding.EXAMPLES), 1);
            }
            return model.params().dup();
        });
        parameters.forEach(ofRank -> Bound.assertIdentical(ofRank, parameters.get(0)));
        return parameters.get(0);
    }

    private static double difference(INDArray actual, INDArray expected) {
        return actual.castTo(DataType.DOUBLE)
                .sub(expected.castTo(DataType.DOUBLE))
                .amaxNumber()
                .doubleValue();
    }
}
