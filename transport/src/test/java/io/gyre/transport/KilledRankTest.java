package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.RunListener;
import io.gyre.testkit.Eventually;
import io.gyre.testkit.RankJvm;
import io.gyre.transport.PhaseProgram.Phase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ranks as processes, of which one is killed or stopped. There is no launcher to end the others. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
class KilledRankTest {

    private static final Logger LOG = LoggerFactory.getLogger(KilledRankTest.class);

    private static final int RANKS = 3;

    /** Ten times what an idle machine needs. */
    private static final Duration NOTICED = Duration.ofSeconds(10);

    @TempDir
    Path directory;

    private final List<RankJvm> ranks = new ArrayList<>();
    private final Map<Integer, Member> joined = new ConcurrentHashMap<>();

    private RendezvousServer openRendezvous() {
        return RendezvousServer.open(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                RANKS,
                Duration.ofMinutes(1),
                false,
                new RunListener() {
                    @Override
                    public void joined(Member member) {
                        joined.put(member.rank(), member);
                    }
                });
    }

    private void start(RendezvousServer rendezvous, int count, String transport, Phase phase, int victim)
            throws IOException {
        List<String> flags = new ArrayList<>(RankJvm.QUICK_START);
        flags.add("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED");
        for (int rank = 0; rank < count; rank++) {
            Map<String, String> environment = Map.of(
                    "GYRE_RANK", String.valueOf(rank),
                    "GYRE_WORLD_SIZE", String.valueOf(RANKS),
                    "GYRE_RENDEZVOUS", rendezvous.endpoint(),
                    "GYRE_TRANSPORT", transport);
            ranks.add(RankJvm.start(
                    directory, flags, environment, PhaseProgram.class, phase.name(), String.valueOf(victim)));
        }
    }

    @ParameterizedTest(name = "rank {1} in {0}, over {2}")
    @CsvSource({
        "JOIN,       1, ipc, joining the run",
        "ALL_REDUCE, 0, ipc, 'all-reduce (ring) of bucket 3, step '",
        "ALL_REDUCE, 2, shm, 'all-reduce (direct) of bucket 3, step '",
        "ALL_REDUCE, 1, udp, 'all-reduce (ring) of bucket 3, step '",
        "UPDATE,     2, ipc, 'all-reduce (ring) of bucket 3, step 6'",
        "CHECKPOINT, 0, udp, checkpoint of step 5",
        "UPDATE,     1, shm, 'all-reduce (direct) of bucket 3, step 6'",
        "IDLE,       1, ipc, barrier (dissemination) of step 5",
        "IDLE,       0, shm, barrier (direct) of step 5",
    })
    void aKilledRankEndsTheWaitsOfTheOthersWithItsName(Phase phase, int victim, String transport, String doing)
            throws Exception {
        try (RendezvousServer rendezvous = openRendezvous()) {
            int started = phase == Phase.JOIN ? RANKS - 1 : RANKS;
            start(rendezvous, started, transport, phase, victim);
            if (phase == Phase.JOIN) {
                Eventually.that("ranks have asked to take part", () -> joined.size() == started);
            } else {
                ranks.get(victim).awaitOutput("in " + phase);
            }

            long killed = System.nanoTime();
            ranks.get(victim).signal("KILL");

            for (int rank = 0; rank < started; rank++) {
                if (rank != victim) {
                    assertThat(ranks.get(rank).awaitExit(NOTICED)).isEqualTo(1);
                    assertThat(ranks.get(rank).output())
                            .contains("rank " + rank + " stopped in " + doing)
                            .contains(": rank " + victim + " (host " + HostIdentity.name() + ", pid "
                                    + ranks.get(victim).pid() + ") was lost");
                }
            }
            LOG.info("killed in {}: all have ended after {} ms", phase, (System.nanoTime() - killed) / 1_000_000);
            assertThat(filesOfRanks()).isEmpty();
        } finally {
            ranks.forEach(RankJvm::close);
        }
    }

    /** They wait only because a datagram may be missing; their programs make no more calls. */
    @Test
    void whoHasDoneItsWorkAndLeavesOverUdpSaysThatAnotherWasLost() throws Exception {
        int victim = 1;
        try (RendezvousServer rendezvous = openRendezvous()) {
            start(rendezvous, RANKS, "udp", Phase.LEAVE, victim);
            ranks.get(victim).awaitOutput("in " + Phase.LEAVE);
            ranks.get(0).awaitOutput("leaving");
            ranks.get(2).awaitOutput("leaving");

            ranks.get(victim).signal("KILL");

            for (int rank : new int[] {0, 2}) {
                assertThat(ranks.get(rank).awaitExit(NOTICED)).isEqualTo(0);
                assertThat(ranks.get(rank).output())
                        .contains("rank " + rank + " stopped in leaving the run: rank " + victim + " (host");
            }
        } finally {
            ranks.forEach(RankJvm::close);
        }
    }

    @ParameterizedTest(name = "over {0}")
    @CsvSource({"shm", "ipc", "udp"})
    void aRankThatStandsStillForAWhileIsWaitedFor(String transport) throws Exception {
        try (RendezvousServer rendezvous = openRendezvous()) {
            start(rendezvous, RANKS, transport, Phase.ALL_REDUCE, 1);
            RankJvm stopped = ranks.get(1);
            stopped.awaitOutput("in " + Phase.ALL_REDUCE);

            stopped.signal("STOP");
            boolean ended = ranks.get(0).endsWithin(Duration.ofSeconds(2));
            long reached = lastStep(ranks.get(0));
            stopped.signal("CONT");

            assertThat(ended).as(ranks.get(0).output()).isFalse();
            for (RankJvm rank : ranks) {
                rank.awaitOutput("step " + (reached + 2 * PhaseProgram.STEPS_PER_LINE) + "\n");
            }
        } finally {
            ranks.forEach(RankJvm::close);
        }
    }

    private static long lastStep(RankJvm rank) throws IOException {
        return rank.output()
                .lines()
                .filter(line -> line.startsWith("step "))
                .mapToLong(line -> Long.parseLong(line.substring("step ".length())))
                .max()
                .orElse(0);
    }

    @Test
    void aJvmWithoutTheFlagIsToldWhichLineToAdd() throws Exception {
        try (RankJvm rank = RankJvm.start(
                directory,
                RankJvm.QUICK_START,
                Map.of("GYRE_RANK", "0", "GYRE_WORLD_SIZE", "1", "GYRE_RENDEZVOUS", "127.0.0.1:0"),
                PhaseProgram.class,
                Phase.IDLE.name(),
                "0")) {
            assertThat(rank.awaitExit(Duration.ofMinutes(1))).isEqualTo(1);
            assertThat(rank.output())
                    .contains("this JVM does not open jdk.internal.misc")
                    .contains("\n--add-opens java.base/jdk.internal.misc=ALL-UNNAMED\n")
                    .doesNotContain("\tat ", "Exception", "aeron.");
            assertThat(filesOf(rank)).isEmpty();
        }
    }

    /** The ranks' files in shared memory, whose names begin with the process id. */
    private List<Path> filesOfRanks() throws IOException {
        List<Path> files = new ArrayList<>();
        for (RankJvm rank : ranks) {
            files.addAll(filesOf(rank));
        }
        return files;
    }

    private static List<Path> filesOf(RankJvm rank) throws IOException {
        Path home = RunDirectory.sharedMemory().resolve("gyre-" + System.getProperty("user.name"));
        if (!Files.exists(home)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(home)) {
            return files.filter(file -> file.getFileName().toString().startsWith(rank.pid() + "-"))
                    .toList();
        }
    }
}
