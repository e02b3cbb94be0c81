package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs of real processes that are ended by force. */
@Tag("processes")
class StopTest {

    /** Signals 1 and 2 in a kernel signal mask. */
    private static final long HUP_AND_INT = 0b11;

    @TempDir
    private Path directory;

    @Test
    void aFailingRankEndsTheRunAndIsNamedWithItsLastLines() throws Exception {
        try (GyreProcess gyre = GyreProcess.run(3, "fail", "1")) {
            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(1);

            assertThat(gyre.errors())
                    .containsPattern("gyre: rank 1 \\(host .+, pid \\d+\\) ended with exit status 7; its last lines:\n"
                            + "    about to fail");
            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void aKilledRankEndsTheRunAndIsNamed() throws Exception {
        try (GyreProcess gyre = GyreProcess.run(3, "wait")) {
            gyre.awaitReady(0);
            gyre.awaitReady(1);
            long victim = gyre.awaitReady(2);
            Processes.signal("KILL", victim);

            assertThat(gyre.awaitExit(GyreProcess.STOPPED)).isEqualTo(1);

            assertThat(gyre.errors())
                    .contains("rank 2 (host " + HostAddress.ownName() + ", pid " + victim
                            + ") ended with exit status 137 (killed); its last lines:\n    ready " + victim);
            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void ranksThatAreAboutToSpeakAreWaitedFor() throws Exception {
        try (GyreProcess gyre = GyreProcess.run(3, "slow to speak")) {
            gyre.awaitReady(0);
            gyre.awaitReady(1);
            Processes.signal("KILL", gyre.awaitReady(2));

            assertThat(gyre.awaitExit(GyreProcess.STOPPED)).isEqualTo(1);

            for (int rank = 0; rank < 2; rank++) {
                assertThat(gyre.errors())
                        .contains("[" + rank + "] at last: rank " + rank + " stopped in for ever: rank 2 (host");
            }
            assertThat(gyre.errors()).contains("rank 2 (host").contains("ended with exit status 137 (killed)");
            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void aRankWhoseProgramMakesNoCallSpeaksAllTheSame() throws Exception {
        try (GyreProcess gyre = GyreProcess.run(2, "unaware")) {
            gyre.awaitReady(0);
            Processes.signal("KILL", gyre.awaitReady(1));

            assertThat(gyre.awaitExit(GyreProcess.STOPPED)).isEqualTo(1);

            assertThat(gyre.errors())
                    .containsPattern("\\[0\\] .*rank 0 stopped in no call of Gyre: rank 1 \\(host .*does not know yet");
            gyre.awaitNobodyLeft();
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"INT, 130", "TERM, 143", "HUP, 129"})
    void aSignalToTheLauncherEndsAllRanks(String signal, int status) throws Exception {
        try (GyreProcess gyre = GyreProcess.run(2, "wait")) {
            long first = gyre.awaitReady(0);
            long second = gyre.awaitReady(1);
            gyre.signal(signal);

            assertThat(gyre.awaitExit(GyreProcess.STOPPED)).isEqualTo(status);

            assertThat(Processes.isRunning(first) || Processes.isRunning(second))
                    .as("a rank outlived the launcher")
                    .isFalse();
            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void ranksThatDoNotHeedAreKilled() throws Exception {
        try (GyreProcess gyre = GyreProcess.run(Map.of(), List.of("-n", "2", "--grace", "0"), "stubborn")) {
            long first = gyre.awaitReady(0);
            long second = gyre.awaitReady(1);
            gyre.signal("INT");

            assertThat(gyre.awaitExit(GyreProcess.STOPPED)).isEqualTo(130);

            assertThat(gyre.errors())
                    .contains(
                            "gyre: rank 0 did not end in order when it was told to: it ended with exit status 137",
                            "gyre: rank 1 did not end in order");

            assertThat(Processes.isRunning(first) || Processes.isRunning(second))
                    .as("a rank outlived the launcher")
                    .isFalse();
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"INT, 130", "TERM, 143"})
    void ranksThatAreToldToEndHaveTimeForIt(String signal, int status) throws Exception {
        Path mayEnd = directory.resolve("may-end");
        try (GyreProcess gyre = GyreProcess.run(2, "orderly", mayEnd.toString())) {
            long first = gyre.awaitReady(0);
            gyre.awaitReady(1);
            gyre.signal(signal);
            // As if sent to all processes of a terminal or of a batch job.
            Processes.signal(signal, first);

            assertThat(gyre.awaitWord(0, "asked")).isEqualTo("by 15");
            assertThat(gyre.awaitWord(1, "asked")).isEqualTo("by 15");
            Files.createFile(mayEnd);

            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(status);
            assertThat(gyre.out()).contains("[0] ended in order", "[1] ended in order");
            assertThat(gyre.errors())
                    .contains("gyre: SIG" + signal + ": the ranks have 25 s to end in order")
                    .doesNotContain("gyre: rank");
            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void aSecondSignalKillsRanksThatAreStillEnding() throws Exception {
        Path never = directory.resolve("never");
        List<String> options = List.of("-n", "2", "--grace", "3600");
        try (GyreProcess gyre = GyreProcess.run(Map.of(), options, "orderly", never.toString())) {
            gyre.awaitReady(0);
            gyre.awaitReady(1);
            gyre.signal("INT");
            gyre.awaitWord(0, "asked");
            gyre.awaitWord(1, "asked");

            gyre.signalUntilExit("TERM");

            assertThat(gyre.awaitExit(GyreProcess.STOPPED)).isEqualTo(130);
            assertThat(gyre.errors()).contains("gyre: rank 1 did not end in order", "137 (killed)");
            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void afterTheTimeRanksAreNotWaitedFor() throws Exception {
        Path never = directory.resolve("never");
        List<String> options = List.of("-n", "1", "--grace", "1");
        try (GyreProcess gyre = GyreProcess.run(Map.of(), options, "orderly", never.toString())) {
            gyre.awaitReady(0);
            gyre.signal("TERM");

            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(143);
            gyre.awaitNobodyLeft();
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"wait", "stubborn"})
    void noRankOutlivesALauncherThatIsKilled(String program) throws Exception {
        try (GyreProcess gyre = GyreProcess.run(2, program)) {
            gyre.awaitReady(0);
            gyre.awaitReady(1);
            gyre.signal("KILL");

            gyre.awaitNobodyLeft();
        }
    }

    @Test
    void ranksDoNotHearTheTerminalSoThatTheLauncherDecides() throws Exception {
        try (GyreProcess gyre = GyreProcess.run(1, "wait")) {
            Path status = Path.of("/proc", String.valueOf(gyre.awaitReady(0)), "status");

            String ignored = Files.readAllLines(status).stream()
                    .filter(line -> line.startsWith("SigIgn:"))
                    .map(line -> line.substring("SigIgn:".length()).strip())
                    .findFirst()
                    .orElseThrow();

            assertThat(Long.parseUnsignedLong(ignored, 16) & HUP_AND_INT).isEqualTo(HUP_AND_INT);
        }
    }
}
