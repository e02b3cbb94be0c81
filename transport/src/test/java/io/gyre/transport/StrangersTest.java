package io.gyre.transport;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.membership.Coordinator;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Offer;
import io.gyre.membership.RunId;
import io.gyre.membership.RunListener;
import io.gyre.membership.SilenceLimits;
import io.gyre.testkit.Eventually;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What processes without the run's secret can do at a rendezvous: nothing but open connections. */
@Timeout(180)
class StrangersTest {

    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final RunSecret SECRET = RunSecret.random(new SecureRandom());
    private static final ControlKey KEY = new ControlKey(SECRET);
    private static final String HOST = "canary-host";

    /** What the run's owner is told. */
    private final List<String> events = new CopyOnWriteArrayList<>();

    private final List<Socket> strangers = new ArrayList<>();

    private final RunListener listener = new RunListener() {
        @Override
        public void joined(Member member) {
            events.add("joined " + member.rank());
        }

        @Override
        public void complete(List<Member> members) {
            events.add("complete");
        }

        @Override
        public void refused(String reason) {
            events.add("refused: " + reason);
        }

        @Override
        public void lost(Member member, String reason) {
            events.add("lost: " + reason);
        }

        @Override
        public void failed(String reason) {
            events.add("failed: " + reason);
        }
    };

    @AfterEach
    void closeStrangers() throws IOException {
        for (Socket stranger : strangers) {
            stranger.close();
        }
    }

    private RendezvousServer open(int worldSize) {
        return RendezvousServer.open(ANY_PORT, worldSize, MINUTE, SECRET, listener);
    }

    private Socket stranger(InetSocketAddress address) throws IOException {
        Socket socket = new Socket(address.getAddress(), address.getPort());
        strangers.add(socket);
        return socket;
    }

    private static CoordinatorLink join(InetSocketAddress address, int rank, int worldSize) throws IOException {
        CoordinatorLink link = CoordinatorLink.connect(address, KEY, rank, MINUTE);
        try {
            link.membership().welcome(MINUTE);
            link.membership().join(joining(rank, worldSize));
            return link;
        } catch (GyreException e) {
            link.close();
            throw e;
        }
    }

    private static Join joining(int rank, int worldSize) {
        return new Join(Message.PROTOCOL_VERSION, worldSize, new Member(rank, HOST, 10 + rank), Map.of());
    }

    private static CompletableFuture<Integer> awaitOthers(CoordinatorLink link) {
        link.membership().ready(Map.of());
        return OwnThread.call(() -> link.membership().awaitEverybody(MINUTE));
    }

    /** Both ranks join, and the run is complete. */
    private void assertTwoRanksCanJoin(InetSocketAddress address) throws Exception {
        try (CoordinatorLink zero = join(address, 0, 2);
                CoordinatorLink one = join(address, 1, 2)) {
            CompletableFuture<Integer> first = awaitOthers(zero);
            assertThat(awaitOthers(one).get(60, TimeUnit.SECONDS)).isEqualTo(1);
            assertThat(first.get(60, TimeUnit.SECONDS)).isZero();
        }
    }

    /** All that a stranger is sent until its connection is closed. */
    private static byte[] answer(Socket stranger) throws IOException {
        stranger.setSoTimeout(60_000);
        try {
            return stranger.getInputStream().readAllBytes();
        } catch (SocketTimeoutException open) {
            throw new AssertionError("the connection is still open", open);
        } catch (IOException reset) {
            return new byte[0];
        }
    }

    private static boolean isOpen(Socket socket) {
        try {
            socket.setSoTimeout(1);
            int read;
            do {
                read = socket.getInputStream().read();
            } while (read >= 0);
            return false;
        } catch (SocketTimeoutException silent) {
            return true;
        } catch (IOException closed) {
            return false;
        }
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return bytes;
    }

    private static byte[] hello() {
        ByteBuffer hello = ByteBuffer.allocate(1 << 12);
        KEY.connect().output(hello);
        return bytes(hello.flip());
    }

    @Test
    void aStrangerWhoComesFirstTakesNoSeat() throws Exception {
        ControlKey wrong = new ControlKey(RunSecret.random(new SecureRandom()));
        try (RendezvousServer server = open(2)) {
            assertThatThrownBy(() -> CoordinatorLink.connect(server.address(), wrong, 1, MINUTE))
                    .isInstanceOf(ControlLink.TurnedAway.class)
                    .hasMessageContainingAll(
                            "the process at 127.0.0.1:" + server.address().getPort(),
                            "did not prove this run's secret",
                            "another secret, or another version of Gyre");
            assertThat(events).isEmpty();

            assertTwoRanksCanJoin(server.address());
            assertThat(events).startsWith("joined 0", "joined 1", "complete");
        }
    }

    @Test
    void aStrangerWhoJoinsInTheClearAndFailsEndsNothingAndLearnsNothing() throws Exception {
        try (RendezvousServer server = open(2)) {
            Socket stranger = stranger(server.address());
            stranger.getOutputStream().write(bytes(MessageChannel.frame(joining(1, 2))));
            stranger.getOutputStream().write(bytes(MessageChannel.frame(new Failed("by a stranger"))));
            assertThat(answer(stranger)).isEmpty();
            assertThat(events).isEmpty();

            assertTwoRanksCanJoin(server.address());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "474554202f20485454502f312e310d0a0d0a", "1603010000", "15030300020228"})
    void whoSpeaksSomethingElseGetsAClosedConnectionAndNoByte(String hex) throws Exception {
        try (RendezvousServer server = open(2)) {
            Socket stranger = stranger(server.address());
            stranger.getOutputStream().write(HexFormat.of().parseHex(hex));
            stranger.shutdownOutput();
            assertThat(answer(stranger)).isEmpty();
            assertThat(events).isEmpty();
        }
    }

    @Test
    void garbageOfEveryLengthHarmsNobody() throws Exception {
        Random random = new Random(3);
        try (RendezvousServer server = open(2)) {
            for (int i = 0; i < 200; i++) {
                byte[] garbage = new byte[1 + random.nextInt(6_000)];
                random.nextBytes(garbage);
                try {
                    stranger(server.address()).getOutputStream().write(garbage);
                } catch (IOException closed) {
                    assertThat(closed).hasMessageMatching("(?s).*(Broken pipe|reset).*");
                }
            }
            assertThat(events).isEmpty();
            assertTwoRanksCanJoin(server.address());
        }
    }

    @Test
    void aStrangerIsReadOnlyAsFarAsAHandshakeGoes() throws Exception {
        try (RendezvousServer server = open(2)) {
            Socket stranger = stranger(server.address());
            // A record of the handshake that announces 16,000 bytes, and one byte too many of them.
            byte[] endless = new byte[MessageChannel.MAX_UNPROVED_BYTES + 1];
            System.arraycopy(new byte[] {22, 3, 3, 0x3e, (byte) 0x80, 1, 0, 0x3e, 0x7c}, 0, endless, 0, 9);
            stranger.getOutputStream().write(endless);
            assertThat(answer(stranger)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 2_000})
    void idleConnectionsKeepNobodyOut(int count) throws Exception {
        try (RendezvousServer server = open(2)) {
            for (int i = 0; i < count; i++) {
                stranger(server.address());
            }
            assertTwoRanksCanJoin(server.address());
        }
    }

    @Test
    void thousandsOfConnectionsWhileARunStartsKeepNobodyOut() throws Exception {
        AtomicInteger opened = new AtomicInteger();
        AtomicBoolean stop = new AtomicBoolean();
        try (RendezvousServer server = open(2)) {
            CompletableFuture<Void> flood = OwnThread.call(() -> {
                Deque<Socket> open = new ArrayDeque<>();
                while (!stop.get() && opened.get() < 10_000) {
                    open.add(new Socket(
                            server.address().getAddress(), server.address().getPort()));
                    opened.incrementAndGet();
                    if (open.size() > 1_000) {
                        open.remove().close();
                    }
                }
                for (Socket socket : open) {
                    socket.close();
                }
                return null;
            });
            Eventually.that("the flood has begun", () -> opened.get() > 1_000);
            JoinOptions.Builder zero =
                    JoinOptions.builder(0, 2, server.endpoint()).secret(SECRET);
            JoinOptions.Builder one =
                    JoinOptions.builder(1, 2, server.endpoint()).secret(SECRET);
            CompletableFuture<Rendezvous> first = OwnThread.call(() -> Rendezvous.find(zero.build()));
            try (Rendezvous second = Rendezvous.find(one.build());
                    Rendezvous found = first.get(90, TimeUnit.SECONDS)) {
                found.membership().join(joining(0, 2));
                second.membership().join(joining(1, 2));
                CompletableFuture<Integer> ready = awaitOthers(found.link());
                assertThat(awaitOthers(second.link()).get(60, TimeUnit.SECONDS)).isEqualTo(1);
                assertThat(ready.get(60, TimeUnit.SECONDS)).isZero();
            } finally {
                stop.set(true);
                flood.get(60, TimeUnit.SECONDS);
            }
            assertThat(events).contains("joined 0", "joined 1", "complete");
        }
    }

    /** An agent whose turns this test takes, and whose time it makes. */
    private RendezvousAgent<Coordinator> agent(AtomicLong clock) throws IOException {
        Member host = new Member(-1, HOST, 1);
        return new RendezvousAgent<>(
                ANY_PORT,
                SECRET,
                2,
                (outbox, now) -> new Coordinator(
                        new RunId(1, 2),
                        2,
                        host,
                        MINUTE,
                        SilenceLimits.DEFAULT,
                        outbox,
                        listener,
                        now,
                        new SplittableRandom(1)),
                clock::get);
    }

    @Test
    void theOldestMakesRoomForAnother() throws Exception {
        RendezvousAgent<Coordinator> agent = agent(new AtomicLong());
        for (int i = 0; i <= Entrance.MAX_STRANGERS; i++) {
            stranger(agent.address());
        }
        while (isOpen(strangers.get(0))) {
            agent.doWork();
        }
        assertThat(Entrance.MAX_STRANGERS).isLessThan(1_000);
        assertThat(strangers.subList(1, strangers.size())).allMatch(StrangersTest::isOpen);
        agent.onClose();
        assertThat(strangers).noneMatch(StrangersTest::isOpen);
    }

    @Test
    void whoDoesNotProveTheSecretInTimeMustGo() throws Exception {
        AtomicLong clock = new AtomicLong();
        RendezvousAgent<Coordinator> agent = agent(clock);
        byte[] hello = hello();
        Socket idle = stranger(agent.address());
        Socket half = stranger(agent.address());
        half.getOutputStream().write(hello);
        Socket slow = stranger(agent.address());
        for (int second = 0; second < 10; second++) {
            slow.getOutputStream().write(hello[second]);
            clock.set(Duration.ofSeconds(second).toNanos());
            agent.doWork();
        }
        assertThat(List.of(idle, half, slow)).allMatch(StrangersTest::isOpen);

        clock.set(Duration.ofSeconds(20).toNanos());
        agent.doWork();

        assertThat(List.of(idle, half, slow)).noneMatch(StrangersTest::isOpen);
        agent.onClose();
    }

    /** As the last one, but the proof is complete: a process that knows the secret, and does not join. */
    @Test
    void membersThatDoNotJoinAreBoundedToo() throws Exception {
        List<CoordinatorLink> guests = new ArrayList<>();
        try (RendezvousServer server = open(2)) {
            for (int i = 0; i < 2 + 64 + 1; i++) {
                guests.add(CoordinatorLink.connect(server.address(), KEY, 1, MINUTE));
                guests.get(i).membership().welcome(MINUTE);
            }
            Eventually.that(
                    "the oldest is gone", () -> guests.get(0).membership().isDetached());
            assertThat(guests.subList(1, guests.size()))
                    .noneMatch(guest -> guest.membership().isDetached());
            assertTwoRanksCanJoin(server.address());
        } finally {
            guests.forEach(CoordinatorLink::close);
        }
    }

    @Test
    void aRecordingOfACompleteJoinIsWorthNothing() throws Exception {
        try (RendezvousServer server = open(2);
                Wiretap tap = new Wiretap(server.address(), Wiretap.NONE);
                CoordinatorLink zero = join(tap.address(), 0, 2)) {
            Eventually.that("rank 0 has joined", () -> events.size() == 1);

            Socket replay = stranger(server.address());
            replay.getOutputStream().write(tap.toTarget());
            answer(replay);

            assertThat(events).containsExactly("joined 0");
            try (CoordinatorLink one = join(server.address(), 1, 2)) {
                CompletableFuture<Integer> first = awaitOthers(zero);
                assertThat(awaitOthers(one).get(60, TimeUnit.SECONDS)).isEqualTo(1);
                assertThat(first.get(60, TimeUnit.SECONDS)).isZero();
            }
        }
    }

    @Test
    void aRecordingTellsNothingOfTheRun() throws Exception {
        String topic = "canary-topic";
        byte[] value = "canary-value".getBytes(ISO_8859_1);
        try (RendezvousServer server = open(1);
                Wiretap tap = new Wiretap(server.address(), Wiretap.NONE);
                CoordinatorLink zero = join(tap.address(), 0, 1)) {
            assertThat(awaitOthers(zero).get(60, TimeUnit.SECONDS)).isZero();
            assertThat(zero.membership().exchange(List.of(0), topic, value, MINUTE))
                    .containsExactly(value);

            String sent = new String(tap.toTarget(), ISO_8859_1) + new String(tap.fromTarget(), ISO_8859_1);
            RunId run = server.run();
            ByteBuffer raw = ByteBuffer.allocate(16).putLong(run.high()).putLong(run.low());
            assertThat(sent)
                    .hasSizeGreaterThan(500)
                    .doesNotContain(HOST, topic, "canary-value", run.toString(), new String(raw.array(), ISO_8859_1));
            // What would be found if it were in the clear.
            Offer offer = new Offer(List.of(0), topic, ByteBuffer.wrap(value));
            assertThat(new String(bytes(MessageChannel.frame(joining(0, 1))), ISO_8859_1)
                            + new String(bytes(MessageChannel.frame(offer)), ISO_8859_1))
                    .contains(HOST, topic, "canary-value");
        }
    }

    @ParameterizedTest
    @CsvSource({"true, 0", "true, 1", "true, 2", "false, 0", "false, 1", "false, 2"})
    void whoChangesARecordOnItsWayEndsTheJoin(boolean toTarget, int number) throws Exception {
        AtomicBoolean changed = new AtomicBoolean();
        Wiretap.Change flip = (up, piece, bytes) -> {
            if (up == toTarget && piece == number) {
                bytes[bytes.length - 1] ^= 1;
                changed.set(true);
            }
        };
        try (RendezvousServer server = open(1);
                Wiretap tap = new Wiretap(server.address(), flip)) {
            assertThatThrownBy(() -> {
                        try (CoordinatorLink zero = join(tap.address(), 0, 1)) {
                            zero.membership().ready(Map.of());
                            zero.membership().awaitEverybody(MINUTE);
                        }
                    })
                    .isInstanceOfAny(ControlLink.TurnedAway.class, GyreException.class);
            assertThat(changed).isTrue();
        }
    }
}
