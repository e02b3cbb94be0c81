package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.GyreException;
import io.gyre.paramserver.AsynchronousParallel;
import io.gyre.paramserver.ParameterService;
import io.gyre.session.Session;
import io.gyre.training.UpdateStrategy;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.RendezvousServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * A program that trains, evaluates and trains again on two workers and a server; a worker is lost in the first or the
 * second part.
 */
@Timeout(120)
class RestartedWorkerTest {

    private static final int SIZE = 3;
    private static final int EXAMPLES = 107;
    private static final int BATCH = 10;
    private static final int EPOCHS = 4;
    private static final int DEATH_STEPS = 5;

    @TempDir
    Path directory;

    private volatile boolean checkpoints;
    private final DataSet examples = TestData.vectors(EXAMPLES, DataType.DOUBLE, 1);
    private final AtomicInteger trained = new AtomicInteger();
    private final CountDownLatch back = new CountDownLatch(1);

    /** Result of one process of a worker: the parameters' checksum, and the number of steps counted. */
    private record End(String checksum, long steps, long firstStep, double accuracy) {}

    private static <T> FutureTask<T> onThread(String name, Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    private static AeronSession join(int rank, RendezvousServer rendezvous) {
        return AeronSession.join(JoinOptions.builder(rank, SIZE, rendezvous.endpoint())
                .peerTimeout(Duration.ofMinutes(1))
                .build());
    }

    private static ParameterService service(Session session, MultiLayerNetwork model) {
        return ParameterService.builder(session)
                .servers(1)
                .training(Strategies.training(model, new AsynchronousParallel()))
                .start();
    }

    /** One part of the program in one process, with what happens in it. */
    private interface Event {
        void after(Session session, int part, int stepsOfPart);
    }

    private End live(int rank, RendezvousServer rendezvous, String strategy, Event event) {
        MultiLayerNetwork model = TestModels.perceptron(TestModels.configuration(new Sgd(0.05), DataType.DOUBLE));
        AeronSession session = join(rank, rendezvous);
        ParameterService service = service(session, model);
        if (service.isServer()) {
            service.serve();
            service.close();
            session.close();
            return new End("", 0, 0, 0);
        }
        int[] part = {0, 0, -1};
        try {
            ShardedData data = ShardedData.dealt(ExampleSource.of(examples), BATCH, 1, service.counter("batches"));
            UpdateStrategy chosen = strategy.equals("elastic")
                    ? Strategies.elastic(model, service, 1)
                    : Strategies.parameterServer(model, service);
            TrainerBuilder builder = DistributedTrainer.builder(model, service.workers());
            if (checkpoints) {
                builder.checkpointDirectory(directory);
            }
            try (DistributedTrainer trainer = builder.strategy(chosen)
                    .progressListener((step, epoch, summary) -> {
                        trained.addAndGet((int) summary.examples());
                        part[2] = part[2] < 0 ? (int) step - 1 : part[2];
                        event.after(session, part[0], ++part[1]);
                    })
                    .build()) {
                double accuracy = 0;
                for (part[0] = 0; part[0] < 2; part[0]++) {
                    part[1] = 0;
                    trainer.fit(data, EPOCHS);
                    accuracy = trainer.evaluate(ShardedData.of(ExampleSource.of(examples), 20, 1))
                            .accuracy();
                }
                assertThat(trainer.epoch()).isEqualTo(2 * EPOCHS);
                assertThat(trainer.parametersSha256OfAllRanks()).hasSize(2).doesNotContain("");
                End end = new End(trainer.parametersSha256(), trainer.step(), part[2], accuracy);
                service.workers().exchange("the end", new byte[0]);
                service.close();
                session.close();
                return end;
            }
        } catch (Death death) {
            session.fail("on purpose");
            session.close();
            return new End("", 0, 0, 0);
        }
    }

    /** Not one of our exceptions, so that nothing handles it. */
    private static final class Death extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(1, TimeUnit.MINUTES)).isTrue();
        } catch (InterruptedException e) {
            throw new GyreException("interrupted", e);
        }
    }

    @ParameterizedTest(name = "{0}, rank {1} lost in part {2}, checkpoints {3}")
    @CsvSource({
        "paramserver, 1, 0, false",
        "paramserver, 0, 1, false",
        "elastic, 0, 0, false",
        "elastic, 1, 1, false",
        "paramserver, 0, 1, true",
        "elastic, 1, 1, true"
    })
    void itMakesTheSameCallsAgainAndIsWhereTheOthersAre(
            String strategy, int lost, int deadlyPart, boolean withCheckpoints) throws Exception {
        checkpoints = withCheckpoints;
        try (RendezvousServer rendezvous = RendezvousServer.open(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), SIZE, Duration.ofMinutes(1))) {
            FutureTask<End> server =
                    onThread("server", () -> live(2, rendezvous, strategy, (session, part, step) -> {}));
            FutureTask<End> other = onThread(
                    "other",
                    () -> live(1 - lost, rendezvous, strategy, (session, part, step) -> {
                        // Enough steps remain when the restarted worker joins.
                        if (part == deadlyPart && step == 3) {
                            while (session.incarnation(lost) == 0) {
                                LockSupport.parkNanos(1_000_000);
                            }
                            // With checkpoints it may first wait for this one, at the end of the epoch.
                            if (!withCheckpoints) {
                                await(back);
                            }
                        }
                    }));
            FutureTask<End> first = onThread(
                    "first life",
                    () -> live(lost, rendezvous, strategy, (session, part, step) -> {
                        if (part == deadlyPart && step == DEATH_STEPS) {
                            throw new Death();
                        }
                    }));
            first.get(1, TimeUnit.MINUTES);
            int before = trained.get();
            FutureTask<End> second = onThread(
                    "second life", () -> live(lost, rendezvous, strategy, (session, part, step) -> back.countDown()));

            End returned = second.get(1, TimeUnit.MINUTES);
            End stayed = other.get(1, TimeUnit.MINUTES);
            server.get(1, TimeUnit.MINUTES);

            assertThat(DistributedTrainer.newestCheckpoint(directory).isPresent())
                    .isEqualTo(withCheckpoints);
            assertThat(returned.checksum()).isEqualTo(stayed.checksum());
            assertThat(returned.accuracy()).isEqualTo(stayed.accuracy());
            int whole = 2 * EPOCHS * EXAMPLES;
            assertThat(trained.get())
                    .as("all batches but three at most, which were drawn and never trained on; %d before", before)
                    .isBetween(whole - 3 * BATCH, whole);
            if (strategy.equals("paramserver") && deadlyPart == 0) {
                assertThat(returned.firstStep()).as("where the other was").isEqualTo(3);
            }
        }
    }
}
