package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.membership.RunListener;
import io.gyre.network.Time;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class RendezvousTest {

    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    @TempDir
    Path directory;

    private static JoinOptions options(int rank, String rendezvous) {
        return JoinOptions.builder(rank, 2, rendezvous)
                .joinTimeout(Duration.ofSeconds(20))
                .build();
    }

    @Test
    void aTextThatEndsInAPortIsAnAddress() {
        for (String text : new String[] {"127.0.0.1:4000", "[::1]:4000", "localhost:4000"}) {
            assertThat(RendezvousPlace.parse(text))
                    .as(text)
                    .isNotNull()
                    .matches(address -> address.getAddress().isLoopbackAddress() && address.getPort() == 4000);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RendezvousPlace.parse("host:70000"))
                .withMessageContaining("there is no port 70000");
    }

    @Test
    void aBracketIsPartOfAnAddressOnlyIfItIsClosed() {
        assertThat(HostPort.parse("[::1]:4000")).isEqualTo(new HostPort("::1", 4000));
        assertThat(HostPort.parse("[:80")).isEqualTo(new HostPort("[", 80));
        assertThat(HostPort.parse("[]:80")).isEqualTo(new HostPort("[]", 80));
    }

    @Test
    void aFileOfAnotherKindIsNotReadToItsEnd() throws IOException {
        Path file = Files.writeString(directory.resolve("rendezvous"), "x".repeat(513));

        assertThatThrownBy(() -> new RendezvousFile(file).read())
                .isInstanceOf(IOException.class)
                .hasMessageContaining("has more than 512 bytes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/tmp/file", "file", "file:name", ":4000", "dir/file:123456", "C:\\file", "file:"})
    void everyOtherTextIsAPath(String text) {
        assertThat(RendezvousPlace.parse(text)).isNull();
    }

    @Test
    void rankZeroHostsWhereNobodyAnswersAndTheOthersFindIt() throws Exception {
        String address = "127.0.0.1:" + freePort();
        CompletableFuture<Rendezvous> one = OwnThread.call(() -> Rendezvous.find(options(1, address)));

        try (Rendezvous zero = Rendezvous.find(options(0, address));
                Rendezvous found = one.get(30, TimeUnit.SECONDS)) {
            assertThat(zero.hosted()).isNotNull();
            assertThat(found.hosted()).isNull();
            assertThat(found.welcome()).isEqualTo(zero.welcome());
            assertThat(zero.welcome().host().rank()).isZero();
        }
    }

    @Test
    void rankZeroJoinsALauncherThatAnswers() {
        try (RendezvousServer launcher = RendezvousServer.open(ANY_PORT, 2, Duration.ofMinutes(1));
                Rendezvous zero = Rendezvous.find(options(0, launcher.endpoint()))) {
            assertThat(zero.hosted()).isNull();
            assertThat(zero.welcome().host().rank()).isEqualTo(-1);
        }
    }

    @Test
    void ranksMeetThroughAFileThatOnlyTheirUserCanReadAndThatIsRemoved() throws Exception {
        Path file = directory.resolve("rendezvous");
        CompletableFuture<Rendezvous> one = OwnThread.call(() -> Rendezvous.find(options(1, file.toString())));

        try (Rendezvous zero = Rendezvous.find(options(0, file.toString()));
                Rendezvous found = one.get(30, TimeUnit.SECONDS)) {
            assertThat(found.welcome()).isEqualTo(zero.welcome());
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                    .isEqualTo("rw-------");
            try (var files = Files.list(directory)) {
                assertThat(files).containsExactly(file);
            }
        }
        assertThat(file).doesNotExist();
    }

    @Test
    void aFileOfAnEarlierRunMisleadsNobody() throws Exception {
        Path file = directory.resolve("rendezvous");
        try (ServerSocket stranger = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
                RendezvousServer other = RendezvousServer.open(ANY_PORT, 2, Duration.ofMinutes(1))) {
            for (String stale : new String[] {
                "127.0.0.1:" + freePort() + " 00",
                other.endpoint() + " 00",
                "127.0.0.1:" + stranger.getLocalPort() + " 00",
                "half a lin",
                ""
            }) {
                Files.writeString(file, stale);
                CompletableFuture<Rendezvous> one = OwnThread.call(() -> Rendezvous.find(options(1, file.toString())));

                try (Rendezvous zero = Rendezvous.find(options(0, file.toString()));
                        Rendezvous found = one.get(30, TimeUnit.SECONDS)) {
                    assertThat(found.welcome()).as("after '%s'", stale).isEqualTo(zero.welcome());
                }
            }
        }
    }

    @Test
    void aRankThatFindsNobodySaysWhereItLooked() throws Exception {
        String address = "127.0.0.1:" + freePort();
        JoinOptions options = JoinOptions.builder(1, 2, address)
                .joinTimeout(Duration.ofMillis(200))
                .build();

        assertThatThrownBy(() -> Rendezvous.find(options))
                .isInstanceOf(GyreException.class)
                .hasMessageContainingAll(
                        "rank 1 did not find the rendezvous at " + address, "within 200 ms", "Connection refused");
    }

    @Test
    void aFileThatNobodyWritesIsNamed() {
        Path file = directory.resolve("nothing");
        JoinOptions options = JoinOptions.builder(1, 2, file.toString())
                .joinTimeout(Duration.ofMillis(200))
                .build();

        assertThatThrownBy(() -> Rendezvous.find(options))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("file " + file + " does not exist yet");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "220 mail.example ESMTP\r\n"})
    void aPortThatAnotherProgramUsesIsNamed(String greeting) throws Exception {
        try (ServerSocket stranger = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            String address = "127.0.0.1:" + stranger.getLocalPort();
            CompletableFuture<Void> rude = OwnThread.call(() -> {
                while (true) {
                    try (var socket = stranger.accept()) {
                        socket.getOutputStream().write(greeting.getBytes(StandardCharsets.UTF_8));
                    }
                }
            });
            for (int rank = 0; rank < 2; rank++) {
                JoinOptions options = JoinOptions.builder(rank, 2, address)
                        .joinTimeout(Duration.ofMillis(200))
                        .build();
                assertThatThrownBy(() -> Rendezvous.find(options))
                        .isInstanceOf(GyreException.class)
                        .hasMessageContainingAll(
                                "rank " + rank + " did not find the rendezvous at " + address + " within 200 ms",
                                "the process at " + address + " did not prove this run's secret",
                                "in use by another program");
            }
            assertThat(rude).isNotDone();
        }
    }

    @Test
    void aWrongSecretIsSaidAndNothingElse() {
        RunSecret secret = RunSecret.random(new SecureRandom());
        try (RendezvousServer launcher =
                RendezvousServer.open(ANY_PORT, 2, Duration.ofMinutes(1), secret, RunListener.NONE)) {
            JoinOptions.Builder options =
                    JoinOptions.builder(1, 2, launcher.endpoint()).joinTimeout(Duration.ofMillis(200));
            for (RunSecret wrong : new RunSecret[] {null, RunSecret.random(new SecureRandom())}) {
                JoinOptions other =
                        wrong == null ? options.build() : options.secret(wrong).build();
                assertThatThrownBy(() -> Rendezvous.find(other))
                        .isInstanceOf(GyreException.class)
                        .hasMessageContainingAll("did not prove this run's secret", "another secret")
                        .hasMessageNotContaining(launcher.run().toString());
            }
            assertThat(launcher.members()).isEmpty();
            Rendezvous.find(options.secret(secret).build()).close();
        }
    }

    @Test
    void aRankThatIsTurnedAwayTriesAgainUntilItIsLetIn() throws Exception {
        ServerSocket full = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        InetSocketAddress address = (InetSocketAddress) full.getLocalSocketAddress();
        JoinOptions options = options(1, "127.0.0.1:" + address.getPort());
        CompletableFuture<Rendezvous> one = OwnThread.call(() -> Rendezvous.find(options));
        for (int i = 0; i < 3; i++) {
            full.accept().close();
        }
        full.close();

        try (RendezvousServer launcher = RendezvousServer.open(address, 2, Duration.ofMinutes(1));
                Rendezvous found = one.get(30, TimeUnit.SECONDS)) {
            assertThat(found.welcome().run()).isEqualTo(launcher.run());
        }
    }

    /** The directory may be shared between hosts, and others may be able to write to it. */
    @Test
    void aFileThatNamesAnImpostorLeadsNobodyToIt() throws Exception {
        Path file = directory.resolve("rendezvous");
        RunSecret secret = RunSecret.random(new SecureRandom());
        RunSecret other = RunSecret.random(new SecureRandom());
        try (RendezvousServer impostor =
                RendezvousServer.open(ANY_PORT, 2, Duration.ofMinutes(1), other, RunListener.NONE)) {
            for (String line : new String[] {
                impostor.endpoint() + " " + impostor.run(), "127.0.0.1:70000 00", "a".repeat(100_000), "192.0.2.1 00"
            }) {
                Files.writeString(file, line);
                JoinOptions one =
                        options(1, file.toString()).toBuilder().secret(secret).build();
                JoinOptions zero =
                        options(0, file.toString()).toBuilder().secret(secret).build();
                CompletableFuture<Rendezvous> found = OwnThread.call(() -> Rendezvous.find(one));
                try (Rendezvous host = Rendezvous.find(zero);
                        Rendezvous guest = found.get(30, TimeUnit.SECONDS)) {
                    assertThat(guest.welcome()).isEqualTo(host.welcome());
                }
            }
            assertThat(impostor.members()).isEmpty();
        }
    }

    @Test
    void anAddressThatOthersReachNeedsASecret() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Rendezvous.find(options(1, "192.0.2.1:4000")))
                .withMessageContainingAll("192.0.2.1 is not loopback", "GYRE_SECRET_FILE");
    }

    /** Where names have no addresses at first, until a time that only waits let pass. */
    private static final class LateHosts implements HostNames, Time {

        private final long from;
        private final List<String> asked = new ArrayList<>();
        private long now;

        LateHosts(Duration from) {
            this.from = from.toNanos();
        }

        @Override
        public InetAddress find(String name) throws UnknownHostException {
            asked.add(name);
            if (now < from) {
                throw new UnknownHostException(name);
            }
            return InetAddress.getLoopbackAddress();
        }

        @Override
        public long now() {
            return now;
        }

        @Override
        public void await(Object monitor, long nanos) {
            now += nanos;
        }
    }

    @Test
    void aNameThatAppearsTwentySecondsLateIsFound() {
        LateHosts hosts = new LateHosts(Duration.ofSeconds(20));
        try (RendezvousServer leader = RendezvousServer.open(ANY_PORT, 2, Duration.ofMinutes(1))) {
            JoinOptions options = JoinOptions.builder(
                            1, 2, "train-0.train:" + leader.address().getPort())
                    .joinTimeout(Duration.ofSeconds(60))
                    .build();
            try (Rendezvous found = new RendezvousSearch(options, hosts, hosts).find()) {
                assertThat(found.welcome().run()).isEqualTo(leader.run());
                assertThat(found.own().address().isLoopbackAddress()).isTrue();
            }
        }
        assertThat(hosts.now).isBetween(20_000_000_000L, 21_000_000_000L);
        // Once a second, and never twice with the same text, which the JVM would answer from its memory.
        assertThat(hosts.asked)
                .hasSizeBetween(20, 21)
                .doesNotHaveDuplicates()
                .allMatch("train-0.train"::equalsIgnoreCase);
    }

    @Test
    void aNameThatNeverAppearsIsNamedAtTheDeadline() {
        for (int rank = 0; rank < 2; rank++) {
            LateHosts hosts = new LateHosts(Duration.ofDays(1));
            JoinOptions options = JoinOptions.builder(rank, 2, "train-0.train:29600")
                    .joinTimeout(Duration.ofSeconds(60))
                    .build();
            assertThatThrownBy(() -> new RendezvousSearch(options, hosts, hosts).find())
                    .isInstanceOf(GyreException.class)
                    .hasMessageContaining("rank " + rank + " did not find the rendezvous at train-0.train:29600 within"
                            + " 60000 ms: no host is called 'train-0.train'. It is opened by rank 0");
            assertThat(hosts.now).isGreaterThanOrEqualTo(Duration.ofSeconds(60).toNanos());
        }
    }

    @Test
    void anAddressIsSpelledInOneWayOnly() {
        assertThat(LateName.spelling("10.0.0.1", 5)).isEqualTo("10.0.0.1");
        assertThat(LateName.spelling("fd00::a", 5)).isEqualTo("fd00::a");
        assertThat(LateName.spelling("a-0.B", 0)).isEqualTo("a-0.B");
        assertThat(LateName.spelling("a-0.B", 3)).isEqualTo("A-0.b");
        assertThat(LateName.spelling("a", 2)).isEqualTo("a");
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
