package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.allreduce.RingCollective;
import io.gyre.membership.RunListener;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * What another user of the host can do to a run: real processes of user {@value #NOBODY}, which only root can start.
 * Root stands for the run's owner: the same programs as root show that they would read what they try to read.
 */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
@Timeout(180)
class OtherUserTest {

    private static final int NOBODY = 65_534;
    private static final Duration MINUTE = Duration.ofMinutes(1);

    @TempDir
    Path directory;

    private final Path home = Path.of("/dev/shm", "gyre-" + System.getProperty("user.name"));
    private final List<AeronSession> sessions = new ArrayList<>();
    private RendezvousServer server;

    /** Status and output of a program. */
    private record Result(int status, String output) {}

    @BeforeAll
    static void checkThatThisUserMayBecomeAnother() throws Exception {
        boolean may = System.getProperty("user.name").equals("root") && asNobody("true").status == 0;
        assumeTrue(may, "skipped: only root can start processes of another user, by setpriv");
    }

    @BeforeEach
    void start() throws Exception {
        // Directories above are anybody's to enter: what protects the files is their own.
        directory.toFile().setExecutable(true, false);
        RunSecret secret = RunSecret.random(new SecureRandom());
        secret.write(directory.resolve("secret"));
        server = RendezvousServer.open(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 2, MINUTE, secret, RunListener.NONE);
        UserKey.read(RunDirectory.sharedMemory());
        List<CompletableFuture<AeronSession>> joining = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            JoinOptions options = JoinOptions.builder(rank, 2, server.endpoint())
                    .transport(TransportMode.UDP)
                    .secret(secret)
                    .build();
            joining.add(OwnThread.call(() -> AeronSession.join(options)));
        }
        for (CompletableFuture<AeronSession> each : joining) {
            sessions.add(each.get(1, TimeUnit.MINUTES));
        }
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

    private static Result run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
        return new Result(process.waitFor(), output);
    }

    private static Result asNobody(String shell) throws IOException, InterruptedException {
        String user = String.valueOf(NOBODY);
        return run(List.of(
                "setpriv", "--reuid=" + user, "--regid=" + user, "--clear-groups", "bash", "-c", "cd /; " + shell));
    }

    private Path ownDirectory() throws IOException {
        try (Stream<Path> entries = Files.list(home)) {
            return entries.filter(entry -> entry.getFileName()
                            .toString()
                            .startsWith(ProcessHandle.current().pid() + "-"))
                    .findFirst()
                    .orElseThrow();
        }
    }

    /** Sums over both ranks. */
    private void assertTheRunContinues() throws Exception {
        List<CompletableFuture<Float>> sums = new ArrayList<>();
        for (AeronSession session : sessions) {
            sums.add(OwnThread.call(() -> {
                Collective collective = new RingCollective(session.endpoint());
                Region data = collective.allocate("number", Float.BYTES).region();
                data.putFloat(0, 3);
                collective.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, 0, 0);
                return data.getFloat(0);
            }));
        }
        for (CompletableFuture<Float> sum : sums) {
            assertThat(sum.get(1, TimeUnit.MINUTES)).isEqualTo(6);
        }
    }

    @Test
    void readsAndWritesNothingOfARun() throws Exception {
        long pid = ProcessHandle.current().pid();
        Path own = ownDirectory();
        Map<String, String> reading = new HashMap<>();
        reading.put("the user's directory", "ls " + home);
        reading.put("the user's key", "cat " + home.resolve("key"));
        reading.put("a run's directory", "ls " + own);
        reading.put("a driver's memory", "cat " + own.resolve("aeron/cnc.dat"));
        reading.put("the secret", "cat " + directory.resolve("secret"));
        reading.put("the environment", "cat /proc/" + pid + "/environ");
        reading.put("open files", "ls -l /proc/" + pid + "/fd/");
        reading.put("mapped files", "cat /proc/" + pid + "/maps");
        for (Map.Entry<String, String> each : reading.entrySet()) {
            assertThat(run(List.of("bash", "-c", each.getValue())).status)
                    .as("the owner reads %s", each.getKey())
                    .isZero();
            Result result = asNobody(each.getValue());
            assertThat(result.status).as("%s: %s", each.getKey(), result.output).isNotZero();
            assertThat(result.output).as(each.getKey()).containsAnyOf("Permission denied", "Operation not permitted");
        }
        for (String attack : List.of(
                "echo x >" + own.resolve("x"),
                "echo x >>" + home.resolve("key"),
                "mv " + home + " /dev/shm/taken",
                "rm -rf " + own,
                "echo x >/proc/" + pid + "/mem",
                "kill -9 " + pid,
                "kill -3 " + pid)) {
            Result result = asNobody(attack);
            assertThat(result.status).as("%s: %s", attack, result.output).isNotZero();
        }

        assertThat(home.resolve("key")).isRegularFile();
        assertThat(own.resolve("aeron/cnc.dat")).isRegularFile();
        assertThat(own.resolve("x")).doesNotExist();
        assertTheRunContinues();
    }

    @Test
    void attachesNoDebugger() throws Exception {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        assumeTrue(Files.isExecutable(jcmd), "skipped: this Java has no " + jcmd);
        String attack = jcmd + " " + ProcessHandle.current().pid() + " VM.version";

        assertThat(run(List.of("bash", "-c", attack)).output).contains("JDK");
        Result result = asNobody(attack);

        assertThat(result.status).as(result.output).isNotZero();
        assertThat(result.output).doesNotContain("JDK 1", "JDK 2");
        assertTheRunContinues();
    }

    @Test
    void getsNoByteFromTheRendezvousAndNoDatagramIn() throws Exception {
        int port = server.address().getPort();
        Result result = asNobody("exec 3<>/dev/tcp/127.0.0.1/" + port + "; echo GET / >&3; timeout 30 cat <&3 | wc -c");
        assertThat(result).isEqualTo(new Result(0, "0\n"));

        List<Integer> ports = ownUdpPorts();
        assertThat(ports).hasSizeGreaterThanOrEqualTo(2);
        for (int udp : ports) {
            assertThat(asNobody("echo noise from another user >/dev/udp/127.0.0.1/" + udp).status)
                    .isZero();
        }
        assertTheRunContinues();
    }

    /** Of all sockets of this process, in the kernel's table: local addresses in hexadecimal, and inodes. */
    private static List<Integer> ownUdpPorts() throws IOException {
        Set<String> inodes = new HashSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path file : files) {
                // The directory that is being read is among them, and may be gone.
                if (Files.isSymbolicLink(file)) {
                    inodes.add(Files.readSymbolicLink(file).toString());
                }
            }
        }
        List<Integer> ports = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of("/proc/self/net/udp"))) {
            String[] columns = line.strip().split(" +", -1);
            if (inodes.contains("socket:[" + columns[9] + "]")) {
                ports.add(Integer.parseInt(columns[1].substring(columns[1].indexOf(':') + 1), 16));
            }
        }
        return ports;
    }
}
