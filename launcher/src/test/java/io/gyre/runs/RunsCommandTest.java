package io.gyre.runs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.launcher.GyreCommandLine;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

class RunsCommandTest {

    private static final List<List<String>> EXECUTED = new ArrayList<>();

    @TempDir
    private Path parent;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Command(
            name = "gyre",
            subcommands = {RunsCommand.class, Training.class})
    static final class Root {}

    /** Stands for the command that trains. */
    @Command(name = "train")
    @SuppressWarnings("UnusedVariable") // Parsed by their names.
    static final class Training implements Callable<Integer> {

        @Spec
        private CommandSpec specification = CommandSpec.create();

        @Parameters
        private String model = "";

        @Option(names = "--learning-rate")
        private double rate;

        @Option(names = {"-n", "--ranks"})
        private int ranks;

        @Option(names = "--epochs")
        private int epochs;

        @Option(names = "--steps")
        private int steps;

        @Option(names = "--double")
        private boolean inDouble;

        @Option(names = "--from")
        private String from = "";

        @Option(names = "--run-dir")
        private String directory = "";

        @Option(names = "--resume")
        private boolean resume;

        @Override
        public Integer call() {
            EXECUTED.add(
                    specification.commandLine().getParent().getParseResult().originalArgs());
            return 0;
        }
    }

    @BeforeEach
    void keepSomeRuns() throws IOException {
        EXECUTED.clear();
        keep("good", RunState.COMPLETE, 0.9);
        keep("better", RunState.STOPPED, 0.95);
        keep("bad", RunState.COMPLETE, 0.5);
    }

    private void keep(String name, RunState end, double accuracy) throws IOException {
        RunFiles files = new RunFiles(parent.resolve(name));
        RunPlan plan = new RunPlan(
                null,
                List.of("train", "mlp", "-n", "2", "--epochs", "3", "--double"),
                Map.of("model", "mlp"),
                List.of("here"),
                false);
        try (RunWriter writer = RunWriter.open(files, plan, false)) {
            writer.begin(0);
            writer.stepDone(1, 1, 1 - accuracy, 10);
            writer.end(end, 1, 10, 1, Map.of("accuracy", accuracy));
        }
        Files.createDirectories(files.checkpoints());
        Files.writeString(RunFiles.checkpoint(files.checkpoints(), 100), "old");
        Files.writeString(RunFiles.checkpoint(files.checkpoints(), 200), "new");
    }

    private int runs(String... arguments) {
        List<String> words = new ArrayList<>(List.of("runs", "--dir", parent.toString()));
        words.addAll(List.of(arguments));
        return GyreCommandLine.of(new Root())
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(words.toArray(String[]::new));
    }

    private String path(String name) {
        return parent.resolve(name).toString();
    }

    @Test
    void theLeaderboardHasTheBestFirst() {
        assertThat(runs("--sort", "accuracy")).isZero();

        assertThat(out.toString().lines().map(line -> line.split(" +", 2)[0]))
                .containsExactly("run", "better", "good", "bad");
        assertThat(out.toString().lines().skip(1).findFirst().orElseThrow())
                .contains("stopped", "mlp", "0.0500", "0.9500");
    }

    @Test
    void ofALossLessIsBetter() {
        assertThat(runs("--sort", "loss")).isZero();

        assertThat(out.toString().lines().skip(1).findFirst().orElseThrow()).startsWith("better ");
    }

    @Test
    void aMetricThatNoRunHasIsNamedWithThoseThatThereAre() {
        assertThat(runs("--sort", "beauty")).isEqualTo(2);

        assertThat(err.toString())
                .contains("--sort beauty: no run has it; they have accuracy, ")
                .hasLineCount(1);
    }

    @Test
    void aRunThatCannotBeReadDoesNotHideTheOthers() throws IOException {
        Files.writeString(parent.resolve("good/run.json"), "{");

        assertThat(runs()).isZero();
        assertThat(out.toString()).hasLineCount(4).contains("good  ", "unreadable: ", "bad ");
    }

    @Test
    void programsGetAllOfIt() throws IOException {
        assertThat(runs("--json")).isZero();

        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertThat(json).hasSize(3);
        assertThat(json.get(0).get("metrics").get("accuracy").asDouble()).isEqualTo(0.5);
        assertThat(json.get(0).get("record").get("state").asText()).isEqualTo("complete");
    }

    @Test
    void whereThereIsNoRunItSaysSo() {
        assertThat(runs("--dir", path("nowhere"))).isEqualTo(2);
        assertThat(runs("show", "nobody")).isEqualTo(1);
        assertThat(err.toString()).contains("there is no run 'nobody' in " + parent);
    }

    @Test
    void aRunIsShownWithItsCheckpointsAndItsCard() {
        assertThat(runs("show", "good")).isZero();

        assertThat(out.toString()).contains("state        complete", "[100, 200]", "# Model card: good");
    }

    @Test
    void aCardIsWrittenAnew() throws IOException {
        Files.delete(parent.resolve("good/card.md"));

        assertThat(runs("card", "good")).isZero();

        assertThat(out.toString()).contains("| Accuracy, held out | 0.9000 |");
        assertThat(parent.resolve("good/card.md")).content().isEqualTo(out.toString());
    }

    @Test
    void aRunIsResumedByItsOwnCommandInItsOwnDirectory() {
        assertThat(runs("resume", "better")).isZero();

        assertThat(EXECUTED)
                .containsExactly(List.of(
                        "train",
                        "mlp",
                        "-n",
                        "2",
                        "--epochs",
                        "3",
                        "--double",
                        "--run-dir",
                        path("better"),
                        "--resume"));
    }

    @Test
    void aCompleteRunIsNotResumed() {
        assertThat(runs("resume", "good")).isEqualTo(2);

        assertThat(err.toString()).contains("good is complete; to train longer: gyre runs fork good -- --epochs MORE");
        assertThat(EXECUTED).isEmpty();
    }

    @Test
    void aForkChangesSomeOptionsAndKeepsTheOthers() {
        assertThat(runs("fork", "good", "--step", "100", "--", "--learning-rate", "0.1", "--steps", "7", "-n", "4"))
                .isZero();

        assertThat(EXECUTED)
                .containsExactly(List.of(
                        "train",
                        "mlp",
                        "--ranks",
                        "4",
                        "--double",
                        "--learning-rate",
                        "0.1",
                        "--steps",
                        "7",
                        "--from",
                        path("good") + "@100",
                        "--run-dir",
                        path("good-100")));
    }

    @Test
    void aForkBeginsWithTheNewestCheckpointAndMayHaveAName() {
        assertThat(runs("fork", "good", "--name", "child")).isZero();

        assertThat(EXECUTED.get(0)).contains(path("good") + "@200").endsWith("--run-dir", path("child"));
    }

    @Test
    void aForkOfACheckpointThatIsNotThereOrAnOptionThatThereIsNotIsRefused() {
        assertThat(runs("fork", "good", "--step", "150")).isEqualTo(1);
        assertThat(err.toString()).contains("good has no checkpoint of step 150; it has those of [100, 200]");

        assertThat(runs("fork", "good", "--", "--beauty", "3")).isEqualTo(2);
        assertThat(err.toString()).contains("--beauty");
        assertThat(EXECUTED).isEmpty();
    }

    @Test
    void aRunIsRemovedUnlessItIsUnderWay() throws IOException {
        try (RunLock lock = RunLock.take(new RunFiles(parent.resolve("bad")).lock())) {
            assertThat(lock).isNotNull();
            assertThat(runs("rm", "bad")).isEqualTo(1);
            assertThat(err.toString()).contains("bad is under way (this process): end it first");
        }

        assertThat(runs("rm", "bad", "good")).isZero();

        assertThat(parent.toFile().list()).containsExactly("better");
    }

    @Test
    void whatIsNoRunIsNotRemoved() throws IOException {
        Path mine = Files.createDirectory(parent.resolve("mine"));

        assertThat(runs("rm", "mine", "bad")).isEqualTo(1);

        assertThat(mine).exists();
        assertThat(err.toString()).contains("mine is not a run directory, or is half written");
    }
}
