package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.dl4j.learning.Lamb;
import io.gyre.local.LocalCluster;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Ranks that divide the update get the bits that each would compute alone, and share one copy of its state. */
@Timeout(120)
class ShardedUpdateTest {

    private static final DataType TYPE = DataType.FLOAT;

    @TempDir
    private Path directory;

    private record Case(Supplier<Model> model, List<? extends MultiDataSet> batches, int ranks) {

        Case(Supplier<Model> model, List<? extends MultiDataSet> batches) {
            this(model, batches, 2);
        }
    }

    /** What a rank has at the end. */
    private record Result(Model model, INDArray parameters, INDArray updaterState) {

        void assertIdentical(Result expected) {
            Bound.assertIdentical(parameters, expected.parameters);
            assertThat(updaterState == null).isEqualTo(expected.updaterState == null);
            if (updaterState != null) {
                Bound.assertIdentical(updaterState, expected.updaterState);
            }
        }
    }

    private static List<MultiDataSet> multi(List<DataSet> batches) {
        return batches.stream()
                .map(DataSet::toMultiDataSet)
                .map(MultiDataSet.class::cast)
                .toList();
    }

    private static List<MultiDataSet> vectors() {
        return multi(TestData.batches(TestData.vectors(20, TYPE, 1), 8, 8, 4));
    }

    private static List<MultiDataSet> images() {
        return multi(TestData.batches(TestData.images(20, TYPE, 1), 8, 8, 4));
    }

    private static Named<Case> layers(
            String name, int ranks, IUpdater updater, Consumer<NeuralNetConfiguration.Builder> more) {
        return Named.of(
                name,
                new Case(
                        () -> {
                            NeuralNetConfiguration.Builder configuration = TestModels.configuration(updater, TYPE);
                            more.accept(configuration);
                            return TestModels.convolutional(configuration, true);
                        },
                        images(),
                        ranks));
    }

    private static Named<Case> graph(
            String name, int ranks, IUpdater updater, Consumer<NeuralNetConfiguration.Builder> more) {
        return Named.of(
                name,
                new Case(
                        () -> {
                            NeuralNetConfiguration.Builder configuration = TestModels.configuration(updater, TYPE);
                            more.accept(configuration);
                            return TestModels.residual(configuration, true);
                        },
                        images(),
                        ranks));
    }

    static Stream<Named<Case>> cases() {
        return Stream.of(
                layers("layers with SGD and L2", 2, new Sgd(0.1), builder -> builder.l2(0.01)),
                layers("layers with momentum and decay", 3, new Nesterovs(0.1), builder -> builder.weightDecay(0.1)),
                layers(
                        "layers with Adam and a norm for each layer",
                        4,
                        new Adam(0.01),
                        builder -> builder.l1(0.001)
                                .gradientNormalization(GradientNormalization.ClipL2PerLayer)
                                .gradientNormalizationThreshold(0.01)),
                graph(
                        "a graph with Adam, L2 and clipping",
                        3,
                        new Adam(0.01),
                        builder -> builder.l2(0.01)
                                .gradientNormalization(GradientNormalization.ClipElementWiseAbsoluteValue)
                                .gradientNormalizationThreshold(0.001)),
                graph("a graph with momentum", 4, new Nesterovs(0.1), builder -> {}),
                graph("a graph with AdaDelta", 2, new AdaDelta(), builder -> {}));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void givesTheSameBits(Case each) throws Exception {
        Result whole = train(TestNetwork.LOCAL.cluster(each.ranks), each, ShardedUpdate.OFF);
        Result sharded = train(TestNetwork.LOCAL.cluster(each.ranks), each, ShardedUpdate.ON);

        sharded.assertIdentical(whole);
    }

    static Stream<Named<IUpdater>> updaters() {
        return Stream.of(new Nadam(0.01), new AdaMax(0.01), new AMSGrad(0.01), new AdaGrad(0.1), new RmsProp(0.01))
                .map(updater -> Named.of(updater.getClass().getSimpleName(), updater));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("updaters")
    void givesTheSameBitsWithEveryUpdater(IUpdater updater) throws Exception {
        Case each = new Case(() -> TestModels.perceptron(TestModels.configuration(updater, TYPE)), vectors());

        Result sharded = train(TestNetwork.LOCAL.cluster(3), each, ShardedUpdate.ON);

        sharded.assertIdentical(train(TestNetwork.LOCAL.cluster(3), each, ShardedUpdate.OFF));
    }

    static Stream<Named<Case>> features() {
        return FeaturesTest.features()
                .map(feature -> Named.of(
                        feature.getName(),
                        new Case(
                                feature.getPayload().model(),
                                List.copyOf(feature.getPayload().batches().get()))));
    }

    @Tag("long")
    @ParameterizedTest(name = "{0}")
    @MethodSource("features")
    void givesTheSameBitsForEveryKindOfModel(Case each) throws Exception {
        Result sharded = train(TestNetwork.LOCAL.cluster(2), each, ShardedUpdate.ON);

        sharded.assertIdentical(train(TestNetwork.LOCAL.cluster(2), each, ShardedUpdate.OFF));
    }

    @ParameterizedTest
    @EnumSource(
            value = TestNetwork.class,
            names = {"SHM", "UDP"})
    void givesTheSameBitsBetweenProcesses(TestNetwork network) throws Exception {
        Case each = layersWithAdam();

        Result sharded = train(network.cluster(2), each, ShardedUpdate.ON);

        sharded.assertIdentical(train(network.cluster(2), each, ShardedUpdate.OFF));
    }

    @Test
    void ranksOfSeveralHostsDivideTheUpdateOnEach() throws Exception {
        Case each = layersWithAdam();

        Result sharded = train(twoHosts(5, 2), each, ShardedUpdate.ON);

        sharded.assertIdentical(train(twoHosts(5, 2), each, ShardedUpdate.OFF));
    }

    /** Ranks on two hosts, of which the first has so many. */
    private LocalCluster twoHosts(int ranks, int onFirst) throws IOException {
        Path runs = Files.createTempDirectory(directory, "run");
        return LocalCluster.over(
                (worldSize, peerTimeout) -> {
                    String file = runs.resolve("rendezvous").toString();
                    return rank -> AeronSession.join(JoinOptions.builder(rank, worldSize, file)
                            .hostId(rank < onFirst ? "left" : "right")
                            .peerTimeout(peerTimeout)
                            .build());
                },
                ranks);
    }

    private static Case layersWithAdam() {
        return new Case(() -> TestModels.convolutional(TestModels.configuration(new Adam(0.01), TYPE), true), images());
    }

    @Test
    void moreRanksThanParametersGiveTheSameBits() throws Exception {
        Case each = new Case(
                () -> TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(new Adam(0.01), TYPE)
                        .list()
                        .layer(new OutputLayer.Builder(LossFunction.MSE)
                                .activation(Activation.IDENTITY)
                                .nOut(1)
                                .build())
                        .setInputType(InputType.feedForward(1))
                        .build())),
                multi(List.of(
                        new DataSet(TestData.gaussian(TYPE, 1, 8, 1), TestData.gaussian(TYPE, 2, 8, 1)),
                        new DataSet(TestData.gaussian(TYPE, 3, 8, 1), TestData.gaussian(TYPE, 4, 8, 1)))));

        Result sharded = train(TestNetwork.LOCAL.cluster(4), each, ShardedUpdate.ON);

        sharded.assertIdentical(train(TestNetwork.LOCAL.cluster(4), each, ShardedUpdate.OFF));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aNewLearningRateIsUsedAndTheStateStaysShared(boolean graph) throws Exception {
        Case each = graph
                ? new Case(() -> TestModels.residual(TestModels.configuration(new Adam(0.01), TYPE), true), images())
                : layersWithAdam();
        Consumer<Model> halves = model -> model.addListeners(new BaseTrainingListener() {
            @Override
            public void iterationDone(Model trained, int iteration, int epoch) {
                if (trained instanceof ComputationGraph ofVertices) {
                    ofVertices.setLearningRate(0.01 / (iteration + 2));
                } else {
                    ((MultiLayerNetwork) trained).setLearningRate(0.01 / (iteration + 2));
                }
            }
        });

        Result sharded = train(TestNetwork.LOCAL.cluster(3), each, ShardedUpdate.ON, halves);

        sharded.assertIdentical(train(TestNetwork.LOCAL.cluster(3), each, ShardedUpdate.OFF, halves));
    }

    @Test
    void aLearningRateThatWasChangedOnOneRankIsFoundOut() {
        assertThatThrownBy(() -> TestNetwork.LOCAL.cluster(3).run(session -> {
                    MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
                    try (DistributedTrainer trainer =
                            builder(model, session, ShardedUpdate.ON).build()) {
                        trainer.fit(ShardedData.of(new BatchList(vectors()), Sharding.EXAMPLES), 1);
                        if (session.world().rank() == 2) {
                            model.setLearningRate(0.1);
                        }
                        trainer.fit(ShardedData.of(new BatchList(vectors()), Sharding.EXAMPLES), 1);
                    }
                }))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("after step 3 rank 2 (")
                .hasMessageContaining("first in the learning rates at parameter 0_W: 0.01")
                .hasMessageContaining("; 0.1 (3fb999999999999a) on rank 2");
    }

    /** A program may restore a model on rank 0 alone: its state is that of all, whoever shares it. */
    @Test
    void allBeginWithTheUpdaterStateOfRankZero() throws Exception {
        List<INDArray> states = TestNetwork.LOCAL.cluster(3).call(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
            model.getUpdater().getStateViewArray().assign(session.world().rank() + 7);
            try (DistributedTrainer trainer =
                    builder(model, session, ShardedUpdate.ON).build()) {
                assertThat(trainer.step()).isZero();
                assertThat(model.updaterState().getDouble(5)).isEqualTo(7);
            }
            return model.updaterState();
        });

        assertThat(states)
                .allSatisfy(state -> assertThat(state.minNumber().doubleValue())
                        .isEqualTo(state.maxNumber().doubleValue())
                        .isEqualTo(7));
    }

    /** As in a step of Deeplearning4j, a listener finds the update in the gradient vector, and new parameters. */
    @Test
    void listenersOfEveryRankSeeTheWholeUpdate() throws Exception {
        Case each = layersWithAdam();
        List<List<INDArray>> seen = new ArrayList<>();
        for (ShardedUpdate option : List.of(ShardedUpdate.OFF, ShardedUpdate.ON)) {
            List<List<INDArray>> ofRanks = TestNetwork.LOCAL.cluster(2).call(session -> {
                List<INDArray> arrays = new ArrayList<>();
                Model model = each.model().get();
                TrainingListener keeper = new BaseTrainingListener() {
                    @Override
                    public void iterationDone(Model trained, int iteration, int epoch) {
                        arrays.add(((MultiLayerNetwork) trained)
                                .getFlattenedGradients()
                                .dup());
                        arrays.add(trained.params().dup());
                        arrays.add(((MultiLayerNetwork) trained).updaterState().dup());
                    }
                };
                model.addListeners(keeper);
                fit(model, session, each, option);
                return arrays;
            });
            assertThat(ofRanks.get(0)).hasSize(3 * 6);
            seen.addAll(ofRanks);
        }

        for (List<INDArray> ofRank : seen.subList(1, 4)) {
            for (int i = 0; i < ofRank.size(); i++) {
                Bound.assertIdentical(ofRank.get(i), seen.get(0).get(i));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = TestNetwork.class,
            names = {"LOCAL", "SHM"})
    void ranksShareOneCopyOfTheStateAndHaveTheirOwnAfterwards(TestNetwork network) throws Exception {
        List<MultiLayerNetwork> models = network.cluster(2).call(session -> {
            MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
            try (DistributedTrainer trainer =
                    builder(model, session, ShardedUpdate.ON).build()) {
                trainer.fit(ShardedData.of(new BatchList(vectors()), Sharding.EXAMPLES), 1);
                session.exchange("trained", new byte[0]);
                // Nobody reads it in this test: what one rank writes, the other sees.
                if (session.world().isRoot()) {
                    model.updaterState().putScalar(3, 47);
                }
                session.exchange("written", new byte[0]);
                assertThat(model.updaterState().getDouble(3)).isEqualTo(47);
                session.exchange("read", new byte[0]);
            }
            return model;
        });

        models.get(0).updaterState().putScalar(3, 11);
        assertThat(models.get(1).updaterState().getDouble(3)).isEqualTo(47);
        models.forEach(model -> model.fit(TestData.vectors(4, TYPE, 2)));
    }

    /** A rank looks at the sums of which it computes the update, and tells the others. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSumThatIsNotFiniteInOneChunkFailsAllRanksAndNamesItsOrigin(boolean last) {
        assertThatThrownBy(() -> TestNetwork.LOCAL.cluster(3).run(session -> {
                    MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
                    INDArray before = model.params().dup();
                    boolean spoils = session.world().rank() == 1;
                    model.addListeners(new BaseTrainingListener() {
                        @Override
                        public void onGradientCalculation(Model trained) {
                            INDArray gradients = ((MultiLayerNetwork) trained).getFlattenedGradients();
                            if (spoils) {
                                gradients.putScalar(last ? gradients.length() - 1 : 0, Double.NaN);
                            }
                        }
                    });
                    try {
                        fit(model, session, new Case(() -> model, vectors()), ShardedUpdate.ON);
                    } finally {
                        Bound.assertIdentical(model.params(), before);
                    }
                }))
                .hasCauseInstanceOf(NotFiniteException.class)
                .hasMessageContaining("the first are NaN at element "
                        + (last ? "4 of parameter 2_b" : "0 of parameter 0_W") + " on rank 1 (");
    }

    @Test
    void aStepWhoseSumsOverflowInOneChunkIsSkippedByAllRanks() throws Exception {
        Case each = layersWithAdam();
        List<Result> results = new ArrayList<>();
        for (ShardedUpdate option : List.of(ShardedUpdate.OFF, ShardedUpdate.ON)) {
            List<Result> ofRanks = twoHosts(4, 2).call(session -> {
                Model model = each.model().get();
                try (DistributedTrainer trainer =
                        builder(model, session, option).mixedPrecision(true).build()) {
                    FitReport report = trainer.fit(ShardedData.of(new BatchList(each.batches()), Sharding.EXAMPLES), 4);
                    assertThat(report.skippedSteps()).isBetween(1L, report.steps() - 1);
                }
                return result(model);
            });
            ofRanks.forEach(ofRank -> ofRank.assertIdentical(ofRanks.get(0)));
            results.add(ofRanks.get(0));
        }

        results.get(1).assertIdentical(results.get(0));
    }

    @Test
    void checkpointsAreTheSameFilesAndEitherResumesTheOther() throws Exception {
        Case each = layersWithAdam();
        Result straight = train(TestNetwork.LOCAL.cluster(2), each, ShardedUpdate.OFF);
        for (ShardedUpdate first : List.of(ShardedUpdate.OFF, ShardedUpdate.ON)) {
            Path checkpoints = directory.resolve(first.toString());
            ShardedUpdate second = first == ShardedUpdate.ON ? ShardedUpdate.OFF : ShardedUpdate.ON;
            saved(checkpoints, each, first, 1);
            Result resumed = saved(checkpoints, each, second, 2);

            resumed.assertIdentical(straight);
        }

        assertThat(files(directory.resolve("on"))).isEqualTo(files(directory.resolve("off")));
    }

    private static List<String> files(Path checkpoints) throws IOException {
        try (Stream<Path> files = Files.list(checkpoints)) {
            List<String> contents = new ArrayList<>();
            for (Path file : files.sorted().toList()) {
                contents.add(file.getFileName() + " " + Arrays.hashCode(Files.readAllBytes(file)));
            }
            return contents;
        }
    }

    private static Result saved(Path checkpoints, Case each, ShardedUpdate option, int epochs) throws Exception {
        return TestNetwork.LOCAL
                .cluster(2)
                .call(session -> {
                    Model model = each.model().get();
                    try (DistributedTrainer trainer = builder(model, session, option)
                            .checkpointDirectory(checkpoints)
                            .resume(true)
                            .build()) {
                        for (int epoch = 0; epoch < epochs; epoch++) {
                            trainer.fit(ShardedData.of(new BatchList(each.batches()), Sharding.EXAMPLES), 1);
                        }
                    }
                    return result(model);
                })
                .get(0);
    }

    @Test
    void anUpdateThatNeedsWholeParametersStaysWholeAndSaysSoOnce() throws Exception {
        Case each = new Case(
                () -> TestModels.perceptron(
                        TestModels.configuration(new Lamb(0.01), TYPE).regularization(Lamb.trustRatio(0.01))),
                vectors());
        try (LogLines log = new LogLines()) {
            Result asked = train(TestNetwork.LOCAL.cluster(3), each, ShardedUpdate.ON);

            assertThat(log.with("updates all parameters"))
                    .singleElement()
                    .asString()
                    .contains("LambUpdater");
            asked.assertIdentical(train(TestNetwork.LOCAL.cluster(3), each, ShardedUpdate.OFF));
        }
    }

    @Test
    void aSmallModelIsUpdatedByEveryRankUnlessItIsAskedFor() {
        long least = UpdateShards.LEAST_ELEMENTS;

        assertThat(UpdateShards.reason(ShardedUpdate.AUTO, "", least - 1, 2))
                .isEqualTo("they are 1048575, and ranks divide them from 1048576 on");
        assertThat(UpdateShards.reason(ShardedUpdate.AUTO, "", least, 2)).isEmpty();
        assertThat(UpdateShards.reason(ShardedUpdate.AUTO, "", least, 1)).contains("no other rank");
        assertThat(UpdateShards.reason(ShardedUpdate.ON, "", 1, 2)).isEmpty();
        assertThat(UpdateShards.reason(ShardedUpdate.OFF, "", least, 2)).isEqualTo("as requested");
        assertThat(UpdateShards.reason(ShardedUpdate.AUTO, "an obstacle", least, 2))
                .isEqualTo("an obstacle");
    }

    private static Result train(LocalCluster cluster, Case each, ShardedUpdate option) throws InterruptedException {
        return train(cluster, each, option, model -> {});
    }

    /** The result of rank 0, after comparison with those of the others. */
    private static Result train(LocalCluster cluster, Case each, ShardedUpdate option, Consumer<Model> prepare)
            throws InterruptedException {
        List<Result> results = cluster.call(session -> {
            Model model = each.model().get();
            prepare.accept(model);
            fit(model, session, each, option);
            return result(model);
        });
        results.forEach(ofRank -> ofRank.assertIdentical(results.get(0)));
        return results.get(0);
    }

    private static Result result(Model model) {
        INDArray state = Network.of(model).updater().getStateViewArray();
        return new Result(model, model.params(), state);
    }

    private static void fit(Model model, Session session, Case each, ShardedUpdate option) {
        try (DistributedTrainer trainer = builder(model, session, option).build()) {
            trainer.fit(ShardedData.of(new BatchList(each.batches()), Sharding.EXAMPLES), 2);
        }
    }

    private static TrainerBuilder builder(Model model, Session session, ShardedUpdate option) {
        return DistributedTrainer.builder(model, session).shardedUpdate(option);
    }
}
