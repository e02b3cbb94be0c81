package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.RankJvm;
import io.gyre.transport.TransportMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Four processes, each worker and server, over UDP; one message in 20 is lost, and one in 20 arrives twice. */
class CountingPushesTest {

    private static final int RANKS = 4;

    @TempDir
    Path directory;

    private void count(TransportMode transport, int pushesOfEach, Duration atMost) throws Exception {
        List<RankJvm> ranks = new ArrayList<>();
        try {
            for (int rank = 0; rank < RANKS; rank++) {
                ranks.add(RankJvm.start(
                        directory,
                        List.of("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED"),
                        Map.of(),
                        CountingProgram.class,
                        String.valueOf(rank),
                        String.valueOf(RANKS),
                        directory.resolve("rendezvous").toString(),
                        String.valueOf(pushesOfEach),
                        transport.name()));
            }
            long timeouts = 0;
            for (RankJvm rank : ranks) {
                int status = rank.awaitExit(atMost);
                assertThat(rank.output()).contains("acknowledged " + pushesOfEach + ", off by 0.0");
                assertThat(status).isZero();
                timeouts += Long.parseLong(rank.output().replaceAll("(?s).*off by 0\\.0, (\\d+) timeouts.*", "$1"));
            }
            assertThat(timeouts).as("callers that gave up and came again").isPositive();
            System.out.println(RANKS + " processes, " + RANKS * pushesOfEach + " pushes, " + timeouts + " timeouts");
        } finally {
            ranks.forEach(RankJvm::close);
        }
    }

    @Test
    void everyCellEqualsTheAcknowledgedCount() throws Exception {
        count(TransportMode.UDP, 1_000, Duration.ofMinutes(2));
    }

    /** In shared memory only the announcement of a gradient is sent, and that is lost and repeated. */
    @Test
    void everyCellEqualsTheAcknowledgedCountOfPushesThatAreLeftInSharedMemory() throws Exception {
        count(TransportMode.SHM, 1_000, Duration.ofMinutes(2));
    }

    @Test
    @Tag("long")
    void everyCellEqualsTheAcknowledgedCountOfAMillion() throws Exception {
        count(TransportMode.UDP, 250_000, Duration.ofMinutes(30));
    }
}
