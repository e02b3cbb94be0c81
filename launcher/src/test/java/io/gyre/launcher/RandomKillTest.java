package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Ranks killed at random while they join, reduce, and wait for each other. The seed chooses rank, time and transport.
 */
@Tag("processes")
class RandomKillTest {

    private static final int MOST_RANKS = 3;
    private static final int MOST_STEPS = 60;

    /** Four JVMs per kill: fast start instead of peak performance. */
    private static final Map<String, String> QUICK_START =
            Map.of("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto");

    static LongStream seeds() {
        return new Random().longs(20);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void aRankThatIsKilledIsNamedAndNothingIsLeft(long seed) throws Exception {
        Random random = new Random(seed);
        int ranks = 2 + random.nextInt(MOST_RANKS - 1);
        int victim = random.nextInt(ranks);
        boolean whileJoining = random.nextInt(5) == 0;
        int step = random.nextInt(MOST_STEPS);
        String transport = random.nextBoolean() ? "ipc" : "udp";
        String what = "rank " + victim + " of " + ranks + ", " + (whileJoining ? "joining" : "at step " + step)
                + ", over " + transport;

        List<Long> pids = new ArrayList<>();
        try (GyreProcess gyre = GyreProcess.start(
                QUICK_START,
                List.of(
                        "run",
                        "-n",
                        String.valueOf(ranks),
                        "--transport",
                        transport,
                        AllReduceProgram.class.getName()))) {
            for (int rank = 0; rank < ranks; rank++) {
                pids.add(Long.parseLong(gyre.awaitWord(rank, "started")));
            }
            if (!whileJoining) {
                gyre.await(
                        what,
                        () -> gyre.word(victim, "step")
                                .filter(done -> Integer.parseInt(done) >= step)
                                .isPresent());
            }
            Processes.signal("KILL", pids.get(victim));

            assertThat(gyre.awaitExit(GyreProcess.STOPPED)).as(what).isEqualTo(1);

            assertThat(gyre.errors())
                    .as(what)
                    .contains("gyre: rank " + victim + " (host " + HostAddress.ownName() + ", pid " + pids.get(victim)
                            + ") ended with exit status 137 (killed)");
            assertThat(pids).as(what).noneMatch(Processes::isRunning);
            assertThat(filesOf(pids)).as(what).isEmpty();
        }
    }

    /** Names of directories in shared memory begin with the process id of their rank. */
    private static List<Path> filesOf(List<Long> pids) throws IOException {
        Path home = Path.of("/dev/shm", "gyre-" + System.getProperty("user.name"));
        if (!Files.isDirectory(home)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(home)) {
            return files.filter(file -> pids.stream()
                            .anyMatch(pid -> file.getFileName().toString().startsWith(pid + "-")))
                    .toList();
        }
    }
}
