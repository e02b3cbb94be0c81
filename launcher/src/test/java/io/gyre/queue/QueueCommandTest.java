package io.gyre.queue;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.launcher.GyreCommandLine;
import io.gyre.runs.RunLock;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QueueCommandTest {

    @TempDir
    private Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int queue(String... arguments) {
        List<String> words = new ArrayList<>(List.of("queue", "--dir", directory.toString()));
        words.addAll(List.of(arguments));
        return GyreCommandLine.of(new QueueMain())
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(words.toArray(String[]::new));
    }

    private Job job(int id) throws IOException {
        return new JobQueue(directory).numbered(id).readJob();
    }

    @Test
    void aJobIsKeptWithAllThatItTakes() throws IOException {
        assertThat(queue(
                        "add",
                        "--priority",
                        "3",
                        "--memory",
                        "2g",
                        "--gpus",
                        "0.5",
                        "--time-limit",
                        "1h30m",
                        "--",
                        "train",
                        "lenet",
                        "-n",
                        "2"))
                .isZero();

        assertThat(job(1).needs()).isEqualTo(new Needs(2, 2_048, 0.5));
        assertThat(job(1).priority()).isEqualTo(3);
        assertThat(job(1).limitSeconds()).isEqualTo(5_400);
        assertThat(job(1).words()).containsExactly("train", "lenet", "-n", "2", "--run-dir", "runs/job-1", "--resume");
        assertThat(job(1).runDirectory())
                .isEqualTo(Path.of("runs/job-1").toAbsolutePath().toString());
        assertThat(out).hasToString("job 1 (lenet) waits" + System.lineSeparator());
    }

    @Test
    void aJobWithoutARunDirectoryKeepsItsWords() throws IOException {
        assertThat(queue("add", "--", "train", "lenet", "--no-run-dir")).isZero();

        assertThat(job(1).words()).containsExactly("train", "lenet", "--no-run-dir");
        assertThat(job(1).runDirectory()).isNull();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "add --gpus 1.5 -- train a | --gpus 1.5: expected a whole number, or a share below 1",
                "add --gpus -1 -- train a | --gpus -1: expected 0 to 65536",
                "add --cores 0 -- train a | --cores 0: expected 1 to 65536",
                "add --memory 8 -- train a | --memory '8': expected a size such as 512m or 8g",
                "add --time-limit soon -- train a | --time-limit 'soon': expected a time such as",
                "add --name a/b -- train a | --name 'a/b'",
                "add -- trian a | 'trian' is none; did you mean train?",
                "add -- queue work | 'queue' is none",
                "add -- train a --lerning-rate 3 | train has no option --lerning-rate; did you mean --learning-rate?",
                "add -- train a --learning-rate much | --learning-rate",
                "add --on mars -- train a | --on mars: expected slurm or kubernetes",
                "add --on slurm --gpus 1 -- train a | --gpus with --on slurm",
                "cancel 7 | there is no job 7 in",
                "show 7 | there is no job 7 in",
                "work --slots 0 | --slots 0: expected 1 to 65536",
            })
    void badInputGetsOneLineAndNothingIsDone(String arguments, String message) {
        assertThat(queue(arguments.split(" ", -1))).isEqualTo(2);

        assertThat(err.toString()).contains(message).hasLineCount(1);
        assertThat(directory.resolve("000001")).doesNotExist();
    }

    @Test
    void aRunThatIsThereIsNotTakenByAccident() throws IOException {
        Path run = Files.createDirectory(directory.resolve("kept"));
        Files.writeString(run.resolve("run.json"), "{}");

        assertThat(queue("add", "--", "train", "a", "--run-dir", run.toString()))
                .isEqualTo(2);
        assertThat(err.toString()).contains("kept holds a run already").hasLineCount(1);

        assertThat(queue("add", "--", "train", "a", "--run-dir", run.toString(), "--resume"))
                .isZero();
    }

    @Test
    void jobsAreListedForPeopleAndForPrograms() throws IOException {
        queue("add", "--name", "one", "--", "train", "a b", "--no-run-dir");
        queue("add", "--name", "two", "--", "train", "c");
        queue("cancel", "2");
        Files.writeString(new JobQueue(directory).numbered(1).state(), "");
        out.getBuffer().setLength(0);

        assertThat(queue()).isZero();
        assertThat(out.toString()).hasLineCount(3).contains("unreadable: ", "two", "cancelled", "train c --run-dir");

        out.getBuffer().setLength(0);
        assertThat(queue("--json")).isZero();
        JsonNode json = new ObjectMapper().readTree(out.toString());
        assertThat(json.get(0).get("problem").asText()).contains("state.json is damaged");
        assertThat(json.get(1).get("state").asText()).isEqualTo("cancelled");

        assertThat(queue("show", "1")).isEqualTo(1);
    }

    @Test
    void aQueueHasOneWorker() throws IOException {
        try (RunLock lock = RunLock.take(new JobQueue(directory).workerLock())) {
            assertThat(lock).isNotNull();
            assertThat(queue("work")).isEqualTo(1);
        }
        assertThat(err.toString())
                .contains("has a worker already (this process)")
                .hasLineCount(1);

        assertThat(queue("work")).as("nothing to do").isZero();
    }

    @Test
    void devicesAreNumberedAsTheWorkerSeesThem() {
        assertThat(JavaProcesses.visible(List.of(0, 2), null)).isEqualTo("0,2");
        assertThat(JavaProcesses.visible(List.of(1), "4, GPU-7")).isEqualTo("GPU-7");
    }

    @Test
    void aScriptForSlurmHasWhatTheJobTakes() {
        Submission submission =
                new Submission("slurm", "digits", new Needs(8, 16_384, 0), Duration.ofMinutes(90), null, null);

        assertThat(submission.script(List.of("train", "lenet", "-n", "4")))
                .contains("--job-name=digits", "--ntasks-per-node=4", "--cpus-per-task=2", "--time=0-01:30:00");
    }
}
