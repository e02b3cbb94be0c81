package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.Chunk;
import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.local.LocalCluster;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.session.Session;
import io.gyre.training.Bucket;
import io.gyre.training.StepObserver;
import io.gyre.training.StepPhase;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.LocallyConnected2D;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.listeners.CollectScoresIterationListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.schedule.ISchedule;

/** During fit the ranks of a host have one copy of the parameters; nobody can tell by the results. */
@Timeout(120)
class SharedParametersTest {

    private static final DataType TYPE = DataType.FLOAT;

    @TempDir
    private Path directory;

    private static Model model(boolean graph) {
        return graph
                ? TestModels.residual(
                        TestModels.configuration(new Nesterovs(0.1), TYPE).l2(0.01), true)
                : TestModels.convolutional(TestModels.configuration(new Adam(0.01), TYPE), true);
    }

    private static List<MultiDataSet> images() {
        return TestData.batches(TestData.images(20, TYPE, 1), 8, 8, 4).stream()
                .map(DataSet::toMultiDataSet)
                .map(MultiDataSet.class::cast)
                .toList();
    }

    private static ShardedData data() {
        return ShardedData.of(new BatchList(images()), Sharding.EXAMPLES);
    }

    private static TrainerBuilder builder(Model model, Session session, ShardedUpdate option) {
        return DistributedTrainer.builder(model, session).shardedUpdate(option);
    }

    private static long address(INDArray array) {
        return array.data().addressPointer().address();
    }

    private static INDArray state(Model model) {
        return Network.of(model).updater().getStateViewArray();
    }

    private static INDArray weights(Model model) {
        return Network.of(model)
                .trainables()
                .values()
                .iterator()
                .next()
                .paramTable(false)
                .get("W");
    }

    /** Ranks on two hosts, of which the first has so many. */
    private LocalCluster hosts(int ranks, int onFirst) throws IOException {
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

    @ParameterizedTest
    @CsvSource({"LOCAL, false", "LOCAL, true", "SHM, false"})
    void duringFitOneRankSeesWhatAnotherWritesAndAfterwardsEachHasItsOwnMemory(TestNetwork network, boolean graph)
            throws Exception {
        AtomicInteger seen = new AtomicInteger();
        AtomicInteger reductions = new AtomicInteger();
        List<Model> models = network.cluster(3).call(session -> {
            Model model = model(graph);
            INDArray ofLayer = weights(model);
            long own = address(model.params());
            long ownOfLayer = address(ofLayer);
            ProgressListener writer = (step, epoch, summary) -> {
                assertThat(address(model.params())).isNotEqualTo(own);
                session.exchange("stepped " + step, new byte[0]);
                float before = ofLayer.getFloat(0);
                session.exchange("read " + step, new byte[0]);
                if (session.world().isRoot()) {
                    ofLayer.putScalar(0, 47);
                }
                session.exchange("written " + step, new byte[0]);
                seen.addAndGet(
                        ofLayer.getFloat(0) == 47 && model.params().maxNumber().floatValue() == 47 ? 1 : 0);
                session.exchange("compared " + step, new byte[0]);
                ofLayer.putScalar(0, before);
                session.exchange("restored " + step, new byte[0]);
            };
            try (DistributedTrainer trainer = builder(model, session, ShardedUpdate.ON)
                    .progressListener(writer)
                    .bucketBytes(700)
                    .observer(new StepObserver() {
                        @Override
                        public void bucketReduced(long step, Bucket bucket, long beginNanos, long endNanos) {
                            reductions.addAndGet(bucket.length() == model.numParams() ? 1 : 1000);
                        }
                    })
                    .build()) {
                assertThat(address(model.params())).isEqualTo(own);
                trainer.fit(data(), 1);
                assertThat(address(model.params())).isEqualTo(own);
                assertThat(weights(model)).isSameAs(ofLayer);
                assertThat(address(ofLayer)).isEqualTo(ownOfLayer);
            }
            return model;
        });

        assertThat(seen).hasValue(3 * 3);
        assertThat(reductions)
                .as("one for all gradients in each step, and in that which finds the end of the data")
                .hasValue(3 * (3 + 1));
        models.forEach(
                each -> Bound.assertIdentical(each.params(), models.get(0).params()));
        models.get(0).params().putScalar(5, 11);
        assertThat(models.get(1).params().getDouble(5)).isNotEqualTo(11);
        models.forEach(each -> TestModels.plainFit(each, TestData.images(4, TYPE, 2)));
    }

    /** All that a program can look at, in the order in which it comes. */
    private static final class Seen {
        private final List<INDArray> arrays = new ArrayList<>();
        private final List<String> texts = new ArrayList<>();

        void model(Model model) {
            arrays.add(model.params().dup());
            arrays.add(Network.of(model).gradients().dup());
            arrays.add(state(model).dup());
        }

        void assertIdentical(Seen expected) {
            assertThat(texts).isEqualTo(expected.texts);
            assertThat(arrays).hasSameSizeAs(expected.arrays);
            for (int i = 0; i < arrays.size(); i++) {
                Bound.assertIdentical(arrays.get(i), expected.arrays.get(i));
            }
        }
    }

    private static TrainingListener keeper(Seen seen) {
        return new BaseTrainingListener() {
            @Override
            public void iterationDone(Model trained, int iteration, int epoch) {
                seen.model(trained);
                trained.params().muli(0.5);
            }
        };
    }

    private List<Seen> severalCalls(LocalCluster cluster, boolean graph, ShardedUpdate option, Overlap overlap)
            throws Exception {
        Path files = Files.createTempDirectory(directory, "files");
        return cluster.call(session -> {
            Model model = model(graph);
            Seen seen = new Seen();
            try (DistributedTrainer trainer = builder(model, session, option)
                    .overlap(overlap)
                    .bucketBytes(700)
                    .checkpointDirectory(files)
                    .checkpointEverySteps(2)
                    .keepCheckpoints(100)
                    .build()) {
                trainer.fit(data(), 2);
                seen.model(model);
                seen.texts.add(trainer.evaluate(data()).stats());
                trainer.exportModel(files.resolve("exported.zip"));
                trainer.fit(images().get(0));
                trainer.fitSteps(data(), 2);
                seen.model(model);
                model.addListeners(new ScoreIterationListener(1), new CollectScoresIterationListener());
                trainer.fit(data(), 1);
                seen.model(model);
                model.addListeners(keeper(seen));
                trainer.fit(data(), 1);
                seen.model(model);
                model.setListeners();
                trainer.fit(data(), 1);
                seen.model(model);
            }
            seen.model(model);
            if (session.world().isRoot()) {
                for (Path each : paths(files)) {
                    seen.texts.add(each.getFileName() + " " + Arrays.hashCode(Files.readAllBytes(each)));
                }
            }
            return seen;
        });
    }

    private static List<Path> paths(Path files) throws IOException {
        try (var all = Files.list(files)) {
            return all.filter(each -> !each.toString().endsWith(".zip"))
                    .sorted()
                    .toList();
        }
    }

    @ParameterizedTest
    @CsvSource({"false, 2, OFF", "true, 2, OFF", "false, 3, OFF", "true, 4, ON", "false, 2, ON"})
    void nothingThatAProgramCanLookAtDiffers(boolean graph, int ranks, Overlap overlap) throws Exception {
        List<Seen> whole = severalCalls(TestNetwork.LOCAL.cluster(ranks), graph, ShardedUpdate.OFF, overlap);
        List<Seen> shared = severalCalls(TestNetwork.LOCAL.cluster(ranks), graph, ShardedUpdate.ON, overlap);

        for (int rank = 0; rank < ranks; rank++) {
            shared.get(rank).assertIdentical(whole.get(rank));
        }
    }

    @ParameterizedTest
    @CsvSource({"5, 2", "3, 2"})
    void norOnSeveralHostsOfWhichOneMayHaveASingleRank(int ranks, int onFirst) throws Exception {
        List<Seen> whole = severalCalls(hosts(ranks, onFirst), false, ShardedUpdate.OFF, Overlap.AUTO);
        List<Seen> shared = severalCalls(hosts(ranks, onFirst), false, ShardedUpdate.ON, Overlap.AUTO);

        for (int rank = 0; rank < ranks; rank++) {
            shared.get(rank).assertIdentical(whole.get(rank));
        }
    }

    @Test
    void layersThatAreClippedNeedTheSumsOfAllRanks() throws Exception {
        List<INDArray> results = new ArrayList<>();
        for (ShardedUpdate option : List.of(ShardedUpdate.OFF, ShardedUpdate.ON)) {
            results.addAll(TestNetwork.LOCAL.cluster(3).call(session -> {
                Model model = TestModels.convolutional(
                        TestModels.configuration(new Adam(0.01), TYPE)
                                .gradientNormalization(GradientNormalization.ClipL2PerLayer)
                                .gradientNormalizationThreshold(0.01),
                        true);
                try (DistributedTrainer trainer =
                        builder(model, session, option).build()) {
                    trainer.fit(data(), 2);
                }
                return model.params();
            }));
        }

        results.forEach(each -> Bound.assertIdentical(each, results.get(0)));
    }

    /** On all ranks one that changes parameters, as it must; or one that only reads, on one rank alone. */
    @ParameterizedTest
    @CsvSource({"false, false", "true, false", "false, true", "true, true"})
    void aListenerThatComesInTheMiddleOfACallSeesWhatItWouldSee(boolean graph, boolean onOneRank) throws Exception {
        List<List<Seen>> both = new ArrayList<>();
        for (ShardedUpdate option : List.of(ShardedUpdate.OFF, ShardedUpdate.ON)) {
            both.add(TestNetwork.LOCAL.cluster(3).call(session -> {
                Model model = model(graph);
                long own = address(model.params());
                Seen seen = new Seen();
                TrainingListener late = onOneRank
                        ? new BaseTrainingListener() {
                            @Override
                            public void iterationDone(Model trained, int iteration, int epoch) {
                                seen.model(trained);
                            }
                        }
                        : keeper(seen);
                ProgressListener adds = (step, epoch, summary) -> {
                    boolean shares = option == ShardedUpdate.ON && step <= 2;
                    assertThat(address(model.params()) != own).isEqualTo(shares);
                    if (step == 2 && (!onOneRank || session.world().rank() == 1)) {
                        model.addListeners(late);
                    }
                };
                try (DistributedTrainer trainer =
                        builder(model, session, option).progressListener(adds).build()) {
                    trainer.fit(data(), 2);
                    seen.model(model);
                }
                return seen;
            }));
        }

        for (int rank = 0; rank < 3; rank++) {
            both.get(1).get(rank).assertIdentical(both.get(0).get(rank));
        }
        assertThat(both.get(0).get(1).arrays).hasSize(3 * (4 + 1));
    }

    /** Fails in the update of a chosen rank and step. */
    private static final class Failing implements ISchedule {
        private static final long serialVersionUID = 1L;
        private static final ThreadLocal<Integer> FAILS_IN = ThreadLocal.withInitial(() -> -1);
        private static final ThreadLocal<Boolean> UPDATES = ThreadLocal.withInitial(() -> false);

        @Override
        public double valueAt(int iteration, int epoch) {
            if (UPDATES.get() && iteration == FAILS_IN.get()) {
                throw new IllegalStateException("no rate");
            }
            return 0.1;
        }

        @Override
        public ISchedule clone() {
            return this;
        }

        static final class Watch implements StepObserver {
            @Override
            public void phaseBegan(long step, StepPhase phase, long nanos) {
                UPDATES.set(phase == StepPhase.APPLY);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRankThatFailsInTheMiddleOfAnUpdateLeavesNoPlausibleParameters(boolean graph) {
        Map<Integer, Model> models = new ConcurrentHashMap<>();
        Map<Integer, Throwable> failures = new ConcurrentHashMap<>();

        assertThatThrownBy(() -> TestNetwork.LOCAL.cluster(3).run(session -> {
                    int rank = session.world().rank();
                    Sgd updater = new Sgd(new Failing());
                    Model model = graph
                            ? TestModels.residual(TestModels.configuration(updater, TYPE), true)
                            : TestModels.convolutional(TestModels.configuration(updater, TYPE), true);
                    models.put(rank, model);
                    Failing.FAILS_IN.set(rank == 1 ? 2 : -1);
                    try (DistributedTrainer trainer = builder(model, session, ShardedUpdate.ON)
                            .observer(new Failing.Watch())
                            .build()) {
                        trainer.fit(data(), 2);
                    } catch (RuntimeException e) {
                        failures.put(rank, e);
                        throw e;
                    }
                }))
                .hasStackTraceContaining("no rate");

        assertThat(failures).hasSize(3);
        failures.forEach((rank, failure) -> assertThat(failure.getSuppressed())
                .as("rank %d: %s", rank, failure)
                .anySatisfy(each -> assertThat(each)
                        .isInstanceOf(GyreException.class)
                        .hasMessageContaining("the parameters of rank " + rank)
                        .hasMessageContaining("are between steps 2 and 3")
                        .hasMessageContaining("NaN")));
        models.values()
                .forEach(model -> assertThat(model.params().isNaN().all()).isTrue());
    }

    @Test
    void aRankThatFailsElsewhereLeavesTheParametersOfTheLastStep() throws Exception {
        List<INDArray> afterTwo = TestNetwork.LOCAL.cluster(3).call(session -> {
            Model model = model(false);
            try (DistributedTrainer trainer =
                    builder(model, session, ShardedUpdate.OFF).build()) {
                trainer.fitSteps(data(), 2);
            }
            return model.params();
        });
        Map<Integer, Model> models = new ConcurrentHashMap<>();

        assertThatThrownBy(() -> TestNetwork.LOCAL.cluster(3).run(session -> {
                    Model model = model(false);
                    models.put(session.world().rank(), model);
                    ProgressListener fails = (step, epoch, summary) -> {
                        if (step == 2 && session.world().rank() == 1) {
                            throw new IllegalStateException("no more");
                        }
                    };
                    try (DistributedTrainer trainer = builder(model, session, ShardedUpdate.ON)
                            .progressListener(fails)
                            .build()) {
                        trainer.fit(data(), 2);
                    }
                }))
                .hasStackTraceContaining("no more");

        models.values().forEach(model -> Bound.assertIdentical(model.params(), afterTwo.get(0)));
    }

    /** Rank 1 is late; a bit of what rank 0 has computed changes while rank 0 waits. */
    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void gradientsThatChangeWhileTheirRankWaitsAreFoundBeforeTheUpdate(int ranks) throws Exception {
        Map<Integer, Model> models = new ConcurrentHashMap<>();
        CountDownLatch flipped = new CountDownLatch(1);

        assertThatThrownBy(() -> TestNetwork.LOCAL.cluster(ranks).run(session -> {
                    Model model = model(false);
                    models.put(session.world().rank(), model);
                    StepObserver observer = new StepObserver() {
                        private boolean reduces;

                        @Override
                        public void phaseBegan(long step, StepPhase phase, long nanos) {
                            reduces = step == 4 && phase == StepPhase.REDUCE;
                            if (session.world().rank() == 1 && step == 4 && phase == StepPhase.BACKWARD) {
                                awaitFlip(flipped);
                            }
                        }

                        @Override
                        public void waitBegan(Activity activity, long beginNanos) {
                            if (session.world().isRoot() && reduces && flipped.getCount() > 0) {
                                INDArray gradients = Network.of(model).gradients();
                                long last = gradients.length() - 1;
                                gradients.putScalar(last, gradients.getFloat(last) + 1e-3f);
                                flipped.countDown();
                            }
                        }
                    };
                    try (DistributedTrainer trainer = builder(model, session, ShardedUpdate.ON)
                            .observer(observer)
                            .build()) {
                        trainer.fit(data(), 2);
                    }
                }))
                .hasMessageContaining("the gradients of step 4 were changed between the backward pass and their sum:"
                        + " on rank 0 (")
                .hasMessageContaining("element 4 of parameter 5_b")
                .hasMessageNotContaining("on rank 1 (");

        assertThat(flipped.getCount()).isZero();
        models.values()
                .forEach(model ->
                        Bound.assertIdentical(model.params(), models.get(0).params()));
        assertThat(models.get(0).params().isNaN().any()).isFalse();
    }

    /** If it never comes, the test fails for that: nothing is found that has not happened. */
    private static void awaitFlip(CountDownLatch flipped) {
        try {
            assertThat(flipped.await(30, TimeUnit.SECONDS))
                    .as("rank 0 has waited for rank 1 in the reduction of step 4, and changed a bit")
                    .isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void programsThatMakeParametersDifferentAreFoundOutBeforeOneCopyTakesTheirPlace() {
        assertThatThrownBy(() -> TestNetwork.LOCAL.cluster(3).run(session -> {
                    Model model = model(false);
                    try (DistributedTrainer trainer =
                            builder(model, session, ShardedUpdate.ON).build()) {
                        trainer.fit(data(), 1);
                        if (session.world().rank() == 2) {
                            model.params().putScalar(0, 7);
                        }
                        trainer.fit(data(), 1);
                    }
                }))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("after step 3 rank 2 (")
                .hasMessageContaining("first in the parameters at element 0 of parameter 0_b");
    }

    @Test
    void modelsWhosePartsMayChangeParametersKeepTheirOwn() {
        Consumer<Model> constrained = model -> assertThat(ParameterOwners.obstacle(Network.of(model)))
                .isEqualTo("constraints change them after each update");
        constrained.accept(TestModels.perceptron(
                TestModels.configuration(new Sgd(0.1), TYPE).constrainWeights(new MaxNormConstraint(0.5, 1))));
        MultiLayerNetwork local = TestModels.initialised(new MultiLayerNetwork(TestModels.configuration(
                        new Sgd(0.1), TYPE)
                .list()
                .layer(new LocallyConnected2D.Builder().kernelSize(2, 2).nOut(2).build())
                .layer(TestModels.softmax())
                .setInputType(InputType.convolutional(4, 4, 1))
                .build()));
        assertThat(ParameterOwners.obstacle(Network.of(local))).contains("LocallyConnected2D keeps them in a graph");
        assertThat(ParameterOwners.obstacleIn("{\"@class\":\"com.example.Layer\"}"))
                .isEqualTo("it is not known whether com.example.Layer changes them");
        for (Model model : List.of(model(false), model(true))) {
            assertThat(ParameterOwners.obstacle(Network.of(model))).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"FLOAT", "DOUBLE"})
    void meansAreScaledInHostMemoryWithTheBitsOfNd4j(DataType type) {
        INDArray own = TestData.gaussian(type, 5, 1, 1000);
        INDArray expected = own.dup();
        Region memory = HostMemory.region("means", own, 1 << 10);
        ElementType element = HostMemory.elementType(own);
        for (long examples : new long[] {3, 16, 61, 600}) {
            GradientViews.Mean mean =
                    new GradientViews.Mean(100, 0, own.reshape(1000).get(NDArrayIndex.interval(100, 900)));
            INDArray same = expected.reshape(1000).get(NDArrayIndex.interval(100, 900));
            HostMeans.multiply(memory, element, mean, examples);
            same.muli(examples);
            Bound.assertIdentical(own, expected);
            HostMeans.divide(memory, element, mean, 7 * examples);
            same.divi(7 * examples);
            Bound.assertIdentical(own, expected);
        }
    }

    /** Else the updater would be cut anew in each step. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aModelsParametersAreRecognisedByTheirBuffer(boolean graph) {
        Network network = Network.of(model(graph));

        assertThat(network.parameterVector().data())
                .isSameAs(network.parameterVector().data());
        assertThat(address(network.parameterVector())).isEqualTo(address(network.parameters()));
    }

    /** With pieces of seven elements, which end in the middle of everything. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anUpdateInShortPiecesHasTheSameBits(boolean graph) {
        Model whole = model(graph);
        Model pieces = model(graph);
        for (Model each : List.of(whole, pieces)) {
            TestModels.plainFit(each, TestData.images(4, TYPE, 3));
            Network network = Network.of(each);
            Replica replica = TestModels.replica(each, 1 << 20);
            replica.backward(images().get(0), null);
            GradientViews views = network.gradientViews(replica.bucketPlan());
            views.vector().assign(TestData.gaussian(TYPE, 9, 1, views.vector().length()));
            if (each == whole) {
                new ModelUpdater(network).apply(views, 8);
            } else {
                BaseMultiLayerUpdater<?> updater = (BaseMultiLayerUpdater<?>) network.updater();
                new ChunkUpdater(
                                network,
                                updater,
                                views,
                                new Chunk(0, views.vector().length()),
                                7)
                        .update(8, network.step(), network.epoch(), LayerWorkspaceMgr.noWorkspaces());
            }
        }

        Bound.assertIdentical(pieces.params(), whole.params());
        Bound.assertIdentical(Network.of(pieces).gradients(), Network.of(whole).gradients());
        Bound.assertIdentical(state(pieces), state(whole));
    }

    @Test
    void marksAreEqualOnlyBetweenUpdates() {
        Region memory = Region.allocate("marks", UpdateMarks.bytes(3));
        List<UpdateMarks> marks = IntStream.range(0, 3)
                .mapToObj(rank -> new UpdateMarks(memory, rank, 3))
                .toList();
        assertThat(marks.get(0).areEqual()).isTrue();
        marks.forEach(UpdateMarks::begin);
        marks.get(0).finish();
        marks.get(1).finish();
        assertThat(marks.get(0).areEqual()).isFalse();
        marks.get(2).finish();
        assertThat(marks).allMatch(UpdateMarks::areEqual);
        marks.get(1).begin();
        assertThat(marks).noneMatch(UpdateMarks::areEqual);
        marks.get(1).finish();
        assertThat(marks).noneMatch(UpdateMarks::areEqual);
    }
}
