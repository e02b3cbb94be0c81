package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gyre.GyreException;
import io.gyre.local.Gyre;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.ServiceBuilder;
import io.gyre.session.Session;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * Ranks that read different data but should not are detected before an update, with the rank, the batch and both
 * values.
 */
@Timeout(120)
class DataAgreementTest {

    private static final DataType TYPE = DataType.FLOAT;
    private static final DataSet EXAMPLES = TestData.vectors(48, TYPE, 1);

    private static MultiLayerNetwork perceptron() {
        return TestModels.perceptron(TestModels.configuration(new Sgd(0.1), TYPE));
    }

    private static List<DataSet> batches() {
        return TestData.batches(EXAMPLES.copy(), 4);
    }

    /** Trains on three ranks until they fail, and returns their common message. */
    private static String failure(Function<Session, ShardedData> data, int stepsBefore) {
        Map<Integer, String> messages = new ConcurrentHashMap<>();
        List<INDArray> trained = Collections.synchronizedList(new ArrayList<>());
        assertThatThrownBy(() -> Gyre.local(3).run(session -> {
                    MultiLayerNetwork model = perceptron();
                    try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
                        try {
                            trainer.fit(data.apply(session), 3);
                        } catch (GyreException e) {
                            messages.put(session.world().rank(), String.valueOf(e.getMessage()));
                            assertThat(model.getIterationCount()).isEqualTo(stepsBefore);
                            trained.add(model.params().dup());
                            throw e;
                        }
                    }
                }))
                .isInstanceOf(GyreException.class);
        assertThat(messages).hasSize(3);
        assertThat(messages.values()).containsOnly(messages.get(0));
        trained.forEach(parameters -> Bound.assertIdentical(parameters, trained.get(0)));
        if (stepsBefore == 0) {
            Bound.assertIdentical(trained.get(0), perceptron().params());
        }
        return messages.get(0);
    }

    @ParameterizedTest
    @EnumSource(names = {"EXAMPLES", "BATCHES"})
    void anotherOrderOnEachRankIsFoundInTheFirstStep(Sharding sharding) {
        String message = failure(
                session -> {
                    List<DataSet> rows = new ArrayList<>(batches());
                    Collections.shuffle(rows, new Random(session.world().rank()));
                    return ShardedData.of(new Batches(rows), sharding);
                },
                0);

        assertThat(message)
                .contains("have not read the same data for step 0 in epoch 0, from batch 0 on")
                .contains("on rank 0", "on rank 1", "on rank 2", "No update was applied", "a seed");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aBatchThatDiffersOnOneRankIsNamed(boolean mixed) {
        String message = failure(
                session -> {
                    List<DataSet> batches = batches();
                    if (session.world().rank() == 1) {
                        batches.get(5).getFeatures().putScalar(0, 0, 9);
                    }
                    Batches iterator = new Batches(batches);
                    return mixed
                            ? ShardedData.shuffled(iterator, Sharding.EXAMPLES, 3, 1)
                            : ShardedData.of(iterator, Sharding.EXAMPLES);
                },
                mixed ? 3 : 5);

        assertThat(message)
                .containsPattern("from batch 5 on: 4 rows with fingerprint [0-9a-f]{16} on rank 1[^;]*;"
                        + " 4 rows with fingerprint [0-9a-f]{16} on rank 0");
    }

    @Test
    void aPreProcessorOnOneRankOnlyIsFound() {
        String message = failure(
                session -> {
                    Batches iterator = new Batches(batches());
                    if (session.world().rank() == 2) {
                        iterator.setPreProcessor(batch -> batch.getFeatures().divi(255));
                    }
                    return ShardedData.of(iterator, Sharding.BATCHES);
                },
                0);

        assertThat(message).contains("from batch 0 on").contains("on rank 2").contains("the same pre-processor");
    }

    @ParameterizedTest
    @EnumSource(names = {"EXAMPLES", "BATCHES"})
    void aShorterSourceOnOneRankIsFoundAtItsEnd(Sharding sharding) {
        String message = failure(
                session -> {
                    List<DataSet> batches = batches();
                    return ShardedData.of(
                            new Batches(session.world().rank() == 1 ? batches.subList(0, 9) : batches), sharding);
                },
                sharding == Sharding.EXAMPLES ? 9 : 3);

        assertThat(message).contains("from batch 9 on: no batch 9, as the data have ended, on rank 1");
    }

    @Test
    void aNoiseThatIsNotSeededIsFound() {
        String message = failure(
                session -> {
                    Batches iterator = new Batches(batches());
                    iterator.setPreProcessor(batch ->
                            batch.getFeatures().addi(ThreadLocalRandom.current().nextDouble()));
                    return ShardedData.of(iterator, Sharding.EXAMPLES);
                },
                0);

        assertThat(message).contains("shuffles or adds noise a seed");
    }

    @Test
    void sourcesAreComparedByProbes() {
        String message = failure(
                session -> {
                    DataSet examples = EXAMPLES.copy();
                    if (session.world().rank() == 0) {
                        examples.getFeatures().subi(0.5);
                    }
                    return ShardedData.of(ExampleSource.of(examples), 2, 1);
                },
                0);

        assertThat(message).containsPattern("a probe from place 0 on: 8 rows with fingerprint [0-9a-f]{16} on rank 0");
    }

    @Test
    void batchesOfAnotherSizeAreFound() {
        String message = failure(
                session -> ShardedData.of(
                        ExampleSource.of(EXAMPLES.copy()), session.world().rank() == 1 ? 3 : 2, 1),
                0);

        assertThat(message)
                .contains("from the examples from place 0 on: 9 rows with fingerprint", "6 rows with fingerprint");
    }

    @Test
    void aSourceThatNeverGivesTheSameIsTrainedOn() throws Exception {
        Gyre.local(2).run(session -> {
            ExampleSource noisy = ExampleSource.of(48, indices -> {
                DataSet rows = TestData.vectors(indices.length, TYPE, 1);
                rows.getFeatures().addi(ThreadLocalRandom.current().nextDouble());
                return rows;
            });
            try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                assertThat(trainer.fit(ShardedData.of(noisy, 4, 1), 2).steps()).isEqualTo(12);
            }
        });
    }

    @Test
    void probesAreReadOnceInAWhileAndAreNoMoreThanTheExamplesThereAre() throws Exception {
        List<Integer> sizes = Collections.synchronizedList(new ArrayList<>());
        DataSet few = TestData.vectors(5, TYPE, 1);
        ExampleSource source = ExampleSource.of(5, indices -> {
            sizes.add(indices.length);
            org.nd4j.linalg.dataset.api.MultiDataSet rows = Rows.pick(few.toMultiDataSet(), indices);
            return new DataSet(rows.getFeatures(0), rows.getLabels(0));
        });

        Gyre.local(1).run(session -> {
            try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                trainer.fit(ShardedData.of(source, 5, 1), 3);
            }
        });

        // Twice in the first epoch, to check that the source repeats itself.
        assertThat(sizes.stream().filter(size -> size == 1)).hasSize(4 * 5);
        assertThat(sizes.stream().filter(size -> size == 5)).hasSize(3);
    }

    @Test
    void evaluationsAreComparedToo() {
        assertThatThrownBy(() -> Gyre.local(2).run(session -> {
                    List<DataSet> batches = batches();
                    if (session.world().rank() == 1) {
                        batches.get(7).getFeatures().putScalar(0, 0, 9);
                    }
                    try (DistributedTrainer trainer = DistributedTrainer.of(perceptron(), session)) {
                        trainer.evaluate(ShardedData.of(new Batches(batches), Sharding.BATCHES));
                    }
                }))
                .hasMessageContainingAll("not read the same data for an evaluation", "rank 0", "rank 1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bsp", "asp", "elastic"})
    void ranksThatAreNotInLockstepCompareInEveryStep(String strategy) {
        String message = failureOutOfStep(
                strategy,
                Sharding.BATCHES,
                batches -> batches.get(7).getFeatures().putScalar(0, 0, 9));

        assertThat(message)
                .contains("the data that they read at place 6 of epoch 0 in call 1 of fit")
                .contains("batch 7 of 4 rows with fingerprint", "on rank 0", "on rank 1", "All ranks must read");
    }

    @ParameterizedTest
    @EnumSource(names = {"EXAMPLES", "BATCHES"})
    void ranksThatAreNotInLockstepFindThatOneHasLessData(Sharding sharding) {
        String message = failureOutOfStep("asp", sharding, batches -> {
            batches.remove(batches.size() - 1);
            batches.remove(batches.size() - 1);
        });

        assertThat(message)
                .contains("the data that they read at place", "the end, with fingerprint", "on rank 0", "on rank 1");
    }

    @Test
    void ranksThatAreNotInLockstepAndReadTheSameAgreeInEveryEpochAndCall() throws Exception {
        Gyre.local(3).run(session -> {
            MultiLayerNetwork model = perceptron();
            ShardedData data = ShardedData.of(new Batches(batches()), Sharding.EXAMPLES);
            try (ParameterService service = service("asp", model, session);
                    DistributedTrainer trainer = trainer("asp", model, session, service)) {
                trainer.fit(data, 2);
                trainer.fitSteps(data, 3);
                trainer.fitSteps(data, 3);
                trainer.fit(ShardedData.of(new Batches(batches()), Sharding.BATCHES), 1);
            }
        });
    }

    /** The message with which both ranks fail if the data of rank 1 are changed. */
    private static String failureOutOfStep(String strategy, Sharding sharding, Consumer<List<DataSet>> change) {
        Throwable thrown = catchThrowable(() -> Gyre.local(2).run(session -> {
            MultiLayerNetwork model = perceptron();
            List<DataSet> batches = new ArrayList<>(batches());
            if (session.world().rank() == 1) {
                change.accept(batches);
            }
            try (ParameterService service = service(strategy, model, session);
                    DistributedTrainer trainer = trainer(strategy, model, session, service)) {
                trainer.fit(ShardedData.of(new Batches(batches), sharding), 1);
            }
        }));
        assertThat(thrown).isInstanceOf(GyreException.class);
        return thrown.getMessage();
    }

    private static ParameterService service(String strategy, MultiLayerNetwork model, Session session) {
        ServiceBuilder builder = ParameterService.builder(session);
        return strategy.equals("elastic")
                ? builder.start()
                : builder.training(Strategies.training(
                                model, strategy.equals("bsp") ? new BulkSynchronous() : new AsynchronousParallel()))
                        .start();
    }

    private static DistributedTrainer trainer(
            String strategy, MultiLayerNetwork model, Session session, ParameterService service) {
        return DistributedTrainer.builder(model, session)
                .strategy(
                        strategy.equals("elastic")
                                ? Strategies.elastic(model, service, 2, 0.3)
                                : Strategies.parameterServer(model, service))
                .build();
    }
}
