package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.allreduce.Collectives;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.BulkSynchronous;
import io.gyre.paramserver.ParameterService;
import io.gyre.paramserver.ServiceBuilder;
import io.gyre.paramserver.StaleSynchronous;
import io.gyre.session.Session;
import io.gyre.training.UpdateStrategy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

/** Runs whose parameters are on servers, killed, and continued from their checkpoints. */
@Timeout(120)
class ServerCheckpointsTest {

    private static final int EXAMPLES = 107;
    private static final int BATCH = 4;
    private static final int BATCHES = 27;
    private static final int EPOCHS = 3;

    @TempDir
    Path directory;

    /** Whether checkpoints are written. */
    private boolean written = true;

    private static final class Killed extends RuntimeException {}

    /** What is trained, on how many ranks. */
    private enum Subject {
        BULK_SYNCHRONOUS(2, 0),
        ON_SERVERS_OF_THEIR_OWN(2, 1),
        ELASTIC(1, 0),
        HYBRID(4, 0);

        private final int workers;
        private final int servers;

        Subject(int workers, int servers) {
            this.workers = workers;
            this.servers = servers;
        }
    }

    /** Settings of one run. */
    private record Run(int workers, int servers, boolean resume, int killAt) {

        Run(Subject subject, boolean resume, int killAt) {
            this(subject.workers, subject.servers, resume, killAt);
        }
    }

    private static MultiLayerNetwork model() {
        Adam updater = new Adam(new StepSchedule(ScheduleType.ITERATION, 0.02, 0.5, 7));
        return TestModels.perceptron(
                TestModels.configuration(updater, DataType.FLOAT).dropOut(0.7));
    }

    private TrainerBuilder trainer(MultiLayerNetwork model, Session workers, UpdateStrategy strategy, Run run) {
        TrainerBuilder builder =
                DistributedTrainer.builder(model, workers).strategy(strategy).resume(run.resume());
        if (written) {
            builder.checkpointDirectory(directory).checkpointEverySteps(2).checkpointEveryEpochs(1);
        }
        return builder.progressListener((step, epoch, summary) -> {
            if (step == run.killAt()
                    && workers.world().rank() == workers.world().size() - 1) {
                throw new Killed();
            }
        });
    }

    /** Returns rank 0's parameters at the end. */
    private INDArray train(Subject subject, Run run) throws InterruptedException {
        DataSet examples = TestData.vectors(45, DataType.FLOAT, 1);
        List<INDArray> ends = Gyre.local(run.workers() + run.servers()).call(session -> {
            MultiLayerNetwork model = model();
            ServiceBuilder builder = ParameterService.builder(session).servers(run.servers());
            if (subject != Subject.ELASTIC) {
                builder.training(Strategies.training(model, new BulkSynchronous()));
            }
            if (subject == Subject.HYBRID) {
                builder.groups(2);
            }
            try (ParameterService service = builder.start()) {
                if (service.isServer()) {
                    service.serve();
                    return model.params();
                }
                try (Collective group = Collectives.choose(service.group().endpoint());
                        DistributedTrainer trainer = trainer(
                                        model, service.workers(), strategy(subject, model, service, group), run)
                                .build()) {
                    trainer.fit(ShardedData.of(ExampleSource.of(examples), 5, 3), EPOCHS);
                    assertThat(trainer.epoch()).isEqualTo(EPOCHS);
                    return model.params();
                }
            }
        });
        return ends.get(0);
    }

    private INDArray leftAlone(Subject subject) throws InterruptedException {
        written = false;
        INDArray end = train(subject, new Run(subject, false, Integer.MAX_VALUE));
        written = true;
        return end;
    }

    private static UpdateStrategy strategy(
            Subject subject, MultiLayerNetwork model, ParameterService service, Collective group) {
        return switch (subject) {
            case ELASTIC -> Strategies.elastic(model, service, 3);
            case HYBRID -> Strategies.hybrid(model, service, group);
            default -> Strategies.parameterServer(model, service);
        };
    }

    @ParameterizedTest
    @EnumSource(Subject.class)
    void whatIsDeterministicEndsWithTheBitsOfARunWithoutCheckpoints(Subject subject) throws Exception {
        INDArray expected = leftAlone(subject);
        int killAt = subject == Subject.HYBRID ? 4 : 8;
        assertThatThrownBy(() -> train(subject, new Run(subject, false, killAt)))
                .hasRootCauseInstanceOf(Killed.class);
        assertThat(DistributedTrainer.newestCheckpoint(directory)).isNotEmpty();
        INDArray resumed = train(subject, new Run(subject, true, Integer.MAX_VALUE));

        Bound.assertIdentical(resumed, expected);
    }

    /** The call that it continues has no steps left, which is no empty data set. */
    @ParameterizedTest
    @EnumSource(Subject.class)
    void aRunThatIsResumedAtItsEndIsThere(Subject subject) throws Exception {
        INDArray end = train(subject, new Run(subject, false, Integer.MAX_VALUE));

        Bound.assertIdentical(train(subject, new Run(subject, true, Integer.MAX_VALUE)), end);
    }

    @ParameterizedTest(name = "{0} servers")
    @ValueSource(ints = {2, 3})
    void withAnotherNumberOfServersTheVectorsAreDividedAnew(int servers) throws Exception {
        Subject subject = Subject.ON_SERVERS_OF_THEIR_OWN;
        INDArray expected = leftAlone(subject);
        assertThatThrownBy(() -> train(subject, new Run(subject, false, 8))).hasRootCauseInstanceOf(Killed.class);

        INDArray resumed = train(subject, new Run(2, servers, true, Integer.MAX_VALUE));

        Bound.assertIdentical(resumed, expected);
    }

    /** Steps of all ranks, and updates of the servers, at the end of a run. */
    private static final class Counting {
        private final AtomicInteger steps = new AtomicInteger();
        private final List<Long> updates = new ArrayList<>();
    }

    private void dealt(Run run, boolean stale, Counting counting) throws InterruptedException {
        DataSet examples = TestData.vectors(EXAMPLES, DataType.FLOAT, 1);
        Gyre.local(run.workers()).run(session -> {
            MultiLayerNetwork model = model();
            try (ParameterService service = ParameterService.builder(session)
                    .training(Strategies.training(model, stale ? new StaleSynchronous(1) : new AsynchronousParallel()))
                    .start()) {
                UpdateStrategy strategy = Strategies.parameterServer(model, service);
                try (DistributedTrainer trainer =
                        trainer(model, session, strategy, run).build()) {
                    ExampleSource source = ExampleSource.of(examples);
                    trainer.fit(ShardedData.dealt(source, BATCH, 1, service.counter("batches")), EPOCHS);
                    assertThat(trainer.epoch()).isEqualTo(EPOCHS);
                    if (session.world().isRoot()) {
                        Region all = Region.allocate("parameters", model.numParams() * Float.BYTES);
                        counting.updates.add(
                                Objects.requireNonNull(strategy.exchange().serverState())
                                        .read(0, all));
                    }
                    counting.steps.addAndGet((int) trainer.step());
                    session.exchange("end", new byte[0]);
                }
            }
        });
    }

    @ParameterizedTest(name = "{0} ranks, then {1}, stale {2}")
    @CsvSource({"3, 3, false", "3, 3, true", "3, 2, false", "1, 1, true", "2, 4, true"})
    void everyBatchIsPushedOnceThoughTheRunIsKilled(int before, int after, boolean stale) throws Exception {
        Counting counting = new Counting();
        assertThatThrownBy(() -> dealt(new Run(before, 0, false, 11), stale, counting))
                .hasRootCauseInstanceOf(Killed.class);
        assertThat(DistributedTrainer.newestCheckpoint(directory)).isNotEmpty();

        dealt(new Run(after, 0, true, Integer.MAX_VALUE), stale, counting);

        assertThat(counting.updates).containsExactly((long) BATCHES * EPOCHS);
        if (before == after) {
            assertThat(counting.steps).hasValue(BATCHES * EPOCHS);
        }
    }

    /** Every rank's replica is its own: each must get it back. */
    @ParameterizedTest(name = "{0} groups of {1}")
    @CsvSource({"3, 1", "2, 2"})
    void replicasOfElasticAveragingComeBackToTheirRanks(int groups, int ranksOfGroup) throws Exception {
        ConcurrentHashMap<Integer, INDArray> before = new ConcurrentHashMap<>();
        ConcurrentHashMap<Integer, INDArray> after = new ConcurrentHashMap<>();
        int ranks = groups * ranksOfGroup;
        elastic(ranks, groups, false, before);

        elastic(ranks, groups, true, after);

        for (int rank : IntStream.range(0, ranks).toArray()) {
            Bound.assertIdentical(after.get(rank), before.get(rank));
        }
        assertThat(before.get(0)).isNotEqualTo(before.get(ranks - 1));
    }

    /** Records each rank's replica at the end of the steps, before it takes the centre, or at the beginning. */
    private void elastic(int ranks, int groups, boolean resume, ConcurrentHashMap<Integer, INDArray> replicas)
            throws InterruptedException {
        DataSet examples = TestData.vectors(96, DataType.FLOAT, 1);
        Gyre.local(ranks).run(session -> {
            MultiLayerNetwork model = model();
            int rank = session.world().rank();
            try (ParameterService service =
                            ParameterService.builder(session).groups(groups).start();
                    Collective group = Collectives.choose(service.group().endpoint());
                    DistributedTrainer trainer = DistributedTrainer.builder(model, session)
                            .strategy(
                                    groups == ranks
                                            ? Strategies.elastic(model, service, 2)
                                            : Strategies.hybridElastic(model, service, group, 2))
                            .checkpointDirectory(directory)
                            .resume(resume)
                            .progressListener((step, epoch, summary) ->
                                    replicas.put(rank, model.params().dup()))
                            .build()) {
                if (resume) {
                    replicas.put(rank, model.params().dup());
                    return;
                }
                trainer.fitSteps(ShardedData.of(ExampleSource.of(examples), 4, 3), 3);
            }
        });
    }

    @Test
    void aCheckpointOfAnotherStrategyIsRefused() throws Exception {
        assertThatThrownBy(() -> train(Subject.ELASTIC, new Run(Subject.ELASTIC, false, 8)))
                .hasRootCauseInstanceOf(Killed.class);

        assertThatThrownBy(() -> train(Subject.BULK_SYNCHRONOUS, new Run(Subject.BULK_SYNCHRONOUS, true, 100)))
                .hasMessageContainingAll("is of the strategy elastic", "this program has paramserver");
        assertThatThrownBy(() -> Gyre.local(1)
                        .run(session -> DistributedTrainer.builder(model(), session)
                                .checkpointDirectory(directory)
                                .resume(true)
                                .build()
                                .close()))
                .hasMessageContainingAll("is of the strategy elastic", "this program has allreduce");
    }
}
