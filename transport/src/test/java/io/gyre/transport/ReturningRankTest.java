package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.network.Frame;
import io.gyre.testkit.Eventually;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A rank that is lost and restarted, with the coordinator and streams that processes have. */
@Timeout(120)
class ReturningRankTest {

    private static final int LANE = 1;
    private static final int SIZE = 3;
    private static final int LOST = 1;

    private RendezvousServer server;
    private final List<AeronSession> sessions = new ArrayList<>();

    @BeforeEach
    void open() {
        server = RendezvousServer.open(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), SIZE, Duration.ofMinutes(1));
    }

    @AfterEach
    void close() throws Exception {
        List<CompletableFuture<Boolean>> ends = new ArrayList<>();
        for (AeronSession session : sessions) {
            ends.add(OwnThread.call(() -> {
                session.close();
                return true;
            }));
        }
        for (CompletableFuture<Boolean> end : ends) {
            end.get(1, TimeUnit.MINUTES);
        }
        server.close();
    }

    private AeronSession join(int rank, TransportMode mode) {
        return AeronSession.join(JoinOptions.builder(rank, SIZE, server.endpoint())
                .transport(mode)
                .peerTimeout(Duration.ofSeconds(60))
                .build());
    }

    /** All ranks; those below 2 are expendable, as workers are. */
    private void joinAll(TransportMode mode) throws Exception {
        List<CompletableFuture<AeronSession>> joining = new ArrayList<>();
        for (int rank = 0; rank < SIZE; rank++) {
            int number = rank;
            joining.add(OwnThread.call(() -> join(number, mode)));
        }
        for (CompletableFuture<AeronSession> each : joining) {
            sessions.add(each.get(1, TimeUnit.MINUTES));
        }
        sessions.get(0).beExpendable();
        sessions.get(1).beExpendable();
    }

    /** Unlike a process that ends, it reports why. Its session is closed as the process would be. */
    private void lose() {
        sessions.get(LOST).fail("on purpose");
        for (int rank : new int[] {0, 2}) {
            Eventually.that("rank " + rank + " knows", () -> sessions.get(rank).hasEnded(LOST));
        }
        sessions.get(LOST).close();
    }

    private AeronSession comeBack(TransportMode mode) {
        AeronSession successor = join(LOST, mode);
        sessions.set(LOST, successor);
        for (int rank : new int[] {0, 2}) {
            Eventually.that(
                    "rank " + rank + " knows",
                    () -> sessions.get(rank).incarnation(LOST) == successor.incarnation(LOST)
                            && !sessions.get(rank).hasEnded(LOST));
        }
        return successor;
    }

    private static void send(Endpoint from, int to, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        ByteBuffer payload = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        Frame frame = new Frame().set(Frame.Kind.REQUEST, 0, 0, 0, 0, bytes.length);
        Activity activity = new Activity();
        activity.begin("sending " + text, 0, 0, 0);
        while (!from.sender(to).offer(frame, payload, 0)) {
            from.await(0, activity);
        }
        from.flush(activity);
    }

    private static String receive(Endpoint at, int from) {
        StringBuilder text = new StringBuilder();
        Activity activity = new Activity();
        activity.begin("receiving", 0, 0, 0);
        while (text.isEmpty()) {
            int work = at.receiver(from)
                    .poll(
                            (frame, payload, offset) -> {
                                for (int i = 0; i < frame.length(); i++) {
                                    text.append((char) payload.get(offset + i));
                                }
                                return true;
                            },
                            1);
            at.await(work, activity);
        }
        return text.toString();
    }

    /** Each end has its own thread, since an endpoint keeps its network moving only while a thread waits with it. */
    private static String talk(AeronSession from, AeronSession to, String text) throws Exception {
        CompletableFuture<String> received =
                OwnThread.call(() -> receive(to.endpoint(LANE), from.world().rank()));
        send(from.endpoint(LANE), to.world().rank(), text);
        return received.get(1, TimeUnit.MINUTES);
    }

    @ParameterizedTest
    @EnumSource(
            value = TransportMode.class,
            names = {"AUTO", "UDP"})
    void newStreamsLeadToTheNewProcessAndNothingOfTheOldOneComesByThem(TransportMode mode) throws Exception {
        joinAll(mode);
        AeronSession other = sessions.get(2);
        assertThat(talk(sessions.get(LOST), other, "first")).isEqualTo("first");
        assertThat(talk(other, sessions.get(LOST), "answer")).isEqualTo("answer");
        send(sessions.get(LOST).endpoint(LANE), 2, "never read");
        lose();

        for (int time = 1; time <= 2; time++) {
            AeronSession successor = comeBack(mode);
            assertThat(successor.incarnation(LOST)).isEqualTo(time);
            assertThat(successor.incarnation(0)).isZero();
            other.endpoint(LANE).renew(LOST);

            assertThat(talk(successor, other, "again " + time)).isEqualTo("again " + time);
            assertThat(talk(other, successor, "welcome " + time)).isEqualTo("welcome " + time);
            if (time == 1) {
                lose();
            }
        }
    }

    @Test
    void exchangesAreRepeatedUntilItHasCaughtUpAndHeldTogetherFromThen() throws Exception {
        joinAll(TransportMode.AUTO);
        List<CompletableFuture<List<byte[]>>> first = exchange("first", 0, 1, 2);
        for (CompletableFuture<List<byte[]>> each : first) {
            assertThat(each.get(1, TimeUnit.MINUTES)).hasSize(SIZE);
        }
        lose();
        comeBack(TransportMode.AUTO);

        assertThat(exchange("first", LOST).get(0).get(1, TimeUnit.MINUTES))
                .containsExactly(new byte[] {0}, new byte[] {LOST}, new byte[] {2});
        List<CompletableFuture<List<byte[]>>> second = exchange("second", 0, 2);
        assertThat(second).noneMatch(CompletableFuture::isDone);
        second.addAll(exchange("second", LOST));
        for (CompletableFuture<List<byte[]>> each : second) {
            assertThat(each.get(1, TimeUnit.MINUTES)).containsExactly(new byte[] {0}, new byte[] {1}, new byte[] {2});
        }
    }

    private List<CompletableFuture<List<byte[]>>> exchange(String topic, int... ranks) {
        List<CompletableFuture<List<byte[]>>> all = new ArrayList<>();
        for (int rank : ranks) {
            all.add(OwnThread.call(() -> sessions.get(rank).exchange(topic, new byte[] {(byte) rank})));
        }
        return all;
    }

    @Test
    void collectivesWithOneThatHasComeBackAreRefusedOnBothSides() throws Exception {
        joinAll(TransportMode.AUTO);
        lose();
        AeronSession successor = comeBack(TransportMode.AUTO);

        assertThatThrownBy(() -> successor.endpoint().sender(0))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("rank 1", "is a restarted worker", "cannot take part in collectives");
        assertThatThrownBy(() -> successor.endpoint().receiver(0)).isInstanceOf(GyreException.class);
        Activity activity = new Activity();
        activity.begin("summing", 0, 0, 0);
        activity.handingOverTo(sessions.get(0).members().get(LOST));
        Throwable thrown = catchThrowable(() -> {
            while (true) {
                sessions.get(0).endpoint().await(0, activity);
            }
        });
        assertThat(thrown)
                .isInstanceOf(PeerLostException.class)
                .hasMessageContaining("another process has taken its seat");
    }

    @Test
    void theSeatOfALivingRankIsRefusedWithWhoHasIt() throws Exception {
        joinAll(TransportMode.AUTO);

        assertThatThrownBy(() -> join(LOST, TransportMode.AUTO))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("rank 1", "has joined already", "was first");
        assertThat(talk(sessions.get(LOST), sessions.get(2), "unharmed")).isEqualTo("unharmed");
    }

    /** Not that the process of the rendezvous was lost. */
    @Test
    void whoHasBeenGreetedWhenTheRunEndsHearsThatItIsTooLate() throws Exception {
        joinAll(TransportMode.AUTO);
        lose();
        ControlKey key = new ControlKey(TrustedNetwork.secret(null, false, false, List.of(server.address())));
        CoordinatorLink late = CoordinatorLink.connect(server.address(), key, LOST, Duration.ofSeconds(60));
        try {
            assertThat(late.membership().welcome(Duration.ofSeconds(60)).complete())
                    .as("its seat is free")
                    .isFalse();
            close();

            Eventually.that("it knows", () -> late.membership().hasEnded());
            assertThatThrownBy(() -> late.membership().check(LOST, "joining"))
                    .isExactlyInstanceOf(GyreException.class)
                    .hasMessage("this process is too late: the run is over. Start a new run");
        } finally {
            late.close();
        }
    }

    @Test
    void aRunThatNeedsAllItsRanksTakesNobodyBack() throws Exception {
        joinAll(TransportMode.AUTO);
        sessions.get(2).fail("on purpose");
        Eventually.that(
                "rank 0 knows", () -> catchThrowable(() -> sessions.get(0).exchange("x", new byte[0])) != null);

        assertThatThrownBy(() -> join(2, TransportMode.AUTO))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll("is too late", "the run has lost rank 2", "Start a new run");
    }
}
