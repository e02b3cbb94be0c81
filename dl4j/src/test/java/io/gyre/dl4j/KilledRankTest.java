package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.dl4j.TrainingProgram.Phase;
import io.gyre.testkit.RankJvm;
import io.gyre.transport.RendezvousServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Processes that train a model, one of which is killed at a point that only training reaches; other points are tested
 * with the transport.
 */
@EnabledOnOs(OS.LINUX)
class KilledRankTest {

    private static final int RANKS = 3;

    /** Takes a tenth of this on an idle machine. */
    private static final Duration NOTICED = Duration.ofSeconds(10);

    @TempDir
    Path directory;

    @ParameterizedTest(name = "rank {1} in {0}")
    @CsvSource({
        "UPDATE,     1, 'all-reduce \\(.*\\) of bucket 0, step 4'",
        "CHECKPOINT, 0, checkpoint of step 4",
        "IDLE,       2, agreement on training data",
        "DATA,       1, 'the wait for its data, step 0'",
        "LISTENER,   0, the update or a listener after it of step 3",
    })
    void aKilledRankEndsTheWaitsOfTheOthersWithItsName(Phase phase, int victim, String doing) throws Exception {
        List<RankJvm> ranks = new ArrayList<>();
        try (RendezvousServer rendezvous = RendezvousServer.open(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), RANKS, Duration.ofMinutes(2))) {
            for (int rank = 0; rank < RANKS; rank++) {
                ranks.add(start(rendezvous, rank, phase, victim));
            }
            ranks.get(victim).awaitOutput("in " + phase);
            if (phase == Phase.DATA || phase == Phase.LISTENER) {
                for (RankJvm rank : ranks) {
                    rank.awaitOutput("in " + phase);
                }
            }
            ranks.get(victim).signal("KILL");

            for (int rank = 0; rank < RANKS; rank++) {
                if (rank != victim) {
                    assertThat(ranks.get(rank).awaitExit(NOTICED)).isEqualTo(1);
                    assertThat(ranks.get(rank).output())
                            .containsPattern("rank " + rank + " stopped in " + doing + ": rank " + victim
                                    + " \\(host .*, pid " + ranks.get(victim).pid() + "\\) was lost");
                }
            }
        } finally {
            ranks.forEach(RankJvm::close);
        }
    }

    private RankJvm start(RendezvousServer rendezvous, int rank, Phase phase, int victim) throws Exception {
        List<String> flags = new ArrayList<>(RankJvm.QUICK_START);
        flags.add("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED");
        Map<String, String> environment = Map.of(
                "GYRE_RANK", String.valueOf(rank),
                "GYRE_WORLD_SIZE", String.valueOf(RANKS),
                "GYRE_RENDEZVOUS", rendezvous.endpoint());
        return RankJvm.start(
                directory,
                flags,
                environment,
                TrainingProgram.class,
                phase.name(),
                String.valueOf(victim),
                directory.resolve("checkpoints").toString());
    }
}
