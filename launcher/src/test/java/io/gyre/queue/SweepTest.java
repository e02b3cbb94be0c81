package io.gyre.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.launcher.GyreCommandLine;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

/** Sweeps whose runs are curves: nothing is trained. */
class SweepTest {

    private static final String FILE = """
            {
              "name": "rates",
              "command": ["train", "lenet"],
              "parameters": {
                "--learning-rate": {"from": 0.0001, "to": 1, "count": 9, "scale": "log"}
              },
              "metric": "accuracy", "first_steps": 10, "last_steps": 90, "eta": 3
            }
            """;

    private static final Needs ONE = new Needs(1, 0, 0);

    @TempDir
    private Path directory;

    private final FakeProcesses processes = new FakeProcesses();
    private final Map<String, Integer> stepsOfRun = new HashMap<>();

    private SweepFile file(String text) throws IOException {
        Path path = directory.resolve("sweep.json");
        Files.writeString(path, text);
        return SweepFile.read(path, new CommandLine(new QueueMain()).getCommandSpec());
    }

    private JobQueue queue() {
        return new JobQueue(directory.resolve("queue"));
    }

    /** Better with the steps; the best learning rate is the fifth of nine. */
    private @Nullable Double curve(Path run) {
        String name = run.getFileName().toString();
        int configuration = Integer.parseInt(name.substring(0, 3));
        return 1 - Math.abs(configuration - 4) / 10.0 - 1.0 / stepsOfRun.get(name);
    }

    private Sweep sweep(String text) throws IOException {
        return new Sweep(file(text), directory.resolve("runs"), queue(), ONE, this::curve, said -> {});
    }

    private QueueWorker worker() {
        return new QueueWorker(queue(), new Room(2, 8, 0, 0), processes, new TestClock(), said -> {});
    }

    /** Ends the jobs that run, after they have "trained". */
    private void endJobs(int status) throws IOException {
        for (JobQueue.Seen seen : queue().all()) {
            if (seen.state() == JobState.RUNNING
                    && processes.of(seen.job().id()).isAlive()) {
                List<String> words = seen.job().words();
                String run = Path.of(seen.job().runDirectory()).getFileName().toString();
                stepsOfRun.put(run, Integer.valueOf(words.get(words.indexOf("--steps") + 1)));
                processes.of(seen.job().id()).end(status);
            }
        }
    }

    private List<String> jobs() throws IOException {
        List<String> all = new ArrayList<>();
        for (JobQueue.Seen seen : queue().all()) {
            List<String> words = seen.job().words();
            all.add(Path.of(seen.job().runDirectory()).getFileName().toString().substring(0, 3) + "@"
                    + words.get(words.indexOf("--steps") + 1));
        }
        return all;
    }

    @Test
    void thePromisingGoOnFromWhereTheyAreTheBestFirst() throws IOException {
        Sweep sweep = sweep(FILE);
        QueueWorker worker = worker();
        while (sweep.advance()) {
            worker.turn();
            endJobs(0);
        }

        assertThat(jobs().subList(0, 9))
                .containsExactly(
                        "000@10", "001@10", "002@10", "003@10", "004@10", "005@10", "006@10", "007@10", "008@10");
        assertThat(jobs().subList(9, 12)).startsWith("004@30").containsExactlyInAnyOrder("003@30", "004@30", "005@30");
        assertThat(jobs().subList(12, jobs().size())).containsExactly("004@90");
        Job last = queue().numbered(13).readJob();
        assertThat(last.words())
                .startsWith("train", "lenet", "--learning-rate", "0.01", "--steps", "90", "--run-dir")
                .endsWith("--resume");
        assertThat(last.runDirectory()).isEqualTo(queue().numbered(5).readJob().runDirectory());
    }

    @Test
    void aSweepThatWasInterruptedAnywhereGoesOn() throws IOException {
        boolean more = true;
        while (more) {
            // Nothing of the process before is left but the files.
            more = sweep(FILE).advance();
            worker().turn();
            endJobs(0);
        }

        assertThat(jobs()).hasSize(13).endsWith("004@90");
    }

    @Test
    void ofALossTheSmallestGoesOn() throws IOException {
        Sweep sweep = sweep(FILE.replace("\"accuracy\"", "\"loss\""));
        while (sweep.advance()) {
            worker().turn();
            endJobs(0);
        }

        assertThat(jobs().subList(9, 12)).contains("008@30", "000@30").doesNotContain("004@30");
    }

    @Test
    void whereAllFailTheSweepSaysSo() throws IOException {
        Sweep sweep = sweep(FILE);
        QueueWorker worker = worker();
        assertThatThrownBy(() -> {
                    while (sweep.advance()) {
                        worker.turn();
                        endJobs(2);
                    }
                })
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("no configuration has a result");
        assertThat(jobs()).hasSize(9);
    }

    @Test
    void aFileThatHasChangedIsNotMixedWithWhatItWas() throws IOException {
        sweep(FILE).advance();
        QueueWorker worker = worker();
        worker.turn();
        endJobs(0);
        worker.turn();
        sweep(FILE).advance();

        assertThatThrownBy(() -> sweep(FILE.replace("\"count\": 9", "\"count\": 3")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("began with other contents");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "--learning-rate | --lerning-rate | no option '--lerning-rate'; did you mean --learning-rate?",
                "\"to\": 1 | \"to\": 0.00001 | --learning-rate has an empty range, from 1.0E-4 to 1.0E-5",
                "\"from\": 0.0001 | \"from\": 0 | a log scale needs positive numbers",
                "\"from\": 0.0001 | \"from\": \"low\" | --learning-rate has from \"low\"",
                "\"count\": 9 | \"count\": 0 | has the count 0: expected 1 to 1000",
                "\"scale\": \"log\" | \"scale\": \"cubic\" | has the scale 'cubic': expected linear or log",
                "\"scale\" | \"scales\" | has the key 'scales', which is unknown; did you mean scale?",
                "\"metric\": \"accuracy\" | \"metric\": \"acuracy\" | 'acuracy' is unknown: expected one of accuracy",
                "\"metric\" | \"metrik\" | key 'metrik' is unknown; did you mean metric?",
                "\"eta\": 3 | \"eta\": 1 | eta 1: expected 2 or more",
                "\"eta\": 3 | \"eta\": 3, \"mode\": \"best\" | mode \"best\": expected \"min\" or \"max\"",
                "\"first_steps\": 10 | \"first_steps\": 100 | first_steps 100 is more than last_steps 90",
                "\"last_steps\": 90 | \"last_steps\": -1 | last_steps -1: expected 1 to",
                "\"name\": \"rates\" | \"name\": \"../rates\" | name '../rates'",
                "[\"train\", \"lenet\"] | [] | command: expected words",
                "[\"train\", \"lenet\"] | [\"train\", \"lenet\", \"--steps\", \"3\"] | --steps: the sweep itself says",
                "--learning-rate | --batch | Invalid value for option '--batch'",
                "{ | [ | is not JSON",
            })
    void badInputGetsOneLineAndNothingIsDone(String part, String other, String message) throws IOException {
        Path path = directory.resolve("sweep.json");
        Files.writeString(path, FILE.replace(part, other));
        StringWriter err = new StringWriter();

        int status = GyreCommandLine.of(new QueueMain())
                .setErr(new PrintWriter(err, true))
                .execute("sweep", "--dir", directory.resolve("queue").toString(), path.toString());

        assertThat(status).isEqualTo(2);
        assertThat(err.toString()).contains(message, "sweep.json").hasLineCount(1);
        assertThat(directory.resolve("queue")).doesNotExist();
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        StringWriter err = new StringWriter();
        assertThat(GyreCommandLine.of(new QueueMain())
                        .setErr(new PrintWriter(err, true))
                        .execute("sweep", "nowhere.json"))
                .isEqualTo(2);
        assertThat(err.toString())
                .contains("there is no sweep file nowhere.json")
                .hasLineCount(1);
    }
}
