package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.gyre.dl4j.DistributedTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Measures what a run loses that is killed, interrupted and terminated at random moments and resumed after each, and
 * checks that its result is bit-identical to an undisturbed run. {@code -Dgyre.interruptions=10}: number of each kind;
 * prints a table.
 */
@Tag("long")
@EnabledIfSystemProperty(
        named = "gyre.interruptions",
        matches = "\\d+",
        disabledReason = "-Dgyre.interruptions=N says how many of each kind")
@Timeout(value = 3, unit = TimeUnit.HOURS)
class InterruptionsTest {

    private static final int RANKS = 3;
    private static final long STEPS = 300;
    private static final long CHECKPOINT_STEPS = 20;
    private static final long SEED = 20;

    /** On average as much of a run's time remains after its interruptions as before the first. */
    private static final double SHARE = 1.6;

    private static final Pattern STOPPED = Pattern.compile("stopped after step ([\\d,]+) of");

    private enum Kind {
        KILLED("KILL", 1),
        INTERRUPTED("INT", 130),
        TERMINATED("TERM", 143);

        private final String signal;
        private final int status;

        Kind(String signal, int status) {
            this.signal = signal;
            this.status = status;
        }
    }

    /**
     * An interruption.
     *
     * @param step the last step done; for a killed run estimated from the time since its last checkpoint
     * @param savedStep from which the next run continues
     */
    private record Interruption(double step, long savedStep, double secondsToEnd) {
        double lostSteps() {
            return Math.max(0, step - savedStep);
        }
    }

    private final int times = Integer.getInteger("gyre.interruptions", 0);
    private final Random random = new Random(SEED);

    @TempDir
    private Path directory;

    private static String[] lenet(Path checkpoints) {
        return new String[] {
            "lenet",
            "-n",
            String.valueOf(RANKS),
            "--steps",
            String.valueOf(STEPS),
            "--batch",
            "4",
            "--checkpoint",
            checkpoints.toString(),
            "--checkpoint-steps",
            String.valueOf(CHECKPOINT_STEPS),
            "--resume"
        };
    }

    @Test
    void interruptedRunsLoseLittleAndEndWithTheSameBits() throws Exception {
        JsonNode whole = GyreTrain.run(directory, lenet(directory.resolve("whole")));
        List<String> table =
                new ArrayList<>(List.of("kind, times, steps lost: median, most; seconds to end: median, most;"
                        + " runs, ends with other bits"));
        for (Kind kind : Kind.values()) {
            List<Interruption> done = new ArrayList<>();
            int runs = 0;
            while (done.size() < times) {
                Path checkpoints = directory.resolve(kind + "-" + runs++);
                interruptAgainAndAgain(kind, checkpoints, whole.get("seconds").asDouble(), done);
                JsonNode end = GyreTrain.run(directory, lenet(checkpoints));
                assertThat(end.get("parameters_sha256"))
                        .as("%s: %s", kind, done)
                        .isEqualTo(whole.get("parameters_sha256"));
            }
            table.add(line(kind, done, runs));
        }
        System.out.println(String.join("\n", table));
    }

    /** Repeats until it has been done often enough, or the run has ended. */
    private void interruptAgainAndAgain(Kind kind, Path checkpoints, double wholeSeconds, List<Interruption> done)
            throws Exception {
        while (done.size() < times) {
            long millis = (long) (random.nextDouble() * SHARE * wholeSeconds / times * 1e3);
            try (GyreTrain train = GyreTrain.start(directory, lenet(checkpoints))) {
                train.awaitOutput("step [\\d,]+ of|trained lenet");
                TimeUnit.MILLISECONDS.sleep(millis);
                long begin = System.nanoTime();
                long beginMillis = System.currentTimeMillis();
                if (kind == Kind.KILLED) {
                    GyreTrain.kill(train.pid(random.nextInt(RANKS)));
                } else {
                    train.signal(kind.signal);
                }
                int status = train.awaitExit(GyreTrain.PATIENCE);
                double seconds = (System.nanoTime() - begin) / 1e9;
                long saved = DistributedTrainer.newestCheckpoint(checkpoints).orElse(0);
                if (saved == STEPS) {
                    return;
                }
                assertThat(status).as(train.output()).isEqualTo(kind.status);
                done.add(new Interruption(step(kind, train, checkpoints, beginMillis), saved, seconds));
                System.out.println(kind + " after " + millis + " ms: " + done.get(done.size() - 1));
                if (kind != Kind.KILLED) {
                    assertThat(done.get(done.size() - 1).lostSteps())
                            .as(train.output())
                            .isZero();
                }
            }
        }
    }

    private static double step(Kind kind, GyreTrain train, Path checkpoints, long killedMillis) throws IOException {
        if (kind == Kind.KILLED) {
            return stepAt(killedMillis, checkpoints);
        }
        Matcher stopped = STOPPED.matcher(train.output());
        assertThat(stopped.find()).as(train.output()).isTrue();
        return Long.parseLong(stopped.group(1).replace(",", ""));
    }

    /** Estimated from the time since the last checkpoint, and that between the last two. */
    private static double stepAt(long millis, Path checkpoints) throws IOException {
        List<Path> files;
        try (Stream<Path> all = Files.list(checkpoints)) {
            files = all.filter(file -> file.getFileName().toString().startsWith("step-"))
                    .sorted(Comparator.reverseOrder())
                    .toList();
        }
        long saved = DistributedTrainer.newestCheckpoint(checkpoints).orElse(0);
        if (files.size() < 2) {
            return saved + CHECKPOINT_STEPS / 2.0;
        }
        double last = Files.getLastModifiedTime(files.get(0)).toMillis();
        double before = Files.getLastModifiedTime(files.get(1)).toMillis();
        return saved + Math.min(CHECKPOINT_STEPS, (millis - last) / (last - before) * CHECKPOINT_STEPS);
    }

    private static String line(Kind kind, List<Interruption> done, int runs) {
        double[] lost =
                done.stream().mapToDouble(Interruption::lostSteps).sorted().toArray();
        double[] seconds =
                done.stream().mapToDouble(Interruption::secondsToEnd).sorted().toArray();
        return "%s, %d, %.1f, %.1f; %.2f, %.2f; %d, 0"
                .formatted(
                        kind,
                        done.size(),
                        lost[lost.length / 2],
                        lost[lost.length - 1],
                        seconds[seconds.length / 2],
                        seconds[seconds.length - 1],
                        runs);
    }
}
