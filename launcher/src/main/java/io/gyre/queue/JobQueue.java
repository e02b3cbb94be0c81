package io.gyre.queue;

import io.gyre.GyreException;
import io.gyre.runs.DurableFile;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The jobs of a queue: a directory with one directory for each. Any number of processes may add and cancel jobs while a
 * worker runs them.
 *
 * @param directory created when the first job is added
 */
public record JobQueue(Path directory) {

    /** Where a queue is, unless a user says otherwise: beside {@code runs}. */
    static final Path DEFAULT = Path.of("queue");

    private static final Pattern NUMBER = Pattern.compile("\\d{6,9}");
    private static final int MOST_JOBS = 999_999_999;

    /**
     * A job as others see it.
     *
     * @param job null if it cannot be read
     * @param progress the same
     * @param problem why it cannot; null if it can
     */
    record Seen(
            JobFiles files,
            @Nullable Job job,
            @Nullable JobProgress progress,
            @Nullable String problem) {

        /** The state: a job that waits is cancelled as soon as a user says so. */
        JobState state() {
            if (progress == null) {
                return JobState.FAILED;
            }
            return progress.state() == JobState.WAITING && files.isCancelled() ? JobState.CANCELLED : progress.state();
        }
    }

    /** All jobs, by number; damaged ones are there, with their problem. */
    List<Seen> all() throws IOException {
        List<Seen> seen = new ArrayList<>();
        for (Path path : directories()) {
            seen.add(see(new JobFiles(path)));
        }
        return seen;
    }

    private List<Path> directories() throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.filter(path ->
                            NUMBER.matcher(path.getFileName().toString()).matches())
                    .sorted()
                    .toList();
        }
    }

    private static Seen see(JobFiles files) throws IOException {
        try {
            return new Seen(files, files.readJob(), files.readState(), null);
        } catch (NoSuchFileException e) {
            return new Seen(files, null, null, e.getFile() + " is missing");
        } catch (GyreException e) {
            return new Seen(files, null, null, e.getMessage());
        }
    }

    /**
     * One job.
     *
     * @throws IllegalArgumentException if there is none of that number
     */
    JobFiles numbered(int id) {
        JobFiles files = files(id);
        if (!Files.isDirectory(files.directory())) {
            throw new IllegalArgumentException("there is no job " + id + " in " + directory);
        }
        return files;
    }

    JobFiles files(int id) {
        return new JobFiles(directory.resolve("%06d".formatted(id)));
    }

    /** Locked by the one worker of the queue. */
    Path workerLock() {
        return directory.resolve("worker.lock");
    }

    /**
     * Adds a job: it appears at once, whole.
     *
     * @param withNumber makes the job with its number; called again if another process took that number
     */
    public Job add(IntFunction<Job> withNumber) throws IOException {
        Files.createDirectories(directory);
        Path unfinished = Files.createTempDirectory(directory, ".new-");
        try {
            for (int id = nextNumber(); ; id++) {
                Job job = withNumber.apply(id);
                JobFiles made = new JobFiles(unfinished);
                JobFiles.write(made.job(), job);
                JobFiles.write(made.state(), JobProgress.NEW);
                if (renamed(unfinished, files(id).directory())) {
                    DurableFile.syncDirectory(directory);
                    return job;
                }
            }
        } finally {
            Files.deleteIfExists(new JobFiles(unfinished).job());
            Files.deleteIfExists(new JobFiles(unfinished).state());
            Files.deleteIfExists(unfinished);
        }
    }

    private int nextNumber() throws IOException {
        List<Path> all = directories();
        int last = all.isEmpty()
                ? 0
                : Integer.parseInt(all.get(all.size() - 1).getFileName().toString());
        if (last == MOST_JOBS) {
            throw new GyreException("queue " + directory + " is full: begin another, or remove old jobs");
        }
        return last + 1;
    }

    private static boolean renamed(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
            return true;
        } catch (FileSystemException e) {
            if (Files.exists(to)) {
                return false;
            }
            throw e;
        }
    }

    /**
     * Tells a job to end: at once if it waits, and when the worker sees it if it runs.
     *
     * @return whether there was anything to cancel
     */
    boolean cancel(int id) throws IOException {
        JobFiles files = numbered(id);
        if (files.readState().state().isEnd()) {
            return false;
        }
        DurableFile.write(files.cancelled(), "");
        return true;
    }
}
