package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.RendezvousServer;
import io.gyre.transport.TransportMode;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Two workers and a server, with sessions as processes have them; a worker is lost and restarted, while messages are
 * lost, too.
 */
@Timeout(120)
class ReturningWorkerTest {

    private static final int SIZE = 3;
    private static final int SERVER = 2;
    private static final int ELEMENTS = 1_000;
    private static final Duration A_WHILE = Duration.ofMinutes(1);

    private final Set<Long> counts = ConcurrentHashMap.newKeySet();
    private final CountDownLatch away = new CountDownLatch(1);
    private final CountDownLatch back = new CountDownLatch(1);
    private RendezvousServer rendezvous;
    private TransportMode mode = TransportMode.AUTO;
    private Consistency consistency = new AsynchronousParallel();
    private Supplier<GradientCodec> codecs;

    @BeforeEach
    void open() {
        rendezvous = RendezvousServer.open(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), SIZE, Duration.ofMinutes(1));
    }

    @AfterEach
    void close() {
        rendezvous.close();
    }

    private static <T> FutureTask<T> onThread(String name, Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    private AeronSession join(int rank) {
        return AeronSession.join(JoinOptions.builder(rank, SIZE, rendezvous.endpoint())
                .transport(mode)
                .peerTimeout(A_WHILE)
                .build());
    }

    private ParameterService service(Session session) {
        SplittableRandom random = new SplittableRandom(session.world().rank());
        return ParameterService.builder(session)
                .servers(1)
                .training(new Training(consistency, new GradientDescent(-1)).compress(codecs))
                .retryAfter(Duration.ofMillis(10))
                .callTimeout(A_WHILE)
                .faults(() -> random.nextInt(10) == 0 ? 0 : random.nextInt(10) == 0 ? 2 : 1)
                .start();
    }

    private Boolean serve() {
        try (AeronSession session = join(SERVER);
                ParameterService service = service(session)) {
            service.serve();
        }
        return true;
    }

    /** One worker's process: what it has pushed, and last seen. */
    private final class Life implements AutoCloseable {
        private final AeronSession session;
        private final ParameterService service;
        private final ServerCounter counter;
        private final ParameterClient client;
        private final Region w = Region.allocate("w", 4L * ELEMENTS);
        private final Region one = Region.allocate("one", 4L * ELEMENTS);
        private final long firstStep;
        private long step;

        Life(int rank) {
            session = join(rank);
            service = service(session);
            counter = service.counter("numbers");
            client = service.parameters("cells", ElementType.FLOAT32, ELEMENTS);
            for (int cell = rank; cell < ELEMENTS; cell += 2) {
                one.putFloat(4L * cell, 1);
            }
            client.start(w);
            firstStep = client.resume(0);
            step = firstStep;
        }

        private void push() {
            client.beginPull(step);
            client.awaitPull(w);
            assertThat(counts.add(counter.getAndAdd(1)))
                    .as("a number comes once")
                    .isTrue();
            client.push(one, step, 1, 0);
            step++;
        }

        /** Pushes that are acknowledged. */
        void push(int times) {
            for (int i = 0; i < times; i++) {
                push();
                client.awaitPush();
            }
        }

        long pushed() {
            return step - firstStep;
        }

        /** Ends without notifying the servers, as a killed process does. */
        void die() {
            session.fail("on purpose");
            session.close();
        }

        Life finish() {
            client.finish(w);
            return this;
        }

        @Override
        public void close() {
            service.close();
            session.close();
        }
    }

    private Life steady(int before, int after) throws InterruptedException {
        Life life = new Life(0);
        life.push(before);
        assertThat(away.await(1, TimeUnit.MINUTES)).isTrue();
        // The bound applies to the workers in the run: none waits for the lost one.
        life.push(before);
        assertThat(back.await(1, TimeUnit.MINUTES)).isTrue();
        life.push(after);
        return life.finish();
    }

    /** Each worker's gradient is one in every second cell, which the codec sends exactly. */
    @ParameterizedTest(name = "{0}, staleness {1}, with a push on the way: {2}, codec {3}")
    @CsvSource({
        "AUTO, 1000000, false,",
        "AUTO, 2, false,",
        "UDP, 2, false,",
        "UDP, 1000000, false,",
        "UDP, 1000000, true,",
        "UDP, 1000000, true, topk:0.5"
    })
    void whatWasAcknowledgedCountsOnceBeforeAndAfter(
            TransportMode transport, int staleness, boolean onTheWay, String codec) throws Exception {
        codecs = codec == null ? null : GradientCodecs.of(codec);
        mode = transport;
        consistency = staleness > 100 ? new AsynchronousParallel() : new StaleSynchronous(staleness);
        int pushes = 60;
        FutureTask<Boolean> server = onThread("server", this::serve);
        FutureTask<Life> other = onThread("steady", () -> steady(staleness > 100 ? pushes : 1, pushes));
        FutureTask<Long> first = onThread("first life", () -> {
            Life life = new Life(1);
            life.push(staleness > 100 ? pushes : 1);
            long acknowledged = life.pushed();
            if (onTheWay) {
                life.push();
            }
            life.die();
            return acknowledged;
        });
        long acknowledged = first.get(1, TimeUnit.MINUTES);
        away.countDown();
        FutureTask<Life> second = onThread("second life", () -> {
            Life life = new Life(1);
            assertThat(life.session.incarnation(1)).isEqualTo(1);
            back.countDown();
            life.push(pushes);
            return life.finish();
        });

        try (Life life = second.get(1, TimeUnit.MINUTES);
                Life steady = other.get(1, TimeUnit.MINUTES)) {
            double own = life.w.getFloat(4);
            double others = life.w.getFloat(0);
            assertThat(others).isEqualTo((double) steady.pushed());
            assertThat(own)
                    .as("%d and %d acknowledged pushes", acknowledged, life.pushed())
                    .isBetween(
                            (double) acknowledged + life.pushed(), acknowledged + life.pushed() + (onTheWay ? 1.0 : 0));
            for (int cell = 0; cell < ELEMENTS; cell++) {
                assertThat((double) life.w.getFloat(4L * cell)).isEqualTo(cell % 2 == 0 ? others : own);
                assertThat(steady.w.getFloat(4L * cell)).isEqualTo(life.w.getFloat(4L * cell));
            }
            if (staleness < 100) {
                assertThat(life.client.maxStaleness()).isLessThanOrEqualTo(staleness);
                assertThat(life.firstStep).as("where the other was").isBetween(1L, 2L);
            }
            steady.service.close();
            life.service.close();
        }
        assertThat(server.get(1, TimeUnit.MINUTES)).isTrue();
    }

    @Test
    void theRootComesBackAndHarmsNothingThatItHadMade() throws Exception {
        FutureTask<Boolean> server = onThread("server", this::serve);
        FutureTask<Life> other = onThread("other", () -> {
            Life life = new Life(1);
            life.push(20);
            assertThat(back.await(1, TimeUnit.MINUTES)).isTrue();
            life.push(20);
            return life.finish();
        });
        FutureTask<Boolean> first = onThread("first life", () -> {
            Life life = new Life(0);
            life.push(20);
            life.die();
            return true;
        });
        first.get(1, TimeUnit.MINUTES);

        FutureTask<Life> second = onThread("second life", () -> {
            Life life = new Life(0);
            back.countDown();
            life.push(10);
            return life.finish();
        });

        try (Life life = second.get(1, TimeUnit.MINUTES);
                Life steady = other.get(1, TimeUnit.MINUTES)) {
            assertThat(life.w.getFloat(0)).isEqualTo(30);
            assertThat(life.w.getFloat(4)).isEqualTo(40);
            assertThat(steady.w.getFloat(0)).isEqualTo(30);
        }
        assertThat(counts).hasSize(70);
        assertThat(server.get(1, TimeUnit.MINUTES)).isTrue();
    }

    @Test
    void anElasticCentreKeepsWhatItHasWhenItsRootComesBack() throws Exception {
        FutureTask<Boolean> server = onThread("server", this::serve);
        Callable<Float> other = () -> {
            try (AeronSession session = join(1);
                    ParameterService service = service(session)) {
                CentreVariable centre = service.centre("centre", ElementType.FLOAT32, ELEMENTS);
                Region values = Region.allocate("values", 4L * ELEMENTS);
                centre.start(values);
                assertThat(back.await(1, TimeUnit.MINUTES)).isTrue();
                centre.finish(values);
                return values.getFloat(0);
            }
        };
        FutureTask<Float> steady = onThread("other", other);
        FutureTask<Boolean> first = onThread("first life", () -> {
            AeronSession session = join(0);
            add(session, service(session), 5);
            session.fail("on purpose");
            session.close();
            return true;
        });
        first.get(1, TimeUnit.MINUTES);
        FutureTask<Boolean> second = onThread("second life", () -> {
            try (AeronSession session = join(0);
                    ParameterService service = service(session)) {
                CentreVariable centre = add(session, service, 7);
                back.countDown();
                centre.finish(Region.allocate("values", 4L * ELEMENTS));
                return true;
            }
        });

        assertThat(steady.get(1, TimeUnit.MINUTES)).isEqualTo(5 + 7);
        assertThat(second.get(1, TimeUnit.MINUTES)).isTrue();
        assertThat(server.get(1, TimeUnit.MINUTES)).isTrue();
    }

    private static CentreVariable add(AeronSession session, ParameterService service, int times) {
        CentreVariable centre = service.centre("centre", ElementType.FLOAT32, ELEMENTS);
        Region values = Region.allocate("values", 4L * ELEMENTS);
        centre.start(values);
        assertThat(values.getFloat(0)).isEqualTo(session.incarnation(0) * 5);
        values.clear();
        values.putFloat(0, 1);
        for (int i = 0; i < times; i++) {
            centre.beginAccumulate(values);
            centre.awaitAccumulate();
        }
        return centre;
    }

    @Test
    void anotherProgramIsRefusedAndTheOthersGoOn() throws Exception {
        FutureTask<Boolean> server = onThread("server", this::serve);
        FutureTask<Life> other = onThread("steady", () -> steady(5, 5));
        onThread("first life", () -> {
                    Life life = new Life(1);
                    life.die();
                    return true;
                })
                .get(1, TimeUnit.MINUTES);
        away.countDown();
        FutureTask<Boolean> second = onThread("second life", () -> {
            try (AeronSession session = join(1)) {
                assertThatThrownBy(() -> ParameterService.builder(session)
                                .servers(1)
                                .training(new Training(new StaleSynchronous(7), new GradientDescent(-1)))
                                .start())
                        .isInstanceOf(GyreException.class)
                        .hasMessageContainingAll("the parameter service", "'consistency'", "ssp(7)");
                session.fail("it runs another program");
            }
            return true;
        });
        second.get(1, TimeUnit.MINUTES);
        back.countDown();

        try (Life steady = other.get(1, TimeUnit.MINUTES)) {
            assertThat(steady.w.getFloat(0)).isEqualTo((float) steady.pushed());
        }
        assertThat(server.get(1, TimeUnit.MINUTES)).isTrue();
    }
}
