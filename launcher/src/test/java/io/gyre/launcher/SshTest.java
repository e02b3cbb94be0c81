package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Ranks on other hosts, which are loopback addresses here: a fake {@code ssh} runs its command in this host's shell,
 * with the bare environment of a login.
 */
@Tag("processes")
class SshTest {

    private static final List<String> TWO_HOSTS = List.of("-n", "3", "--hosts", "127.0.0.2,127.0.0.3");

    @TempDir
    private Path bin;

    private FakeSsh ssh;

    @BeforeEach
    void pretendToReachHosts() throws IOException {
        ssh = FakeSsh.in(bin);
    }

    private GyreProcess run(String... program) throws IOException {
        return GyreProcess.run(ssh.environment(), TWO_HOSTS, program);
    }

    @Test
    void ranksAreSpreadOverTheHostsAndToldSo() throws Exception {
        try (GyreProcess gyre = run("environment")) {
            assertThat(gyre.awaitExit(Await.LONG)).as(gyre.errors()).isZero();

            assertThat(gyre.out())
                    .contains("[0] SSH_HOST=127.0.0.2", "[1] SSH_HOST=127.0.0.2", "[2] SSH_HOST=127.0.0.3")
                    .contains("[0] GYRE_LOCAL_SIZE=2", "[1] GYRE_LOCAL_RANK=1", "[2] GYRE_LOCAL_RANK=0")
                    .contains("[2] GYRE_LOCAL_SIZE=1", "[2] GYRE_WORLD_SIZE=3")
                    .contains("[1] GYRE_BIND=127.0.0.2", "[2] GYRE_BIND=127.0.0.3")
                    .contains("[1] GYRE_HOST_ID=127.0.0.2", "[2] GYRE_HOST_ID=127.0.0.3")
                    .contains("[0] OMP_WAIT_POLICY=PASSIVE")
                    .anyMatch(line -> line.matches("\\[2] OMP_NUM_THREADS=\\d+"))
                    .noneMatch(line -> line.contains(RankCommand.PID_LINE));
        }
    }

    @Test
    void argumentsArriveAsTheyWereGiven() throws Exception {
        try (GyreProcess gyre = run("arguments", "two words", "it's", "\"$HOME\" `id`", "back\\slash", "", "a\nb")) {
            assertThat(gyre.awaitExit(Await.LONG)).as(gyre.errors()).isZero();

            assertThat(gyre.out())
                    .containsSubsequence(
                            "[2] two words", "[2] it's", "[2] \"$HOME\" `id`", "[2] back\\slash", "[2] ", "[2] a\\nb");
        }
    }

    @Test
    void aKilledRankIsNamedWithItsHostAndItsProcessIdThere() throws Exception {
        try (GyreProcess gyre = run("wait")) {
            gyre.awaitReady(0);
            gyre.awaitReady(1);
            long victim = gyre.awaitReady(2);
            Processes.signal("KILL", victim);

            assertThat(gyre.awaitExit(GyreProcess.STOPPED)).isEqualTo(1);

            assertThat(gyre.errors()).contains("rank 2 (host 127.0.0.3, pid " + victim + ") ended with exit status");
            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void ranksOnOtherHostsHaveTimeToEnd(@TempDir Path shared) throws Exception {
        Path mayEnd = shared.resolve("may-end");
        try (GyreProcess gyre = run("orderly", mayEnd.toString())) {
            for (int rank = 0; rank < 3; rank++) {
                gyre.awaitReady(rank);
            }
            gyre.signal("TERM");
            for (int rank = 0; rank < 3; rank++) {
                assertThat(gyre.awaitWord(rank, "asked")).isEqualTo("by 15");
            }
            Files.createFile(mayEnd);

            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(143);
            assertThat(gyre.out()).contains("[0] ended in order", "[1] ended in order", "[2] ended in order");
            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void ranksOfTwoHostsAddUpOverUdp() throws Exception {
        List<String> arguments = new ArrayList<>(List.of("run"));
        arguments.addAll(TWO_HOSTS);
        arguments.add(AllReduceProgram.class.getName());
        try (GyreProcess gyre = GyreProcess.start(ssh.environment(), arguments)) {
            for (int rank = 0; rank < 3; rank++) {
                gyre.awaitWord(rank, "step");
            }
            assertThat(gyre.errors()).contains("3 ranks have joined, over shm+udp");
            Processes.signal("KILL", Long.parseLong(gyre.awaitWord(2, "started")));

            assertThat(gyre.awaitExit(GyreProcess.STOPPED)).isEqualTo(1);
            assertThat(gyre.errors()).contains("gyre: rank 2 (host 127.0.0.3, pid ");
        }
    }

    @Test
    void noRankOutlivesALauncherThatIsKilled() throws Exception {
        try (GyreProcess gyre = run("stubborn")) {
            for (int rank = 0; rank < 3; rank++) {
                gyre.awaitReady(rank);
            }
            gyre.signal("KILL");

            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void anUnreachableHostIsNamed() throws Exception {
        ssh.write("ssh", "#!/bin/sh\necho 'ssh: connect to host b port 22: No route to host' >&2; exit 255\n");
        try (GyreProcess gyre = run("wait")) {
            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(1);

            assertThat(gyre.errors())
                    .containsPattern(
                            "rank \\d \\(host 127\\.0\\.0\\.[23]\\) was not started: ssh did not reach its host;"
                                    + " its last lines:\n    ssh: connect to host b port 22: No route to host");
        }
    }
}
