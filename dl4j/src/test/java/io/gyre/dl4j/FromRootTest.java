package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gyre.GyreException;
import io.gyre.local.Gyre;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.ParameterService;
import io.gyre.session.Session;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.learning.config.Adam;

/** Rank 0 reads for all. */
@Timeout(120)
class FromRootTest {

    private static final DataType TYPE = DataType.FLOAT;

    private static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Adam(0.01), TYPE));
    }

    /** Eight batches of 7, 1, 2, 7, 7, ... rows: more, fewer, and as many as there are ranks, and uneven. */
    private static List<DataSet> batches() {
        return TestData.batches(TestData.vectors(34, TYPE, 1), 7, 1, 2, 7);
    }

    private static DistributedTrainer trainer(Model model, Session session, Sharding sharding) {
        return DistributedTrainer.builder(model, session).sharding(sharding).build();
    }

    private static Batches empty() {
        return new Batches(List.of());
    }

    static Stream<Named<FeaturesTest.Feature>> models() {
        return Stream.concat(
                Stream.of(Named.of(
                        "a graph",
                        new FeaturesTest.Feature(
                                () -> TestModels.residual(TestModels.configuration(new Adam(0.01), TYPE), true),
                                () -> KnownParts.batches(
                                        TestData.images(10, TYPE, 1).toMultiDataSet())))),
                FeaturesTest.features()
                        .filter(feature -> feature.getName().contains("sequence")
                                || feature.getName().contains("two inputs")));
    }

    private static List<INDArray> train(int ranks, Sharding sharding, FeaturesTest.Feature feature) throws Exception {
        List<MultiDataSet> batches = feature.batches().get();
        return Gyre.local(ranks).call(session -> {
            Model model = feature.model().get();
            try (DistributedTrainer trainer = trainer(model, session, sharding)) {
                trainer.fit(new BatchList(batches), 2);
                return model.params().dup();
            }
        });
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void givesTheBitsOfExamples(FeaturesTest.Feature feature) throws Exception {
        List<INDArray> examples = train(3, Sharding.EXAMPLES, feature);
        List<INDArray> fromRoot = train(3, Sharding.FROM_ROOT, feature);

        for (int rank = 0; rank < 3; rank++) {
            Bound.assertIdentical(fromRoot.get(rank), examples.get(0));
        }
    }

    @ParameterizedTest(name = "{0} ranks")
    @ValueSource(ints = {1, 2, 4})
    void anyNumberOfRanksTakesBatchesOfAnySize(int ranks) throws Exception {
        List<List<INDArray>> results = new ArrayList<>();
        for (Sharding sharding : List.of(Sharding.EXAMPLES, Sharding.FROM_ROOT)) {
            results.add(Gyre.local(ranks).call(session -> {
                MultiLayerNetwork model = perceptron();
                try (DistributedTrainer trainer = trainer(model, session, sharding)) {
                    FitReport report = trainer.fit(new Batches(batches()), 2);
                    assertThat(report.steps()).isEqualTo(16);
                    assertThat(report.examples()).isEqualTo(68);
                    return model.params().dup();
                }
            }));
        }
        Bound.assertIdentical(results.get(1).get(ranks - 1), results.get(0).get(0));
    }

    @Test
    void onlyRankZeroReadsItsIterator() throws Exception {
        Gyre.local(3).run(session -> {
            Batches own = new Batches(batches());
            try (DistributedTrainer trainer = trainer(perceptron(), session, Sharding.FROM_ROOT)) {
                trainer.fit(own, 2);
                assertThat(own.given()).isEqualTo(session.world().isRoot() ? 16 : 0);
                trainer.evaluate(own);
                assertThat(own.given()).isEqualTo(session.world().isRoot() ? 24 : 0);
            }
        });
    }

    /** A shuffle with a generator that all ranks of the process share, and that nobody seeds alike. */
    @Test
    void dataThatNoTwoIteratorsGiveAlikeTrainAsOnOneRank() throws Exception {
        AtomicReferenceArray<List<DataSet>> read = new AtomicReferenceArray<>(1);

        List<MultiLayerNetwork> models = Gyre.local(3).call(session -> {
            MultiLayerNetwork model = perceptron();
            Recorded drawn = new Recorded(new Random());
            try (DistributedTrainer trainer = trainer(model, session, Sharding.FROM_ROOT)) {
                trainer.fit(drawn, 3);
            }
            if (session.world().isRoot()) {
                read.set(0, drawn.given);
            }
            return model;
        });

        MultiLayerNetwork plain = perceptron();
        read.get(0).forEach(plain::fit);
        assertThat(read.get(0)).hasSize(12);
        Bound.assertClose(models.get(0).params(), plain.params(), 12, 1e6);
        Bound.assertIdentical(models.get(2).params(), models.get(0).params());
    }

    /** Gives other examples after each reset, and remembers them. */
    private static final class Recorded extends TestIterator {

        private final Random random;
        private final List<DataSet> given = new ArrayList<>();
        private int left = 4;

        Recorded(Random random) {
            this.random = random;
        }

        @Override
        public boolean hasNext() {
            return left > 0;
        }

        @Override
        public DataSet next() {
            left--;
            DataSet next = TestData.vectors(5, TYPE, random.nextLong());
            given.add(next);
            return next;
        }

        @Override
        public void reset() {
            left = 4;
        }
    }

    @Test
    void ranksMayShareTheIterator() throws Exception {
        Batches shared = new Batches(batches());

        Gyre.local(2).run(session -> {
            try (DistributedTrainer trainer = trainer(perceptron(), session, Sharding.FROM_ROOT)) {
                trainer.fit(shared, 2);
            }
        });

        assertThat(shared.given()).isEqualTo(16);
    }

    @Test
    void aFailureToReadReachesAllRanksAsOneMessage() throws Exception {
        List<DataSet> batches = batches();
        batches.set(2, new DataSet(null, batches.get(2).getLabels()));

        List<Throwable> failures = Gyre.local(3).call(session -> {
            try (DistributedTrainer trainer = trainer(perceptron(), session, Sharding.FROM_ROOT)) {
                return catchThrowable(() -> trainer.fit(new Raw(batches), 1));
            }
        });

        assertThat(failures)
                .allSatisfy(failure -> assertThat(failure)
                        .isInstanceOf(GyreException.class)
                        .hasMessageStartingWith("rank 0 (")
                        .hasMessageContaining("could not read the data for all ranks, for step 2")
                        .hasMessageContaining("batch 2 of epoch 0 has no features"));
        assertThat(failures.stream().map(Throwable::getMessage).distinct()).hasSize(1);
        assertThat(failures.get(0)).hasCauseInstanceOf(IllegalArgumentException.class);
    }

    /** Read by the training thread, without copies. */
    private static final class Raw implements MultiDataSetIterator {

        private final List<DataSet> batches;
        private int at;

        Raw(List<DataSet> batches) {
            this.batches = batches;
        }

        @Override
        public boolean hasNext() {
            return at < batches.size();
        }

        @Override
        public org.nd4j.linalg.dataset.api.MultiDataSet next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return batches.get(at++).toMultiDataSet();
        }

        @Override
        public org.nd4j.linalg.dataset.api.MultiDataSet next(int rows) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void reset() {
            at = 0;
        }

        @Override
        public boolean resetSupported() {
            return true;
        }

        @Override
        public boolean asyncSupported() {
            return false;
        }

        @Override
        public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {
            throw new UnsupportedOperationException();
        }

        @Override
        public @Nullable MultiDataSetPreProcessor getPreProcessor() {
            return null;
        }
    }

    @Test
    void anIteratorReadByTheTrainingThreadTrainsAlike() throws Exception {
        List<List<INDArray>> results = new ArrayList<>();
        for (boolean async : new boolean[] {true, false}) {
            results.add(Gyre.local(3).call(session -> {
                MultiLayerNetwork model = perceptron();
                try (DistributedTrainer trainer = trainer(model, session, Sharding.FROM_ROOT)) {
                    if (async) {
                        trainer.fit(new Batches(batches()), 2);
                    } else {
                        trainer.fit(new Raw(batches()), 2);
                    }
                    return model.params().dup();
                }
            }));
        }
        Bound.assertIdentical(results.get(1).get(1), results.get(0).get(1));
    }

    @Test
    void batchesThatCannotBeDividedAreRefusedOnAllRanks() {
        DataSet odd = new DataSet(TestData.vectors(6, TYPE, 1).getFeatures(), TestData.oneHot(12, TYPE, 1));

        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    try (DistributedTrainer trainer = trainer(perceptron(), session, Sharding.FROM_ROOT)) {
                        trainer.fit(odd);
                    }
                }))
                .hasMessageContaining("a batch cannot be divided by rows")
                .satisfies(failure ->
                        assertThat(failure.getCause().getSuppressed()).isEmpty());
    }

    @Test
    void dataWithoutABatchAreRefused() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    try (DistributedTrainer trainer = trainer(perceptron(), session, Sharding.FROM_ROOT)) {
                        trainer.fit(empty());
                    }
                }))
                .hasMessageContaining("no rank has any examples");
    }

    @Test
    void shortCallsReadEveryBatchOnceAndAPassCanBeLeft() throws Exception {
        List<List<INDArray>> results = new ArrayList<>();
        for (Sharding sharding : List.of(Sharding.EXAMPLES, Sharding.FROM_ROOT)) {
            results.add(Gyre.local(2).call(session -> {
                MultiLayerNetwork model = perceptron();
                Batches own = new Batches(batches());
                ShardedData data = ShardedData.of(own, sharding);
                try (DistributedTrainer trainer = trainer(model, session, sharding)) {
                    for (int i = 0; i < 7; i++) {
                        trainer.fitSteps(data, 1);
                    }
                    trainer.fit(new Batches(batches()), 1);
                    trainer.fitSteps(data, 3);
                    // Read to its end meanwhile: the pass begins again where it was.
                    trainer.evaluate(own);
                    trainer.fitSteps(data, 3);
                    assertThat(trainer.step()).isEqualTo(21);
                }
                return model.params().dup();
            }));
        }
        Bound.assertIdentical(results.get(1).get(1), results.get(0).get(0));
    }

    @Test
    void evaluatesAllRows() throws Exception {
        MultiLayerNetwork alone = perceptron();
        Evaluation expected = alone.evaluate(TestData.iterator(batches()));

        Gyre.local(3).run(session -> {
            try (DistributedTrainer trainer = trainer(perceptron(), session, Sharding.FROM_ROOT)) {
                Evaluation evaluation = trainer.evaluate(session.world().isRoot() ? new Batches(batches()) : empty());
                assertThat(evaluation.getNumRowCounter()).isEqualTo(34);
                assertThat(evaluation.getConfusionMatrix()).isEqualTo(expected.getConfusionMatrix());
            }
        });
    }

    @Test
    void aResumedRunSkipsForwardOnRankZero(@TempDir Path directory) throws Exception {
        INDArray expected = Gyre.local(2)
                .call(session -> {
                    MultiLayerNetwork model = perceptron();
                    try (DistributedTrainer trainer = trainer(model, session, Sharding.FROM_ROOT)) {
                        trainer.fit(new Batches(batches()), 3);
                    }
                    return model.params().dup();
                })
                .get(0);

        for (boolean resume : new boolean[] {false, true}) {
            List<INDArray> found = Gyre.local(2).call(session -> {
                MultiLayerNetwork model = perceptron();
                Batches own = new Batches(batches());
                try (DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                        .sharding(Sharding.FROM_ROOT)
                        .checkpointDirectory(directory)
                        .checkpointEverySteps(7)
                        .resume(resume)
                        .progressListener((step, epoch, summary) -> {
                            if (!resume && step == 9) {
                                throw new IllegalStateException("killed");
                            }
                        })
                        .build()) {
                    if (!resume) {
                        assertThatThrownBy(() -> trainer.fit(own, 3)).hasMessageContaining("killed");
                        return model.params().dup();
                    }
                    assertThat(trainer.step()).isEqualTo(7);
                    trainer.fit(own, 3);
                    assertThat(own.given()).isEqualTo(session.world().isRoot() ? 24 : 0);
                }
                return model.params().dup();
            });
            if (resume) {
                Bound.assertIdentical(found.get(1), expected);
            }
        }
    }

    @Test
    void aStrategyWithoutLockstepIsRefused() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    MultiLayerNetwork model = perceptron();
                    try (ParameterService service = ParameterService.builder(session)
                                    .training(Strategies.training(model, new BulkSynchronous()))
                                    .start();
                            DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                                    .strategy(Strategies.parameterServer(model, service))
                                    .sharding(Sharding.FROM_ROOT)
                                    .build()) {
                        trainer.fit(new Batches(batches()));
                    }
                }))
                .hasMessageContaining("Sharding.FROM_ROOT needs ranks in lockstep");
    }
}
