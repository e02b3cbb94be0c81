package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Join;
import io.gyre.membership.RunListener;
import io.gyre.testkit.Eventually;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RendezvousServerTest {

    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    private static final Duration MINUTE = Duration.ofMinutes(1);

    /** The events that a launcher receives. */
    private static final class Heard implements RunListener {
        final List<String> events = new CopyOnWriteArrayList<>();

        @Override
        public void joined(Member member) {
            events.add("joined " + member.rank());
        }

        @Override
        public void complete(List<Member> members) {
            events.add("complete");
        }

        @Override
        public void left(Member member) {
            events.add("left " + member.rank());
        }

        @Override
        public void lost(Member member, String reason) {
            events.add("lost " + member.rank() + ": " + reason);
        }

        @Override
        public void failed(String reason) {
            events.add("failed: " + reason);
        }
    }

    private static CoordinatorLink join(RendezvousServer server, int rank, int worldSize) throws IOException {
        CoordinatorLink link = CoordinatorLink.connect(server.address(), rank, MINUTE);
        link.membership().welcome(MINUTE);
        link.membership()
                .join(new Join(Message.PROTOCOL_VERSION, worldSize, new Member(rank, "here", 10 + rank), Map.of()));
        return link;
    }

    private static void awaitOthers(CoordinatorLink link) {
        link.membership().ready(Map.of());
        link.membership().awaitEverybody(MINUTE);
    }

    @Test
    void aLauncherHearsWhatHappensToTheRun() throws Exception {
        Heard heard = new Heard();
        try (RendezvousServer server = RendezvousServer.open(ANY_PORT, 2, MINUTE, false, heard);
                CoordinatorLink zero = join(server, 0, 2)) {
            Eventually.that("rank 0 has joined", () -> server.members().size() == 1);
            CoordinatorLink one = join(server, 1, 2);
            Eventually.that("rank 1 has joined", () -> server.members().size() == 2);
            Thread ready = new Thread(() -> awaitOthers(one));
            ready.start();
            awaitOthers(zero);
            ready.join();
            assertThat(zero.membership().members()).extracting(Member::rank).containsExactly(0, 1);

            one.close();

            Eventually.that("rank 1 is lost", () -> heard.events.size() == 4);
            assertThat(heard.events)
                    .containsExactly(
                            "joined 0",
                            "joined 1",
                            "complete",
                            "lost 1: its process has ended: its connection was closed");
            Eventually.that("rank 0 knows", zero.membership()::hasEnded);
            assertThatThrownBy(() -> zero.membership().check(0, "testing"))
                    .isInstanceOf(PeerLostException.class)
                    .hasMessageContaining("rank 1 (host here, pid 11) was lost");
        }
    }

    @Test
    void atTheDeadlineTheLauncherAndTheRanksLearnWhoIsMissing() throws Exception {
        Heard heard = new Heard();
        try (RendezvousServer server = RendezvousServer.open(ANY_PORT, 3, Duration.ofMillis(300), false, heard);
                CoordinatorLink one = join(server, 1, 3)) {
            assertThatThrownBy(() -> awaitOthers(one))
                    .isInstanceOf(GyreException.class)
                    .hasMessageContainingAll("within 300 ms", "Missing of 3 ranks: [0, 2]");
            Eventually.that("the launcher knows", () -> heard.events.size() == 2);
            assertThat(heard.events.get(1)).startsWith("failed: ").contains("[0, 2]");
        }
    }

    @Test
    void aPortInUseIsNamed() {
        try (RendezvousServer server = RendezvousServer.open(ANY_PORT, 1, MINUTE)) {
            assertThatThrownBy(() -> RendezvousServer.open(server.address(), 1, MINUTE))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageContainingAll(
                            "cannot listen on 127.0.0.1:" + server.address().getPort(), "in use");
        }
    }

    @Test
    void anAddressThatOthersReachMustBeAskedFor() {
        InetSocketAddress everywhere = new InetSocketAddress("0.0.0.0", 0);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> RendezvousServer.open(everywhere, 1, MINUTE))
                .withMessageContainingAll("0.0.0.0 is not loopback", "trustedNetwork(true)");
        RendezvousServer.open(everywhere, 1, MINUTE, true, RunListener.NONE).close();
    }

    @Test
    void aNameThatNobodyHasIsNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RendezvousServer.open(InetSocketAddress.createUnresolved("nowhere", 0), 1, MINUTE))
                .withMessageContaining("no host is called 'nowhere'");
    }

    @Test
    void aStrangerWithALongMessageIsShutOutBeforeItIsRead() throws Exception {
        try (RendezvousServer server = RendezvousServer.open(ANY_PORT, 1, MINUTE);
                Socket stranger = new Socket(
                        server.address().getAddress(), server.address().getPort())) {
            stranger.getOutputStream()
                    .write(ByteBuffer.allocate(4).putInt(Integer.MAX_VALUE).array());

            assertThat(endOf(stranger)).isTrue();
            assertThat(server.members()).isEmpty();
        }
    }

    @Test
    void aStrangerWhoSpeaksSomethingElseIsShutOut() throws Exception {
        try (RendezvousServer server = RendezvousServer.open(ANY_PORT, 1, MINUTE);
                Socket stranger = new Socket(
                        server.address().getAddress(), server.address().getPort())) {
            stranger.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.UTF_8));

            assertThat(endOf(stranger)).isTrue();
        }
    }

    /** With limits a thousand times higher, the last would stay as long as the others, and they past the deadline. */
    @Test
    void oneStrangerTooManyIsTurnedAwayAtOnceAndTheOthersWhenTheirTimeIsUp() throws Exception {
        List<Socket> strangers = new ArrayList<>();
        try (RendezvousServer server = RendezvousServer.open(ANY_PORT, 1, MINUTE)) {
            InetSocketAddress address = server.address();
            for (int i = 0; i < 64; i++) {
                strangers.add(new Socket(address.getAddress(), address.getPort()));
            }
            try (Socket tooMany = new Socket(address.getAddress(), address.getPort())) {
                assertThat(endOf(tooMany)).isTrue();
            }
            assertThat(strangers).allMatch(RendezvousServerTest::isOpen);

            // The server's greeting, then the end.
            for (Socket stranger : strangers) {
                stranger.setSoTimeout(30_000);
                assertThat(endOf(stranger)).isTrue();
            }

            try (CoordinatorLink zero = join(server, 0, 1)) {
                Eventually.that(
                        "a rank takes a place that is free again",
                        () -> !server.members().isEmpty());
                assertThat(zero.membership().hasEnded()).isFalse();
            }
        } finally {
            for (Socket stranger : strangers) {
                stranger.close();
            }
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

    private static boolean endOf(Socket socket) throws IOException {
        InputStream in = socket.getInputStream();
        try {
            in.readAllBytes();
            return true;
        } catch (SocketTimeoutException silent) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    @Test
    void aClosedRendezvousMayBeClosedAgainAndItsPortIsFree() {
        RendezvousServer server = RendezvousServer.open(ANY_PORT, 1, MINUTE);
        server.close();
        server.close();

        RendezvousServer.open(server.address(), 1, MINUTE).close();
    }

    @Test
    void whoeverIsWatchedByALauncherThatIsGoneStops() throws Exception {
        RendezvousServer server = RendezvousServer.open(ANY_PORT, 2, MINUTE);
        try (CoordinatorLink zero = join(server, 0, 2)) {
            Eventually.that("rank 0 has joined", () -> server.members().size() == 1);

            server.close();

            assertThatThrownBy(() -> awaitOthers(zero))
                    .isInstanceOf(GyreException.class)
                    .hasMessageContainingAll(
                            "the launcher (host " + HostIdentity.name(),
                            "pid " + ProcessHandle.current().pid(),
                            "was lost");
        }
    }
}
