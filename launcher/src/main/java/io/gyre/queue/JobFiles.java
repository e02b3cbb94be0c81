package io.gyre.queue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.gyre.GyreException;
import io.gyre.launcher.ReportFile;
import io.gyre.runs.DurableFile;
import io.gyre.runs.RunLock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The directory of a job. Each file has one writer, and is replaced atomically, so that nobody waits for anybody.
 *
 * @param directory named by the job's number
 */
record JobFiles(Path directory) {

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * The process of a job: a number alone may belong to another process by now.
     *
     * @param pid its number
     * @param start when it began, in milliseconds since 1970, as the system says
     */
    record Pid(long pid, long start) {}

    /** How a job's process ended, as it says itself. */
    record End(int status) {}

    /** Written once, when the job is queued. */
    Path job() {
        return directory.resolve("job.json");
    }

    /** Written by the worker. */
    Path state() {
        return directory.resolve("state.json");
    }

    /** Created by whoever cancels the job. */
    Path cancelled() {
        return directory.resolve("cancelled");
    }

    /** Written by the job's process when it begins. */
    Path process() {
        return directory.resolve("process.json");
    }

    /** Locked by the job's process as long as it lives: of two, one ends at once. */
    Path lock() {
        return directory.resolve("lock");
    }

    /** Written by the job's process when its command has ended. */
    Path end() {
        return directory.resolve("end.json");
    }

    /** What the job's processes print. */
    Path log() {
        return directory.resolve("log.txt");
    }

    Job readJob() throws IOException {
        Job job = read(job(), Job.class);
        if (job.format() != Job.FORMAT) {
            throw new GyreException(job() + " has format " + job.format() + ", and this version of Gyre reads "
                    + Job.FORMAT + ": use the version that wrote it, or another queue");
        }
        if (!job.isWhole()) {
            throw damaged(job(), "it lacks some of its parts", null);
        }
        return job;
    }

    @SuppressWarnings("ConstantValue") // Jackson leaves out what the text lacks.
    JobProgress readState() throws IOException {
        JobProgress progress = read(state(), JobProgress.class);
        if (progress.state() == null || progress.devices() == null) {
            throw damaged(state(), "it lacks some of its parts", null);
        }
        return progress;
    }

    @Nullable Pid readProcess() throws IOException {
        return Files.exists(process()) ? read(process(), Pid.class) : null;
    }

    @Nullable End readEnd() throws IOException {
        return Files.exists(end()) ? read(end(), End.class) : null;
    }

    boolean isCancelled() {
        return Files.exists(cancelled());
    }

    boolean isHeld() throws IOException {
        return RunLock.isHeld(lock());
    }

    static void write(Path file, Object content) throws IOException {
        DurableFile.write(file, ReportFile.json(content));
    }

    private static <T> T read(Path file, Class<T> type) throws IOException {
        try {
            return JSON.readValue(Files.readString(file), type);
        } catch (JsonProcessingException e) {
            throw damaged(file, e.getOriginalMessage(), e);
        }
    }

    private static GyreException damaged(Path file, String how, @Nullable Exception cause) {
        return new GyreException(
                file + " is damaged: " + how + ". Remove the job's directory, and queue the job again", cause);
    }
}
