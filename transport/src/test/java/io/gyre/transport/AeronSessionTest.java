package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.ReduceOp;
import io.gyre.allreduce.RingCollective;
import io.gyre.local.LocalCluster;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.network.FrameReceiver;
import io.gyre.network.FrameSender;
import io.gyre.session.Session;
import io.gyre.testkit.Eventually;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Several sessions in one JVM. Tests that kill processes are in {@link KilledRankTest}. */
@Timeout(120)
class AeronSessionTest {

    @TempDir
    Path directory;

    private JoinOptions.Builder options(int rank, int worldSize) {
        return JoinOptions.builder(
                rank, worldSize, directory.resolve("rendezvous").toString());
    }

    @ParameterizedTest
    @EnumSource(TransportMode.class)
    void aWorldOfOneNeedsNobody(TransportMode mode) {
        try (AeronSession session =
                AeronSession.join(options(0, 1).transport(mode).build())) {
            Region data = Region.allocate("data", 64);
            data.putFloat(0, 3);

            new RingCollective(session.endpoint()).allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);

            assertThat(data.getFloat(0)).isEqualTo(3);
            assertThat(session.exchange("nothing", new byte[2])).hasSize(1);
            assertThat(session.members()).hasSize(1);
            assertThat(session.bytesSent()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource(TransportMode.class)
    void theModeDecidesWhichNetworkRanksOfOneHostUse(TransportMode mode) throws Exception {
        List<String> used = AeronCluster.of(2, mode, directory).call(Session::transport);

        assertThat(used).containsOnly(mode == TransportMode.AUTO ? "shm" : mode.toString());
    }

    @Test
    void ranksOfOneHostShareMemoryAndThoseOfAnotherGetUdp() throws Exception {
        LocalCluster.Network twoHosts = (size, peerTimeout) -> rank -> AeronSession.join(
                options(rank, size).hostId(rank < 2 ? "left" : "right").build());

        List<String> used = LocalCluster.over(twoHosts, 3).call(session -> {
            Region data = Region.allocate("data", 1 << 20);
            data.putFloat(0, session.world().rank() + 1);
            new RingCollective(session.endpoint()).allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
            assertThat(data.getFloat(0)).isEqualTo(6);
            return session.transport();
        });

        assertThat(used).containsExactly("shm+udp", "shm+udp", "udp");
    }

    @Test
    void ranksThatCannotShareMemorySaySoIfTheyMust() {
        LocalCluster.Network twoHosts = (size, peerTimeout) -> rank -> AeronSession.join(options(rank, size)
                .transport(TransportMode.IPC)
                .hostId("host" + rank)
                .build());

        assertThatThrownBy(() -> LocalCluster.over(twoHosts, 2).run(session -> {}))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("transport ipc needs all ranks on one host")
                .hasMessageContainingAll("'host0'", "'host1'", "Use transport auto or udp");
    }

    @Test
    void ranksWithoutNumberGetOne() throws Exception {
        try (RendezvousServer server = RendezvousServer.open(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 3, Duration.ofMinutes(1))) {
            LocalCluster.Network anyRank = (size, peerTimeout) ->
                    rank -> AeronSession.join(JoinOptions.builder(JoinOptions.ANY_RANK, size, server.endpoint())
                            .build());

            List<Integer> ranks = LocalCluster.over(anyRank, 3).call(session -> {
                Region data = Region.allocate("data", 64);
                data.putFloat(0, session.world().rank());
                new RingCollective(session.endpoint()).allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
                assertThat(data.getFloat(0)).isEqualTo(3);
                return session.world().rank();
            });

            assertThat(ranks).containsExactlyInAnyOrder(0, 1, 2);
        }
    }

    @Test
    void aRankThatNeverComesIsNamedAfterTheJoinTimeout() {
        LocalCluster.Network incomplete = (size, peerTimeout) -> rank -> AeronSession.join(
                options(rank, 4).joinTimeout(Duration.ofMillis(1500)).build());

        assertThatThrownBy(() -> LocalCluster.over(incomplete, 2).run(session -> {}))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("did not start within 1500 ms", "Missing of 4 ranks: [2, 3]", "rank 0 (host");
    }

    @Test
    void aRankThatIsThereTwiceIsRefusedAndTheOthersGoOn() throws Exception {
        CompletableFuture<AeronSession> zero =
                OwnThread.call(() -> AeronSession.join(options(0, 2).build()));
        // Its network comes after its place is taken; the rendezvous opens before, and the copy could take it.
        Eventually.that(
                "rank 0 has joined",
                () -> Thread.getAllStackTraces().keySet().stream()
                        .anyMatch(thread -> thread.getName().startsWith("gyre-keep-alive-r0-")));
        CompletableFuture<Throwable> copy = OwnThread.call(
                () -> catchThrowable(() -> AeronSession.join(options(0, 2).build())));

        assertThat(copy.get(30, TimeUnit.SECONDS))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("has joined already: host " + HostIdentity.name() + ", pid "
                        + ProcessHandle.current().pid());

        CompletableFuture<AeronSession> one =
                OwnThread.call(() -> AeronSession.join(options(1, 2).build()));
        try (AeronSession first = zero.get(30, TimeUnit.SECONDS);
                AeronSession second = one.get(30, TimeUnit.SECONDS)) {
            assertThat(first.world().size()).isEqualTo(second.world().size());
        }
    }

    @Test
    void anotherWorldSizeIsRefusedWithBothNamed() throws Exception {
        CompletableFuture<Throwable> zero = OwnThread.call(() -> catchThrowable(() -> AeronSession.join(
                options(0, 2).joinTimeout(Duration.ofSeconds(2)).build())));
        Eventually.that("rank 0 waits", () -> Files.exists(directory.resolve("rendezvous")));

        assertThatThrownBy(() -> AeronSession.join(options(1, 3).build()))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("rank 1 (host", "expects a world of 3 ranks", "expects 2");

        assertThat(zero.get(30, TimeUnit.SECONDS))
                .hasMessageContainingAll("Missing of 2 ranks: [1]", "Refused: [rank 1");
    }

    @Test
    void sharedMemoryThatIsTooSmallIsNamedWithBytesAndTheOthersHearOfIt() throws Exception {
        StorageSpace small = path -> 1_000_000;
        CompletableFuture<Throwable> zero = OwnThread.call(
                () -> catchThrowable(() -> AeronSession.join(options(0, 2).build())));
        Eventually.that("rank 0 waits", () -> Files.exists(directory.resolve("rendezvous")));

        assertThatThrownBy(() -> AeronSession.join(options(1, 2).build(), RunDirectory.sharedMemory(), small))
                .isInstanceOf(GyreException.class)
                .hasMessageMatching(
                        "rank 1: a media driver needs \\d{8} bytes in /dev/shm/gyre-.*, 1000000 are available.*");

        assertThat(zero.get(30, TimeUnit.SECONDS))
                .hasMessageContainingAll("rank 1 (host", "it could not join", "1000000");
    }

    @Test
    void sharedMemoryThatFillsUpIsNamedWhenAStreamIsOpened() throws Exception {
        AtomicInteger megabytes = new AtomicInteger(1_000);
        StorageSpace shrinking = path -> megabytes.get() * 1_000_000L;
        LocalCluster.Network network = (size, peerTimeout) ->
                rank -> AeronSession.join(options(rank, size).build(), RunDirectory.sharedMemory(), shrinking);

        LocalCluster.over(network, 2).run(session -> {
            session.exchange("all here", new byte[0]);
            megabytes.set(1);
            assertThatThrownBy(
                            () -> session.endpoint().sender(1 - session.world().rank()))
                    .isInstanceOf(GyreException.class)
                    .hasMessageContainingAll("the stream to rank", "needs", "1000000 are available");
            session.exchange("all done", new byte[0]);
        });
    }

    @Test
    void anAddressThatOthersReachMustBeTrusted() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AeronSession.join(options(0, 1)
                        .transport(TransportMode.UDP)
                        .bind("0.0.0.0")
                        .build()))
                .withMessageContaining("is not loopback");
        assertThat(gyreFiles()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = {"IPC", "UDP"})
    void nothingIsLeftAfterManySessions(TransportMode mode) throws Exception {
        LocalCluster cluster = AeronCluster.of(2, mode, directory);
        for (int i = 0; i < 20; i++) {
            cluster.run(session -> {
                Region data = Region.allocate("data", 100_000);
                new RingCollective(session.endpoint()).allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
            });
        }

        assertThat(gyreFiles()).isEmpty();
        Eventually.that("all threads have ended", () -> gyreThreads().isEmpty());
        assertThat(directory).isEmptyDirectory();
    }

    private static List<Path> gyreFiles() {
        Path home = RunDirectory.sharedMemory().resolve("gyre-" + System.getProperty("user.name"));
        if (!Files.exists(home)) {
            return List.of();
        }
        String own = ProcessHandle.current().pid() + "-";
        try (Stream<Path> files = Files.list(home)) {
            return files.filter(file -> file.getFileName().toString().startsWith(own))
                    .toList();
        } catch (IOException e) {
            throw new AssertionError("the directory vanished while it was listed", e);
        }
    }

    private static List<String> gyreThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("gyre-"))
                .toList();
    }

    @ParameterizedTest
    @EnumSource(names = {"IPC", "UDP"})
    void closingFromAnotherThreadEndsAWait(TransportMode mode) throws Exception {
        CountDownLatch waiting = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        AtomicReference<Session> victim = new AtomicReference<>();
        AtomicReference<Throwable> seen = new AtomicReference<>();

        AeronCluster.of(2, mode, directory).run(session -> {
            if (session.world().isRoot()) {
                victim.set(session);
                waiting.countDown();
                seen.set(catchThrowable(() -> talkForEver(session.endpoint(), 1)));
                ended.countDown();
            } else {
                assertThat(waiting.await(30, TimeUnit.SECONDS)).isTrue();
                victim.get().close();
                assertThat(ended.await(30, TimeUnit.SECONDS)).isTrue();
            }
        });

        assertThat(seen.get()).isInstanceOf(IllegalStateException.class).hasMessageContaining("this session is closed");
    }

    private static void talkForEver(Endpoint endpoint, int peer) {
        Region payload = Region.allocate("payload", 1_000);
        FrameSender sender = endpoint.sender(peer);
        FrameReceiver receiver = endpoint.receiver(peer);
        Frame frame = new Frame().set(Frame.Kind.DATA, 0, 0, 0, 0, 1_000);
        Activity activity = new Activity();
        activity.begin("talking", 0, 0, 0);
        while (true) {
            int work = sender.offer(frame, payload, 0) ? 1 : 0;
            work += receiver.poll((header, bytes, offset) -> true, 1);
            endpoint.await(work, activity);
        }
    }

    @Test
    void aFailureWhileAFrameIsCopiedLeavesTheStreamIntact() throws Exception {
        AeronCluster.of(2, TransportMode.IPC, directory).run(session -> {
            Activity activity = new Activity();
            activity.begin("sending", 0, 0, 0);
            Endpoint endpoint = session.endpoint();
            int peer = 1 - session.world().rank();
            Region payload = Region.allocate("payload", 100);
            Frame frame = new Frame().set(Frame.Kind.DATA, 0, 0, 0, 0, 100);
            FrameSender sender = endpoint.sender(peer);
            session.exchange("streams", new byte[0]);

            assertThatThrownBy(() -> {
                        while (!sender.offer(frame, payload, 50)) {
                            endpoint.await(0, activity);
                        }
                    })
                    .isInstanceOf(IndexOutOfBoundsException.class);
            while (!sender.offer(frame, payload, 0)) {
                endpoint.await(0, activity);
            }

            int[] received = {0};
            while (received[0] == 0) {
                endpoint.await(endpoint.receiver(peer).poll((header, bytes, offset) -> ++received[0] > 0, 1), activity);
            }
            session.exchange("the end", new byte[0]);
        });
    }
}
