package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.local.Gyre;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ParameterClientTest {

    private static final int ELEMENTS = 100;

    static List<Consistency> consistencies() {
        return List.of(
                new BulkSynchronous(), new StaleSynchronous(0), new StaleSynchronous(3), new AsynchronousParallel());
    }

    private static ParameterService start(Session session, int servers, Consistency consistency, double rate) {
        return ParameterService.builder(session)
                .servers(servers)
                .training(new Training(consistency, new GradientDescent(rate)))
                .start();
    }

    /** Minimises (w - target)^2 / 2, whose gradient is w - target, each worker with its own target. */
    @ParameterizedTest
    @MethodSource("consistencies")
    void workersFindTheMeanOfWhatTheyWant(Consistency consistency) throws Exception {
        List<Double> results = Gyre.local(3).call(session -> {
            try (ParameterService service = start(session, 0, consistency, 0.02)) {
                ParameterClient client = service.parameters("w", ElementType.FLOAT64, ELEMENTS);
                Region w = Region.allocate("w", 8 * ELEMENTS);
                w.putDouble(0, session.world().isRoot() ? 100 : -1);
                client.start(w);
                assertThat(w.getDouble(0)).isEqualTo(100);
                client.resume(0);
                for (int step = 0; step < 600; step++) {
                    client.beginPull(step);
                    client.awaitPull(w);
                    for (int i = 0; i < ELEMENTS; i++) {
                        w.putDouble(
                                8L * i, w.getDouble(8L * i) - (session.world().rank() + 1));
                    }
                    client.push(w, step, 1, 0);
                }
                client.finish(w);
                int bound = consistency instanceof StaleSynchronous ssp ? ssp.bound() : 0;
                if (!(consistency instanceof AsynchronousParallel)) {
                    assertThat(client.staleness().max()).isLessThanOrEqualTo(bound);
                }
                assertThat(client.staleness().pushes()).isEqualTo(3 * 3 * 600);
                for (int i = 0; i < ELEMENTS; i++) {
                    // Without a bound, the last worker to push prevails.
                    double slack = consistency instanceof AsynchronousParallel ? 1 : 0.3;
                    assertThat(w.getDouble(8L * i)).isBetween(2 - slack, 2 + slack);
                }
                return w.getDouble(0);
            }
        });

        assertThat(results).as("all have the same in the end").containsOnly(results.get(0));
    }

    @Test
    void inBulkSynchronyPushesAreAveragedByExamples() throws Exception {
        Gyre.local(2).run(session -> {
            try (ParameterService service = start(session, 0, new BulkSynchronous(), 1)) {
                ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
                Region w = Region.allocate("w", 4 * ELEMENTS);
                client.start(w);
                client.resume(0);
                client.beginPull(0);
                client.awaitPull(w);
                w.putFloat(0, session.world().rank() == 0 ? 1 : 5);
                client.push(w, 0, session.world().rank() == 0 ? 30 : 10, 0);
                client.beginPull(1);
                client.awaitPull(w);

                assertThat(w.getFloat(0)).isEqualTo(-2);
                client.finish(w);
            }
        });
    }

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2})
    void everyPushIsAppliedOnceThoughMessagesAreLostAndRepeated(long seed) throws Exception {
        int steps = 200;
        Gyre.local(3).run(session -> {
            SplittableRandom random =
                    new SplittableRandom(seed + session.world().rank());
            try (ParameterService service = ParameterService.builder(session)
                    .training(new Training(new StaleSynchronous(3), new GradientDescent(1)))
                    .retryAfter(Duration.ofMillis(2))
                    .faults(() -> random.nextInt(10) == 0 ? 0 : random.nextInt(10) == 0 ? 2 : 1)
                    .start()) {
                ParameterClient client = service.parameters("w", ElementType.FLOAT64, ELEMENTS);
                Region w = Region.allocate("w", 8 * ELEMENTS);
                client.start(w);
                client.resume(0);
                for (int step = 0; step < steps; step++) {
                    client.beginPull(step);
                    client.awaitPull(w);
                    for (int i = 0; i < ELEMENTS; i++) {
                        w.putDouble(8L * i, -1);
                    }
                    client.push(w, step, 1, 0);
                }
                client.finish(w);
                for (int i = 0; i < ELEMENTS; i++) {
                    assertThat(w.getDouble(8L * i)).as("cell %d", i).isEqualTo(3.0 * steps);
                }
                assertThat(client.maxStaleness()).isLessThanOrEqualTo(3);
            }
        });
    }

    @Test
    void aFastWorkerWaitsForTheSlowestAtTheBoundAndNotBefore() throws Exception {
        CountDownLatch slowMayGo = new CountDownLatch(1);
        Gyre.local(2).run(session -> {
            try (ParameterService service = start(session, 0, new StaleSynchronous(2), 1)) {
                ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
                Region w = Region.allocate("w", 4 * ELEMENTS);
                client.start(w);
                client.resume(0);
                boolean slow = session.world().rank() == 1;
                if (slow) {
                    slowMayGo.await();
                }
                for (int step = 0; step < 6; step++) {
                    client.beginPull(step);
                    client.awaitPull(w);
                    client.push(w, step, 1, 0);
                    if (!slow && step == 2) {
                        // Three steps, 0 to 2, need no other worker; the next needs the other's first.
                        client.awaitPush();
                        slowMayGo.countDown();
                    }
                }
                client.finish(w);
                assertThat(client.maxStaleness()).isBetween(1L, 2L);
            }
        });
    }

    @Test
    void aLostWorkerDoesNotStopTheOthersWhoseServersAreElsewhere() throws Exception {
        List<Double> results = Gyre.local(4).call(session -> {
            try (ParameterService service = start(session, 1, new StaleSynchronous(1), 0.1)) {
                if (service.isServer()) {
                    service.serve();
                    return 0.0;
                }
                session.beExpendable();
                ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
                Region w = Region.allocate("w", 4 * ELEMENTS);
                client.start(w);
                client.resume(0);
                for (int step = 0; step < 20; step++) {
                    client.beginPull(step);
                    client.awaitPull(w);
                    w.putFloat(0, 1);
                    client.push(w, step, 1, 0);
                    if (session.world().rank() == 2 && step == 4) {
                        client.awaitPush();
                        session.fail("on purpose");
                        return 0.0;
                    }
                }
                client.finish(w);
                return (double) w.getFloat(0);
            }
        });

        assertThat(results.get(0)).isEqualTo(results.get(1)).isBetween(-4.501, -4.499);
    }

    @Test
    void aLostServerIsNamedWithItsShardAndTheStep() throws Exception {
        Queue<Throwable> seen = new ConcurrentLinkedQueue<>();
        CountDownLatch training = new CountDownLatch(1);
        Throwable thrown = catchThrowable(() -> Gyre.local(4).run(session -> {
            try (ParameterService service = start(session, 2, new StaleSynchronous(1), 0.1)) {
                if (service.isServer()) {
                    if (session.world().rank() == 3) {
                        training.await();
                        throw new IllegalStateException("on purpose");
                    }
                    service.serve();
                    return;
                }
                ParameterClient client = service.parameters("w", ElementType.FLOAT32, ELEMENTS);
                Region w = Region.allocate("w", 4 * ELEMENTS);
                client.start(w);
                client.resume(0);
                try {
                    for (int step = 0; ; step++) {
                        client.beginPull(step);
                        client.awaitPull(w);
                        client.push(w, step, 1, 0);
                        if (step == 3) {
                            training.countDown();
                        }
                    }
                } catch (PeerLostException e) {
                    seen.add(e);
                    throw e;
                }
            }
        }));

        assertThat(thrown).isInstanceOf(GyreException.class).hasMessageContaining("on purpose");
        assertThat(seen)
                .isNotEmpty()
                .allSatisfy(failure -> assertThat(failure).hasMessageContainingAll("rank 3", "shard 1 of 2"));
    }
}
