package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Ranks that die and are restarted while the run continues. */
@Tag("processes")
class RestartTest {

    private static final Map<String, String> QUICK_START =
            Map.of("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto");

    private static GyreProcess run(int restarts, String deaths, int awaited) throws Exception {
        List<String> arguments = new ArrayList<>(List.of("run", "-n", "3"));
        if (restarts > 0) {
            arguments.addAll(List.of("--restarts", String.valueOf(restarts)));
        }
        arguments.addAll(List.of("--", ReturningProgram.class.getName(), deaths, String.valueOf(awaited)));
        return GyreProcess.start(QUICK_START, arguments);
    }

    @Test
    void aRankThatDiesTwiceComesBackTwiceAndTheRunEndsWell() throws Exception {
        try (GyreProcess gyre = run(2, "2", 2)) {
            assertThat(gyre.awaitExit(Await.LONG)).as(gyre.errors()).isZero();

            for (int rank = 0; rank < 3; rank++) {
                assertThat(gyre.out()).contains("[" + rank + "] incarnation 0", "[" + rank + "] incarnation 2");
            }
            assertThat(gyre.errors())
                    .containsPattern(
                            "gyre: rank 1 \\(host .*, pid \\d+\\) ended with exit status 137 \\(killed\\) and is"
                                    + " restarted: 1 of 2 times")
                    .contains("is restarted: 2 of 2 times")
                    .containsPattern("gyre: rank 1 \\(.*\\) has rejoined the run\n")
                    .containsPattern("gyre: rank 1 \\(.*\\) has rejoined the run 2 times\n")
                    .contains("gyre: ranks were restarted 2 times");
        }
    }

    @Test
    void afterTheLastTimeTheOthersGoOnWithoutIt() throws Exception {
        try (GyreProcess gyre = run(1, "always", 1)) {
            assertThat(gyre.awaitExit(Await.LONG)).as(gyre.errors()).isZero();

            assertThat(gyre.errors())
                    .contains("is restarted: 1 of 1 time")
                    .contains("gyre: ranks were restarted 1 time");
        }
    }

    @Test
    void withoutRestartsNobodyIsStartedAgain() throws Exception {
        try (GyreProcess gyre = run(0, "always", 0)) {
            assertThat(gyre.awaitExit(Await.LONG)).as(gyre.errors()).isZero();

            assertThat(gyre.errors())
                    .containsPattern("rank 1 .* was lost; the run continues without it")
                    .doesNotContain("restarted");
        }
    }

    @Test
    void aRankThatIsNeededIsNotStartedAgain() throws Exception {
        try (GyreProcess gyre = GyreProcess.run(QUICK_START, List.of("-n", "2", "--restarts", "3"), "fail", "1")) {
            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(1);

            assertThat(gyre.errors()).contains("ended with exit status 7").doesNotContain("restarted");
        }
    }

    @Test
    void aNumberOfRestartsThatCannotBeIsRefused() throws Exception {
        try (GyreProcess gyre = GyreProcess.run(Map.of(), List.of("-n", "2", "--restarts", "-1"), "lines", "1")) {
            assertThat(gyre.awaitExit(Await.LONG)).isEqualTo(2);

            assertThat(gyre.errors()).contains("--restarts -1: expected 0 to 100");
        }
    }
}
