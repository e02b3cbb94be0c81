package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.kernel.GradientCodec;
import io.gyre.kernel.GradientCodecs;
import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.training.ServerState;
import io.gyre.transport.AeronSession;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.RendezvousServer;
import io.gyre.transport.TransportMode;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two workers and several servers with backups, with sessions as processes have them; servers are lost. */
@Timeout(120)
class LostServerTest {

    private static final int WORKERS = 2;
    private static final int ELEMENTS = 1_000;
    private static final Duration A_WHILE = Duration.ofMinutes(1);

    private final Set<Long> counts = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicLong pushes = new AtomicLong();

    /** The current process of each server. */
    private final AtomicReferenceArray<ServerLife> lives = new AtomicReferenceArray<>(8);

    private RendezvousServer rendezvous;
    private LocalCluster.Rendezvous local;
    private TransportMode mode = TransportMode.AUTO;
    private Consistency consistency = new AsynchronousParallel();
    private Supplier<GradientCodec> codecs;
    private int servers = 2;

    private void open() {
        rendezvous = RendezvousServer.open(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), WORKERS + servers, A_WHILE);
    }

    @AfterEach
    void close() {
        if (rendezvous != null) {
            rendezvous.close();
        }
    }

    private static <T> FutureTask<T> onThread(String name, Callable<T> work) {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        return task;
    }

    private Session join(int rank) throws Exception {
        if (local != null) {
            return local.join(rank);
        }
        return AeronSession.join(JoinOptions.builder(rank, WORKERS + servers, rendezvous.endpoint())
                .transport(mode)
                .peerTimeout(A_WHILE)
                .build());
    }

    private ParameterService service(Session session) {
        return ParameterService.builder(session)
                .servers(servers)
                .backups(1)
                .training(new Training(consistency, SimulatedCopies.ORDERED).compress(codecs))
                .callTimeout(A_WHILE)
                .start();
    }

    /** One process of a server. */
    private final class ServerLife {
        private final Session session;
        private final ParameterService service;

        ServerLife(int rank) throws Exception {
            session = join(rank);
            service = service(session);
            lives.set(rank, this);
        }

        /** Returns whether it has served to the end. */
        boolean serve() {
            try (session;
                    service) {
                service.serve();
                return true;
            } catch (GyreException e) {
                return false;
            }
        }

        /** Ends without a word to anybody but the coordinator, as a killed process does. */
        void die() {
            session.fail("on purpose");
            session.close();
        }
    }

    private FutureTask<Boolean> startServer(int rank) {
        return onThread("server " + rank, () -> new ServerLife(rank).serve());
    }

    private void await(Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + A_WHILE.toNanos();
        while (!condition.call()) {
            assertThat(System.nanoTime() - deadline).as("time over").isNegative();
            Thread.onSpinWait();
        }
    }

    private boolean isBacked(int rank) {
        ServerLife life = lives.get(rank);
        Map<Integer, Integer> by = life == null ? Map.of() : life.service.backedBy();
        return !by.isEmpty()
                && by.entrySet().stream()
                        .allMatch(each -> !life.session.hasEnded(each.getKey())
                                && life.session.incarnation(each.getKey()) == each.getValue());
    }

    private boolean areAllBacked() {
        for (int rank = WORKERS; rank < WORKERS + servers; rank++) {
            if (!isBacked(rank)) {
                return false;
            }
        }
        return true;
    }

    /** What a worker has pushed, and finds at the end. */
    private record Found(long pushed, List<Float> cells, List<Float> box) {}

    /** Pushes 1 to every second cell until all is over. */
    private Found work(int rank) throws Exception {
        try (Session session = join(rank);
                ParameterService service = service(session)) {
            ServerCounter counter = service.counter("numbers");
            ParameterClient client = service.parameters("cells", ElementType.FLOAT32, ELEMENTS);
            CentreVariable centre = service.centre("centre", ElementType.FLOAT32, ELEMENTS);
            Region w = Region.allocate("w", 4L * ELEMENTS);
            Region one = Region.allocate("one", 4L * ELEMENTS);
            client.start(w);
            centre.start(w);
            for (int cell = rank; cell < ELEMENTS; cell += 2) {
                one.putFloat(4L * cell, 1);
            }
            long step = client.resume(0);
            long pushed = 0;
            while (!over.get()) {
                client.beginPull(step);
                client.awaitPull(w);
                assertThat(w.getFloat(4L * rank)).as("own pushes so far").isEqualTo((float) pushed);
                assertThat(counts.add(counter.getAndAdd(1)))
                        .as("a number comes once")
                        .isTrue();
                client.push(one, step, 1, 0);
                centre.beginAccumulate(one);
                client.awaitPush();
                centre.awaitAccumulate();
                step++;
                pushed++;
                pushes.incrementAndGet();
            }
            client.finish(w);
            List<Float> cells = floats(w);
            centre.finish(w);
            return new Found(pushed, cells, floats(w));
        }
    }

    private static List<Float> floats(Region region) {
        List<Float> all = new ArrayList<>();
        for (int i = 0; i < ELEMENTS; i++) {
            all.add(region.getFloat(4L * i));
        }
        return all;
    }

    private void assertAllThereOnce(List<Found> found) {
        long all = found.stream().mapToLong(Found::pushed).sum();
        assertThat(counts).hasSize((int) all);
        for (Found each : found) {
            for (int cell = 0; cell < ELEMENTS; cell++) {
                float expected = found.get(cell % 2).pushed();
                assertThat(each.cells.get(cell)).as("cell %d", cell).isEqualTo(expected);
                assertThat(each.box.get(cell))
                        .as("element %d of the centre", cell)
                        .isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest(name = "{0}, {1} servers, {2} of them killed and restarted in turn, codec {3}")
    @CsvSource({"AUTO, 2, 4,", "IPC, 2, 2,", "UDP, 2, 3,", "UDP, 3, 3,", "UDP, 2, 2, topk:0.5"})
    void whatWasAcknowledgedCountsOnceHoweverOftenServersAreLost(
            TransportMode transport, int count, int kills, String codec) throws Exception {
        mode = transport;
        servers = count;
        codecs = codec == null ? null : GradientCodecs.of(codec);
        open();
        List<FutureTask<Boolean>> last = new ArrayList<>();
        for (int rank = WORKERS; rank < WORKERS + servers; rank++) {
            last.add(startServer(rank));
        }
        List<FutureTask<Found>> workers = new ArrayList<>();
        for (int rank = 0; rank < WORKERS; rank++) {
            int own = rank;
            workers.add(onThread("worker " + rank, () -> work(own)));
        }
        for (int kill = 0; kill < kills; kill++) {
            long before = pushes.get();
            await(() -> areAllBacked() && pushes.get() > before + 20);
            int victim = WORKERS + kill % servers;
            lives.get(victim).die();
            assertThat(last.get(kill % servers).get(1, TimeUnit.MINUTES))
                    .as("a killed server")
                    .isFalse();
            last.set(kill % servers, startServer(victim));
        }
        await(this::areAllBacked);
        over.set(true);

        List<Found> found = new ArrayList<>();
        for (FutureTask<Found> worker : workers) {
            found.add(worker.get(1, TimeUnit.MINUTES));
        }
        assertAllThereOnce(found);
        for (FutureTask<Boolean> server : last) {
            assertThat(server.get(1, TimeUnit.MINUTES))
                    .as("it has served to the end")
                    .isTrue();
        }
    }

    /** In the model with bounds, and in lockstep, too. */
    @ParameterizedTest(name = "{0}, staleness {1}")
    @CsvSource({"LOCAL, 0", "LOCAL, 2", "AUTO, 0", "IPC, 2", "UDP, 2"})
    void theFirstLossIsSurvivedWithoutARestart(String transport, int staleness) throws Exception {
        consistency = Consistency.of(String.valueOf(staleness));
        if (transport.equals("LOCAL")) {
            local = LocalCluster.Network.inProcess().open(WORKERS + servers, A_WHILE);
        } else {
            mode = TransportMode.valueOf(transport);
            open();
        }
        int steps = 200;
        List<FutureTask<Boolean>> all = List.of(startServer(2), startServer(3));
        List<FutureTask<List<Float>>> workers = new ArrayList<>();
        for (int rank = 0; rank < WORKERS; rank++) {
            int own = rank;
            workers.add(onThread("worker " + rank, () -> train(own, steps)));
        }
        await(() -> pushes.get() > 100);
        lives.get(2).die();

        for (FutureTask<List<Float>> worker : workers) {
            List<Float> cells = worker.get(1, TimeUnit.MINUTES);
            // In lockstep an update is the mean of both.
            float expected = staleness == 0 ? steps / 2f : steps;
            assertThat(cells).allSatisfy(cell -> assertThat(cell).isEqualTo(expected));
        }
        assertThat(all.get(1).get(1, TimeUnit.MINUTES)).isTrue();
    }

    private List<Float> train(int rank, int steps) throws Exception {
        try (Session session = join(rank);
                ParameterService service = service(session)) {
            ParameterClient client = service.parameters("cells", ElementType.FLOAT32, ELEMENTS);
            Region w = Region.allocate("w", 4L * ELEMENTS);
            Region one = Region.allocate("one", 4L * ELEMENTS);
            for (int cell = rank; cell < ELEMENTS; cell += 2) {
                one.putFloat(4L * cell, 1);
            }
            client.start(w);
            client.resume(0);
            for (int step = 0; step < steps; step++) {
                client.beginPull(step);
                client.awaitPull(w);
                client.push(one, step, 1, 0);
                pushes.incrementAndGet();
            }
            checkCut(service, client, one);
            client.finish(w);
            assertThat(client.maxStaleness()).isLessThanOrEqualTo(2);
            assertThat(service.lostServers()).containsExactly(2);
            return floats(w);
        }
    }

    /** What rank 0 would save. */
    private void checkCut(ParameterService service, ParameterClient client, Region into) {
        ServerState state = client.serverState();
        state.pause();
        service.workers().exchange("a cut", new byte[0]);
        if (service.workers().world().isRoot()) {
            assertThat(state.read(0, into)).as("updates").isPositive();
            assertThat(into.getFloat(0)).isEqualTo(into.getFloat(4)).isGreaterThan(90);
            state.read(1, into);
            assertThat(into.getFloat(0)).as("a slot").isPositive();
        }
        service.workers().exchange("after the cut", new byte[0]);
    }

    @Test
    void whenBothCopiesAreLostTheRunEndsForAllAndTheErrorSaysWhy() throws Exception {
        open();
        List<FutureTask<Boolean>> all = List.of(startServer(2), startServer(3));
        List<FutureTask<Found>> workers =
                List.of(onThread("worker 0", () -> work(0)), onThread("worker 1", () -> work(1)));
        await(() -> areAllBacked() && pushes.get() > 20);
        lives.get(2).die();
        long before = pushes.get();
        await(() -> pushes.get() > before + 20);
        lives.get(3).die();

        for (FutureTask<Found> worker : workers) {
            assertThatThrownBy(() -> worker.get(1, TimeUnit.MINUTES))
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(PeerLostException.class)
                    .hasMessageContainingAll("rank 3", "was lost");
        }
        for (FutureTask<Boolean> server : all) {
            assertThat(server.get(1, TimeUnit.MINUTES)).isFalse();
        }
    }

    @Test
    void aServerWhoseWorkersWereAllLostDoesNotEndAsIfTheyWereDone() throws Exception {
        open();
        List<FutureTask<Boolean>> all = List.of(startServer(2), startServer(3));
        List<FutureTask<Boolean>> workers = new ArrayList<>();
        for (int rank = 0; rank < WORKERS; rank++) {
            int own = rank;
            workers.add(onThread("worker " + rank, () -> loseWorker(own)));
        }
        for (FutureTask<Boolean> worker : workers) {
            worker.get(1, TimeUnit.MINUTES);
        }
        for (FutureTask<Boolean> server : all) {
            assertThat(server.get(1, TimeUnit.MINUTES)).isFalse();
        }
    }

    private Boolean loseWorker(int rank) throws Exception {
        Session session = join(rank);
        ParameterService service = service(session);
        service.outliveThis();
        service.workers().exchange("both are expendable", new byte[0]);
        session.fail("on purpose");
        session.close();
        return true;
    }

    @Test
    void backupsNeedTwoServersOfTheirOwn() {
        assertThatThrownBy(() -> Gyre.local(2)
                        .run(session -> ParameterService.builder(session)
                                .servers(1)
                                .backups(1)
                                .start()))
                .hasCauseInstanceOf(IllegalArgumentException.class)
                .hasMessageContainingAll("backups(1) with servers(1)", "give servers(2) or more");
        assertThatThrownBy(() -> Gyre.local(2)
                        .run(session -> ParameterService.builder(session).backups(2)))
                .hasCauseInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("backups");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> StrategyOptions.builder(StrategyOptions.Kind.PARAMSERVER)
                        .servers(1)
                        .backups(1)
                        .build())
                .withMessageContainingAll("--backups 1 needs --servers 2 or more, not 1");
    }
}
