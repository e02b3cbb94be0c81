package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Ranks killed at random while they join and while they add up numbers over Aeron. The seed decides who, when, and over what. */
class RandomKillTest {

    private static final int RANKS = 3;
    private static final int MOST_STEPS = 100;

    static LongStream fewSeeds() {
        return new Random().longs(4);
    }

    static LongStream manySeeds() {
        return new Random().longs(20);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("fewSeeds")
    void aRankThatIsKilledIsNamedAndNothingIsLeft(long seed) throws Exception {
        killOne(new Random(seed));
    }

    @Tag("long")
    @ParameterizedTest(name = "seed {0}")
    @MethodSource("manySeeds")
    void manyTimesARankThatIsKilledIsNamedAndNothingIsLeft(long seed) throws Exception {
        killOne(new Random(seed));
    }

    private static void killOne(Random random) throws Exception {
        int victim = random.nextInt(RANKS);
        boolean whileJoining = random.nextInt(5) == 0;
        int step = random.nextInt(MOST_STEPS);
        String transport = random.nextBoolean() ? "ipc" : "udp";
        String what = "rank " + victim + ", " + (whileJoining ? "joining" : "at step " + step) + ", over " + transport;

        List<Long> pids = new ArrayList<>();
        try (GyreProcess gyre = GyreProcess.start(
                "run", "-n", String.valueOf(RANKS), "--transport", transport, AllReduceProgram.class.getName())) {
            for (int rank = 0; rank < RANKS; rank++) {
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

    /** Directories in shared memory begin with the process id of their rank. */
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
