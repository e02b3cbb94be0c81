package io.gyre.queue;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers and jobs that are processes. */
@Tag("processes")
class QueueProcessesTest {

    private static final long DEADLINE_SECONDS = 60;

    @TempDir
    private Path directory;

    private final List<Process> workers = new ArrayList<>();
    private Path started = Path.of("");
    private Path mayEnd = Path.of("");

    private Process gyre(String... words) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx128m",
                "-cp",
                System.getProperty("java.class.path"),
                QueueMain.class.getName(),
                "queue",
                "--dir",
                directory.resolve("queue").toString()));
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("out-" + workers.size()).toFile())
                .start();
        workers.add(process);
        return process;
    }

    private static void awaitEnd(Process process, int status) throws InterruptedException {
        assertThat(process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS))
                .as("the process ends")
                .isTrue();
        assertThat(process.exitValue()).isEqualTo(status);
    }

    private static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            LockSupport.parkNanos(5_000_000);
        }
    }

    private List<String> starts() {
        try {
            return Files.exists(started) ? Files.readAllLines(started) : List.of();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static ProcessHandle handle(String line) {
        return ProcessHandle.of(Long.parseLong(line.split(" ", 2)[0])).orElseThrow();
    }

    private void addJob() throws Exception {
        started = directory.resolve("started");
        mayEnd = directory.resolve("may-end");
        awaitEnd(gyre("add", "--name", "a", "--", "train", started.toString(), mayEnd.toString()), 0);
    }

    @AfterEach
    void endAll() {
        workers.forEach(Process::destroyForcibly);
        for (String line : starts()) {
            ProcessHandle.of(Long.parseLong(line.split(" ", 2)[0])).ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    @Test
    void aJobSurvivesItsWorkerAndIsNotStartedTwice() throws Exception {
        addJob();
        Process first = gyre("work");
        await("the job starts", () -> starts().size() == 1);
        first.destroyForcibly().waitFor();
        assertThat(handle(starts().get(0)).isAlive()).isTrue();

        Process second = gyre("work");
        Path out = directory.resolve("out-2");
        await("the second worker adopts it", () -> read(out).contains("still runs"));
        Files.createFile(mayEnd);
        awaitEnd(second, 0);

        assertThat(starts()).hasSize(1);
        assertThat(new JobQueue(directory.resolve("queue")).numbered(1).readState())
                .returns(JobState.DONE, JobProgress::state)
                .returns(1, JobProgress::starts);
    }

    @Test
    void aJobThatDiedWithItsWorkerIsResumed() throws Exception {
        addJob();
        Process first = gyre("work");
        await("the job starts", () -> starts().size() == 1);
        first.destroyForcibly().waitFor();
        handle(starts().get(0)).destroyForcibly();

        Process second = gyre("work");
        await("the job starts again", () -> starts().size() == 2);
        Files.createFile(mayEnd);
        awaitEnd(second, 0);

        assertThat(starts()).allMatch(line -> line.endsWith(" true"));
        assertThat(new JobQueue(directory.resolve("queue")).numbered(1).readState())
                .returns(JobState.DONE, JobProgress::state)
                .returns(2, JobProgress::starts);
    }

    @Test
    void ofTwoProcessesOfAJobOneLeavesItAlone() throws Exception {
        addJob();
        String job =
                new JobQueue(directory.resolve("queue")).numbered(1).directory().toString();
        gyre("run-job", job);
        await("the job starts", () -> starts().size() == 1);

        awaitEnd(gyre("run-job", job), 75);
        assertThat(starts()).hasSize(1);
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
