package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.RankJvm;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real processes, of which one is killed. */
@Timeout(120)
class KilledRankTest {

    private static final Duration AT_MOST = Duration.ofMinutes(1);
    private static final Pattern FAILED = Pattern.compile("failed at (\\d+): (.*)");

    @TempDir
    Path directory;

    private final List<RankJvm> ranks = new ArrayList<>();

    /** Starts three workers, and one server or none: then each worker serves a third. */
    private void start(int servers, String consistency) throws IOException {
        List<String> flags = new ArrayList<>(RankJvm.QUICK_START);
        flags.add("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED");
        for (int rank = 0; rank < 3 + servers; rank++) {
            ranks.add(RankJvm.start(
                    directory,
                    flags,
                    Map.of(),
                    RankProgram.class,
                    String.valueOf(rank),
                    String.valueOf(3 + servers),
                    directory.resolve("rendezvous").toString(),
                    String.valueOf(servers),
                    consistency));
        }
    }

    @AfterEach
    void end() {
        ranks.forEach(RankJvm::close);
    }

    private static String line(RankJvm rank, String beginning) throws IOException {
        return rank.output()
                .lines()
                .filter(line -> line.startsWith(beginning))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ssp", "asp"})
    void theOthersGoOnWithoutAKilledWorker(String consistency) throws Exception {
        start(1, consistency);
        ranks.get(2).awaitOutput("step 40");
        ranks.get(2).signal("KILL");

        for (int rank : new int[] {0, 1, 3}) {
            assertThat(ranks.get(rank).awaitExit(AT_MOST))
                    .as("rank %d: %s", rank, ranks.get(rank).output())
                    .isZero();
        }
        String first = line(ranks.get(0), "result");
        assertThat(line(ranks.get(1), "result")).isEqualTo(first);
        double pushes = -Double.parseDouble(first.substring("result ".length()));
        assertThat(pushes).as("all of two workers, and some of the third").isBetween(840.0, 1_199.0);
    }

    @Test
    void aKilledServerIsNamedAtOnceByEveryWorker() throws Exception {
        start(1, "ssp");
        for (int worker = 0; worker < 3; worker++) {
            ranks.get(worker).awaitOutput("step 40");
        }
        long killed = System.currentTimeMillis();
        ranks.get(3).signal("KILL");

        for (int worker = 0; worker < 3; worker++) {
            assertFailed(worker, killed, "rank 3 ", "it was the server of shard 0 of 1)", "step ");
        }
    }

    @Test
    void whereWorkersServeAKilledOneEndsTheRunAndIsNamedWithItsShard() throws Exception {
        start(0, "asp");
        for (int worker = 0; worker < 3; worker++) {
            ranks.get(worker).awaitOutput("step 40");
        }
        long killed = System.currentTimeMillis();
        ranks.get(1).signal("KILL");

        for (int worker : new int[] {0, 2}) {
            assertFailed(worker, killed, "rank 1 ", "server of shard 1 of 3", "only servers of their own", "step ");
        }
    }

    /** The time is reported but not asserted: others may need this machine's cores. The promise is a second. */
    private void assertFailed(int worker, long killed, String... words) throws Exception {
        RankJvm rank = ranks.get(worker);
        assertThat(rank.awaitExit(AT_MOST)).isEqualTo(1);
        Matcher failed = FAILED.matcher(line(rank, "failed at "));
        assertThat(failed.matches()).isTrue();
        assertThat(failed.group(2)).contains(words);
        System.out.printf("rank %d knew after %d ms%n", worker, Long.parseLong(failed.group(1)) - killed);
    }
}
