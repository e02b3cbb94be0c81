package io.gyre.samples.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.runs.MetricsFile;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunRecord;
import io.gyre.runs.RunState;
import io.gyre.runs.Runs;
import io.gyre.testkit.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Trainings whose ranks survive their processes. */
@EnabledOnOs(OS.LINUX)
@Tag("processes")
@Timeout(600)
class SeatedTrainTest {

    private static final String[] RUN = {"mlp", "-n", "3", "--steps", "600"};

    @TempDir
    private Path directory;

    private static String[] with(String... more) {
        return with(RUN, more);
    }

    private static String[] with(String[] first, String... more) {
        return Stream.concat(Arrays.stream(first), Arrays.stream(more)).toArray(String[]::new);
    }

    /** The process that holds rank 0 in the newest generation. */
    static long pidOfRankZero(RunFiles files) throws IOException {
        Map<Integer, Long> pids = new HashMap<>();
        int holder = -1;
        for (String line : Files.readAllLines(files.membership())) {
            JsonNode event = new ObjectMapper().readTree(line);
            if (event.get("event").asText().equals("joined")) {
                pids.put(event.get("process").asInt(), event.get("pid").asLong());
            }
            if (event.has("holders")) {
                holder = event.get("holders").get(0).asInt();
            }
        }
        return pids.get(holder);
    }

    private static String find(String regex, String text) {
        Matcher found = Pattern.compile(regex).matcher(text);
        assertThat(found.find()).as(text).isTrue();
        return found.group(1);
    }

    @Test
    void killsAndFewerProcessesChangeNothing() throws Exception {
        JsonNode whole = GyreTrain.run(directory, with("--no-run-dir"));
        JsonNode onTwo = GyreTrain.run(directory, with("--processes", "2", "--no-run-dir"));
        JsonNode onOne = GyreTrain.run(directory, with("--processes", "1", "--no-run-dir"));
        RunFiles files = new RunFiles(directory.resolve("a"));
        Path timeline = directory.resolve("trace.json");
        JsonNode killed;
        try (GyreTrain train = GyreTrain.start(
                directory,
                with(
                        "--restarts",
                        "1",
                        "--run-dir",
                        files.directory().toString(),
                        "--timeline",
                        timeline.toString()))) {
            train.awaitOutput("step 1 of");
            GyreTrain.kill(pidOfRankZero(files));
            train.awaitOutput("generation 2 continues after step");
            assertThat(Runs.see(files).state()).isEqualTo(RunState.RUNNING);
            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();
            assertThat(train.output()).contains("was lost with seat", "is restarted: 1 of 1 time");
            killed = train.report();
        }

        assertThat(onTwo.get("parameters_sha256")).isEqualTo(whole.get("parameters_sha256"));
        assertThat(onOne.get("parameters_sha256")).isEqualTo(whole.get("parameters_sha256"));
        assertThat(killed.get("parameters_sha256")).isEqualTo(whole.get("parameters_sha256"));
        assertThat(killed.get("accuracy")).isEqualTo(whole.get("accuracy"));
        assertThat(killed.get("steps").asLong()).isGreaterThanOrEqualTo(599);
        assertWhatIsKept(files, timeline);
    }

    private static void assertWhatIsKept(RunFiles files, Path timeline) throws IOException {
        assertThat(RunRecord.read(files).state()).isEqualTo(RunState.COMPLETE);
        assertThat(RunRecord.read(files).hosts()).hasSize(3).doesNotContain("-");
        assertThat(MetricsFile.lines(files.metrics()).stream()
                        .filter(line -> line.values().containsKey("loss"))
                        .map(MetricsFile.Line::step))
                .isSorted()
                .doesNotHaveDuplicates()
                .hasSizeGreaterThan(2)
                .contains(600L);
        assertThat(RunFiles.checkpointSteps(files.checkpoints())).contains(600L);
        assertThat(files.model()).isNotEmptyFile();
        assertThat(files.card()).exists();
        assertThat(files.log()).content().contains("was lost with seat", "generation 2 continues", "step 600 of");
        assertThat(files.membership())
                .content()
                .contains("\"event\":\"lost\"", "\"event\":\"generation\",\"generation\":2");
        for (int rank = 0; rank < 3; rank++) {
            assertThat(files.rank(rank)).content().contains("\"ended\":true");
        }
        assertThat(timeline).content().contains("generation 2, ranks", "\"name\":\"rank 2 (");
    }

    @Test
    void aRunGoesOnFromTheCopyOfItsLastProcess() throws Exception {
        String[] run = {"mlp", "-n", "2", "--steps", "600"};
        JsonNode whole = GyreTrain.run(directory, with(run, "--no-run-dir"));
        RunFiles files = new RunFiles(directory.resolve("a"));
        try (GyreTrain train = GyreTrain.start(
                directory,
                with(run, "--restarts", "1", "--run-dir", files.directory().toString()))) {
            train.awaitOutput("step 1 of");
            GyreTrain.kill(pidOfRankZero(files));
            train.awaitOutput("generation 2 continues after step");
            long last = pidOfRankZero(files);
            Path copies = stateDirectory(last);
            awaitCopy(copies);
            GyreTrain.kill(last);
            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isZero();

            assertThat(train.output()).contains("Goes on from the copy of the last process");
            assertThat(train.report().get("parameters_sha256")).isEqualTo(whole.get("parameters_sha256"));
            assertThat(copies).doesNotExist();
        }
    }

    /** Where a process keeps a copy of the state as long as it alone has it. */
    static Path stateDirectory(long pid) throws IOException {
        String environment = Files.readString(Path.of("/proc", String.valueOf(pid), "environ"));
        return Path.of(find("(?:^|\0)GYRE_STATE_DIR=([^\0]+)", environment));
    }

    static void awaitCopy(Path directory) {
        Eventually.that("a copy of the state", GyreTrain.PATIENCE, () -> holdsCopy(directory));
    }

    private static boolean holdsCopy(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.anyMatch(file -> file.toString().contains("step-"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aRunWithSeatsIsForkedStoppedAndResumed() throws Exception {
        String[] run = {"mlp", "-n", "2", "--processes", "1", "--steps", "900", "--checkpoint-steps", "100"};
        String parent = directory.resolve("a").toString();
        RunFiles child = new RunFiles(directory.resolve("b"));
        JsonNode whole = GyreTrain.run(directory, with(run, "--keep-checkpoints", "99", "--run-dir", parent));
        String[] fork = with(run, "--run-dir", child.directory().toString());

        try (GyreTrain train = GyreTrain.start(directory, with(fork, "--from", parent + "@100"))) {
            train.awaitOutput("step 101 of");
            train.signal("TERM");
            assertThat(train.awaitExit(GyreTrain.PATIENCE)).as(train.output()).isEqualTo(143);
            assertThat(train.output()).contains("resume with: gyre runs resume " + child.directory());
        }
        assertThat(RunRecord.read(child).state()).isEqualTo(RunState.STOPPED);
        JsonNode resumed = GyreTrain.run(directory, with(fork, "--resume"));

        assertThat(resumed.get("parameters_sha256")).isEqualTo(whole.get("parameters_sha256"));
        assertThat(resumed.get("resumed_from_step").asLong()).isGreaterThan(100);
        assertThat(RunRecord.read(child).attempts()).hasSize(2);
        assertThat(RunRecord.read(child).state()).isEqualTo(RunState.COMPLETE);
    }

    @Test
    void aProcessFromElsewhereTakesTheSeatsOfALostOne() throws Exception {
        RunFiles files = new RunFiles(directory.resolve("a"));
        String[] run = {
            "mlp",
            "-n",
            "2",
            "--steps",
            "1000000",
            "--run-dir",
            files.directory().toString()
        };
        try (GyreTrain train = GyreTrain.start(directory, with(run, "--min-processes", "1"))) {
            train.awaitOutput("another process joins this run by: .* --join 127.0.0.1:\\d+");
            String address = find("--join (127.0.0.1:\\d+)", train.output());
            assertRefused(with(run, "--batch", "8", "--join", address));

            try (GyreTrain newcomer = GyreTrain.start(directory, with(run, "--join", address))) {
                train.awaitOutput("step \\d+ of");
                newcomer.awaitOutput("it waits for seats");
                train.await(GyreTrain.PATIENCE, "the newcomer joins", () -> contains(files, "process 2 .* has joined"));
                GyreTrain.kill(train.processPid(1));
                // The second, or the third if the newcomer was not ready yet.
                train.awaitOutput(
                        "generation \\d continues after step \\d+.*; process \\d: seat \\d, process 2: seat \\d");
                train.signal("TERM");
                assertThat(train.awaitExit(GyreTrain.PATIENCE))
                        .as(train.output())
                        .isEqualTo(143);
                assertThat(newcomer.awaitExit(GyreTrain.PATIENCE))
                        .as(newcomer.output())
                        .isEqualTo(143);
            }
        }
        assertThat(files.membership()).content().contains("\"event\":\"open\"", "is admitted", "other options");
    }

    private void assertRefused(String... arguments) throws Exception {
        try (GyreTrain other = GyreTrain.start(directory, arguments)) {
            assertThat(other.awaitExit(GyreTrain.PATIENCE)).as(other.output()).isNotZero();
            assertThat(other.output())
                    .contains("has another program or other options")
                    .doesNotContain("\tat ");
        }
    }

    private static boolean contains(RunFiles files, String regex) {
        try {
            return Pattern.compile(regex)
                    .matcher(Files.readString(files.membership()))
                    .find();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
