package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real processes, of which one is killed. */
@Timeout(120)
class KilledRankTest {

    private static final int WORKERS = 3;
    private static final int SERVER = 3;

    @TempDir
    Path directory;

    private final List<Process> processes = new ArrayList<>();
    private final List<BufferedReader> outputs = new ArrayList<>();

    private void start() throws IOException {
        for (int rank = 0; rank <= WORKERS; rank++) {
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(List.of(
                    "-XX:+IgnoreUnrecognizedVMOptions",
                    "-XX:TieredStopAtLevel=1",
                    "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
                    "-cp",
                    System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                    RankProgram.class.getName(),
                    String.valueOf(rank),
                    String.valueOf(WORKERS + 1),
                    directory.resolve("rendezvous").toString()));
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            processes.add(process);
            outputs.add(process.inputReader());
        }
    }

    @AfterEach
    void end() {
        processes.forEach(Process::destroyForcibly);
    }

    /** Reads a rank's output to the first line that begins so. */
    private String awaitLine(int rank, String beginning) throws IOException {
        for (String line = outputs.get(rank).readLine();
                line != null;
                line = outputs.get(rank).readLine()) {
            if (line.startsWith(beginning)) {
                return line;
            }
        }
        throw new AssertionError("rank " + rank + " ended without '" + beginning + "'");
    }

    @Test
    void theOthersGoOnWithoutAKilledWorker() throws Exception {
        start();
        awaitLine(2, "step 40");
        processes.get(2).destroyForcibly();

        String first = awaitLine(0, "result");
        String second = awaitLine(1, "result");

        assertThat(second).isEqualTo(first);
        double pushes = -Double.parseDouble(first.substring("result ".length()));
        assertThat(pushes).as("all of two workers, and some of the third").isBetween(840.0, 1_199.0);
        for (int rank : new int[] {0, 1, SERVER}) {
            assertThat(processes.get(rank).waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(processes.get(rank).exitValue()).as("rank %d", rank).isZero();
        }
    }

    @Test
    void aKilledServerIsNamedAtOnceByEveryWorker() throws Exception {
        start();
        for (int rank = 0; rank < WORKERS; rank++) {
            awaitLine(rank, "step 40");
        }
        long killed = System.currentTimeMillis();
        processes.get(SERVER).destroyForcibly();

        for (int rank = 0; rank < WORKERS; rank++) {
            String line = awaitLine(rank, "failed at ");
            assertThat(line).contains("rank 3 ", "server of shard 0 of 1", "step ");
            long failed = Long.parseLong(line.substring("failed at ".length(), line.indexOf(':')));
            // A second is the promise; more is for a machine that is busy with other things.
            assertThat(failed - killed)
                    .as("milliseconds until rank %d knew", rank)
                    .isLessThan(5_000);
        }
    }
}
