package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gyre.testkit.Canary;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A rank behind the system's own {@code ssh} and {@code sshd}, on loopback and with keys of the test's own. */
@EnabledOnOs(OS.LINUX)
class SshdTest {

    private static final Path SSHD = Path.of("/usr/sbin/sshd");
    private static final Path SSH = Path.of("/usr/bin/ssh");

    @TempDir
    private Path directory;

    private int port;
    private Process sshd;

    @BeforeEach
    void startDaemon() throws Exception {
        assumeTrue(Files.isExecutable(SSHD) && Files.isExecutable(SSH), "needs " + SSHD + " and " + SSH);
        key("host");
        key("user");
        port = freePort();
        Path configuration = write("sshd_config", """
                Port %d
                ListenAddress 127.0.0.1
                HostKey %2$s/host
                AuthorizedKeysFile %2$s/user.pub
                StrictModes no
                UsePAM no
                PasswordAuthentication no
                PidFile none
                """.formatted(port, directory));
        Process check = daemon(configuration, "-t");
        String problem = new String(check.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assumeTrue(check.waitFor() == 0, () -> SSHD + " does not start here: " + problem);
        sshd = daemon(configuration, "-D");
        Await.until(Await.LONG, () -> SSHD + " listens", this::isListening);
        write("ssh_config", """
                Host *
                    HostName 127.0.0.1
                    Port %d
                    IdentityFile %2$s/user
                    IdentitiesOnly yes
                    UserKnownHostsFile %2$s/known
                    StrictHostKeyChecking no
                    LogLevel ERROR
                """.formatted(port, directory));
    }

    private void key(String name) throws Exception {
        Process keygen = new ProcessBuilder("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory + "/" + name)
                .inheritIO()
                .start();
        assertThat(keygen.waitFor()).isZero();
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return free.getLocalPort();
        }
    }

    private boolean isListening() {
        try (Socket connection = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return connection.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(directory.resolve(name), text);
    }

    private static Process daemon(Path configuration, String mode) throws IOException {
        return new ProcessBuilder(SSHD.toString(), mode, "-e", "-f", configuration.toString())
                .redirectErrorStream(true)
                .start();
    }

    @AfterEach
    void stopDaemon() throws InterruptedException {
        if (sshd != null) {
            sshd.destroy();
            assertThat(sshd.waitFor(10, TimeUnit.SECONDS)).as("sshd ended").isTrue();
        }
    }

    @Test
    void aRankBehindItGetsTheTokenAndEndsWithTheRun() throws Exception {
        FakeSsh ssh = new FakeSsh(directory);
        ssh.write("ssh", """
                #!/bin/sh
                { printf '%%s\\n' "$@"; env; } >"$0-$$"
                exec %s -F %s/ssh_config "$@"
                """.formatted(SSH, directory));
        List<String> options = List.of("-n", "1", "--hosts", "127.0.0.2");
        try (GyreProcess gyre = GyreProcess.run(ssh.environment(), options, "wait")) {
            RankToken token = RankToken.of(gyre.awaitReady(0));
            Canary canary = new Canary(token.bytes());

            token.assertPrivate();
            assertThat(canary.findsIn(token.file())).as("what the search finds").isNotEmpty();
            assertThat(canary.findsInProcesses()).isEmpty();
            assertThat(canary.findsIn(directory))
                    .as("arguments and environment of ssh")
                    .isEmpty();

            gyre.signal("TERM");
            assertThat(gyre.awaitExit(GyreProcess.STOPPED)).isEqualTo(143);
            token.awaitRemoved();
        }
    }

    @Test
    void theDoctorMeasuresBetweenHostsAndNamesTheOneThatDoesNotAnswer() throws Exception {
        Path configuration = directory.resolve("ssh_config");
        write("ssh_config", "Host 127.0.0.9\n    Port " + freePort() + "\n" + Files.readString(configuration));
        FakeSsh ssh = new FakeSsh(directory);
        ssh.write("ssh", "#!/bin/sh\nexec %s -F %s \"$@\"\n".formatted(SSH, configuration));
        List<String> arguments = List.of("doctor", "--hosts", "127.0.0.1,127.0.0.2,127.0.0.9");
        try (GyreProcess gyre = GyreProcess.start(ssh.environment(), arguments)) {
            assertThat(gyre.awaitExit(Await.LONG.multipliedBy(4)))
                    .as(gyre.output())
                    .isEqualTo(1);

            assertThat(gyre.out())
                    .anyMatch(line -> line.startsWith("PROBLEM 127.0.0.9: ssh did not reach it: "))
                    .anyMatch(line -> line.matches("127\\.0\\.0\\.1 +127\\.0\\.0\\.2 +sealed UDP .*"));
        }
        Processes.awaitNoneWith(DoctorRank.class.getName(), GyreProcess.STOPPED);
    }
}
