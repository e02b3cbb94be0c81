package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.testkit.RankJvm;
import io.gyre.transport.TransportMode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Two workers and two servers with backups as processes; servers are killed, and started again, in turn. */
@Tag("processes")
class KilledServersTest {

    private static final int WORKERS = 2;
    private static final int SERVERS = 2;

    @TempDir
    Path directory;

    private final List<RankJvm> ranks = new ArrayList<>();

    private RankJvm start(int rank, int pushes, TransportMode transport) throws IOException {
        return RankJvm.start(
                directory,
                List.of("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED", "-XX:+UseSerialGC"),
                Map.of(),
                KilledServersProgram.class,
                String.valueOf(rank),
                String.valueOf(WORKERS),
                String.valueOf(SERVERS),
                directory.resolve("rendezvous").toString(),
                String.valueOf(pushes),
                transport.name());
    }

    @AfterEach
    void end() {
        ranks.forEach(RankJvm::close);
    }

    private void count(TransportMode transport, int pushesOfEach, int kills, Duration atMost) throws Exception {
        for (int rank = 0; rank < WORKERS + SERVERS; rank++) {
            ranks.add(start(rank, pushesOfEach, transport));
        }
        int[] incarnations = new int[WORKERS + SERVERS];
        for (int kill = 0; kill < kills; kill++) {
            int victim = WORKERS + kill % SERVERS;
            int other = WORKERS + (kill + 1) % SERVERS;
            ranks.get(victim).awaitOutput("backed by {" + other + "=" + incarnations[other] + "}");
            ranks.get(other).awaitOutput("backed by {" + victim + "=" + incarnations[victim] + "}");
            assertThat(ranks.get(0).output())
                    .as("kill %d is during the pushes", kill)
                    .doesNotContain("acknowledged");
            ranks.get(victim).signal("KILL");
            ranks.get(victim).awaitExit(Duration.ofMinutes(1));
            incarnations[victim]++;
            ranks.set(victim, start(victim, pushesOfEach, transport));
        }
        for (int worker = 0; worker < WORKERS; worker++) {
            int status = ranks.get(worker).awaitExit(atMost);
            assertThat(ranks.get(worker).output())
                    .contains("acknowledged " + pushesOfEach + ", off by 0.0, " + WORKERS * pushesOfEach + " numbers");
            assertThat(status).isZero();
        }
        for (int server = WORKERS; server < WORKERS + SERVERS; server++) {
            ranks.get(server).awaitExit(Duration.ofMinutes(1));
        }
        for (int worker = 0; worker < WORKERS; worker++) {
            System.out.println(transport + ", " + kills + " kills, rank " + worker + ": "
                    + ranks.get(worker).output().replaceAll("(?s).*(acknowledged[^\n]*).*", "$1"));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = TransportMode.class,
            names = {"SHM", "UDP"})
    @Tag("long")
    void everyCellEqualsTheAcknowledgedCountOfAMillionAfterTwentyKills(TransportMode transport) throws Exception {
        count(transport, 500_000, 20, Duration.ofMinutes(30));
    }

    @Test
    void everyCellEqualsTheAcknowledgedCountAfterTwoKills() throws Exception {
        count(TransportMode.AUTO, 20_000, 2, Duration.ofMinutes(2));
    }
}
