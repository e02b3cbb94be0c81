package io.gyre.queue;

import io.gyre.GyreException;
import io.gyre.runs.DurableFile;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunState;
import io.gyre.runs.Runs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Starts the jobs of a queue when there is room for them, those of the highest priority first and then by number, and
 * ends them at their time limit or when they are cancelled. A job that waits for room is not overtaken: a large one
 * would never start.
 *
 * <p>All that a worker must know is in the queue's files. One that begins after another was killed adopts the jobs that
 * still run, and starts those anew whose processes are gone; their runs go on from the last checkpoint.
 *
 * <p>One thread; the holder of the queue's worker lock.
 */
final class QueueWorker {

    /** A process that ends without a word this often is not started again. */
    static final int MOST_LOSSES = 5;

    private static final long MILLIS = 1_000;

    private final JobQueue queue;
    private final Room room;
    private final JobProcesses processes;
    private final Clock clock;
    private final Consumer<String> say;
    private final Map<Integer, JobProcess> known = new HashMap<>();

    /** What has been said once. */
    private final Set<String> said = new HashSet<>();

    private boolean closing;
    private boolean hurrying;

    /**
     * Creates one, which does nothing yet.
     *
     * @param say gets messages for people
     */
    QueueWorker(JobQueue queue, Room room, JobProcesses processes, Clock clock, Consumer<String> say) {
        this.queue = queue;
        this.room = room;
        this.processes = processes;
        this.clock = clock;
        this.say = say;
    }

    private record Entry(JobFiles files, Job job, JobProgress progress) {

        Entry with(JobProgress next) throws IOException {
            JobFiles.write(files.state(), next);
            return new Entry(files, job, next);
        }

        String title() {
            return "job " + job.id() + " (" + job.name() + ")";
        }
    }

    /** From now on starts nothing, and tells what runs to end: it waits for another worker then. */
    void close() {
        closing = true;
    }

    /** Does not wait for what it has told to end. */
    void hurry() {
        hurrying = true;
    }

    /**
     * Looks at all jobs once.
     *
     * @return whether any runs, or waits and can start here
     */
    boolean turn() throws IOException {
        List<Entry> entries = new ArrayList<>();
        for (JobQueue.Seen seen : queue.all()) {
            if (seen.job() == null || seen.progress() == null) {
                sayOnce(Objects.requireNonNull(seen.problem()));
                continue;
            }
            entries.add(looked(new Entry(seen.files(), seen.job(), seen.progress())));
        }
        if (closing) {
            return !known.isEmpty();
        }
        boolean runs = entries.stream().anyMatch(entry -> entry.progress().state() == JobState.RUNNING);
        return startWhatFits(entries) || runs;
    }

    private Entry looked(Entry entry) throws IOException {
        if (entry.progress().state() == JobState.RUNNING) {
            return watched(entry);
        }
        if (entry.progress().state() == JobState.WAITING && entry.files().isCancelled()) {
            return ended(entry, entry.progress().ended(JobState.CANCELLED, now(), null, null));
        }
        return entry;
    }

    private Entry watched(Entry entry) throws IOException {
        boolean ours = known.containsKey(entry.job().id());
        JobProcess process = living(entry);
        if (process != null) {
            known.put(entry.job().id(), process);
            return limited(entry, process);
        }
        known.remove(entry.job().id());
        if (entry.files().isHeld()) {
            // It has just begun, or runs on another host: the next turn knows more.
            return entry;
        }
        JobFiles.End end = entry.files().readEnd();
        long ended = ours ? now() : lastSign(entry);
        JobProgress before = entry.progress();
        if (end != null && end.status() == 0) {
            return ended(entry, before.ended(JobState.DONE, ended, 0, null));
        }
        if (before.asked() != null) {
            return ended(entry, before.ended(before.asked().then(), ended, status(end), null));
        }
        if (end != null) {
            return ended(
                    entry,
                    before.ended(
                            JobState.FAILED,
                            ended,
                            end.status(),
                            "see " + entry.files().log()));
        }
        boolean again = before.losses() + 1 < MOST_LOSSES;
        return ended(
                entry,
                before.lost(
                        again ? JobState.WAITING : JobState.FAILED,
                        ended,
                        "its process ended without a word, " + (before.losses() + 1) + " of " + MOST_LOSSES
                                + " times that it may"));
    }

    private static @Nullable Integer status(JobFiles.@Nullable End end) {
        return end == null ? null : end.status();
    }

    /** The process of a job; null if it has ended, and no other has taken its place. */
    private @Nullable JobProcess living(Entry entry) throws IOException {
        JobProcess mine = known.get(entry.job().id());
        if (mine != null && mine.isAlive()) {
            return mine;
        }
        JobProcess found = processes.find(entry.files());
        if (found != null && mine == null) {
            say.accept(entry.title() + " still runs: it is watched from now on");
        }
        return found;
    }

    private Entry limited(Entry entry, JobProcess process) throws IOException {
        Job job = entry.job();
        JobProgress progress = entry.progress();
        JobProgress.Ask asked = progress.asked();
        if (asked != null) {
            if (hurrying || now() - asked.atMillis() > job.graceSeconds() * MILLIS) {
                sayOnce(entry.title() + " has not ended in time, and is killed");
                process.kill();
            }
            return entry;
        }
        JobState then;
        if (entry.files().isCancelled()) {
            then = JobState.CANCELLED;
        } else if (job.limitSeconds() > 0 && progress.usedAt(now()) >= job.limitSeconds()) {
            then = JobState.TIMED_OUT;
        } else if (closing) {
            then = JobState.WAITING;
        } else {
            return entry;
        }
        say.accept(entry.title() + " has " + job.graceSeconds() + " s to end; then it is " + then);
        // Written first: a worker after this one must not ask again, which would end it at once.
        Entry told = entry.with(progress.asked(then, now()));
        process.ask();
        return told;
    }

    /** When a process ended that no worker watched: when it last wrote something. */
    private long lastSign(Entry entry) throws IOException {
        long last = entry.progress().beganMillis();
        for (Path file : List.of(entry.files().log(), entry.files().end())) {
            if (Files.exists(file)) {
                last = Math.max(last, Files.getLastModifiedTime(file).toMillis());
            }
        }
        return Math.min(last, now());
    }

    private Entry ended(Entry entry, JobProgress end) throws IOException {
        say.accept(entry.title() + " is " + end.state() + (end.reason() == null ? "" : ": " + end.reason()));
        return entry.with(end);
    }

    private boolean startWhatFits(List<Entry> entries) throws IOException {
        List<Room.Taken> taken = new ArrayList<>();
        entries.stream()
                .filter(entry -> entry.progress().state() == JobState.RUNNING)
                .forEach(entry -> taken.add(
                        new Room.Taken(entry.job().needs(), entry.progress().devices())));
        List<Entry> waiting = entries.stream()
                .filter(entry -> entry.progress().state() == JobState.WAITING)
                .sorted(Comparator.comparingInt((Entry entry) -> -entry.job().priority())
                        .thenComparingInt(entry -> entry.job().id()))
                .toList();
        boolean some = false;
        for (Entry entry : waiting) {
            Needs needs = entry.job().needs();
            if (!room.everFits(needs)) {
                sayOnce(entry.title() + " takes " + needs + ", which this worker will never have: it is left waiting");
                continue;
            }
            some = true;
            if (isUnderWay(entry.job())) {
                sayOnce(entry.title() + " waits until " + entry.job().runDirectory() + " is free");
                continue;
            }
            Optional<List<Integer>> devices = room.place(needs, taken);
            if (devices.isEmpty()) {
                break;
            }
            if (start(entry, devices.get())) {
                taken.add(new Room.Taken(needs, devices.get()));
            }
        }
        return some;
    }

    /** Whether a process works on the run: one that a killed process of the job has left, and that is about to end. */
    private static boolean isUnderWay(Job job) throws IOException {
        if (job.runDirectory() == null) {
            return false;
        }
        RunFiles files = new RunFiles(Path.of(job.runDirectory()));
        return files.exist() && Runs.see(files).state() == RunState.RUNNING;
    }

    private boolean start(Entry entry, List<Integer> devices) throws IOException {
        Files.deleteIfExists(entry.files().end());
        Entry begun = entry.with(entry.progress().started(now(), devices));
        try {
            known.put(entry.job().id(), processes.start(entry.files(), entry.job(), devices));
        } catch (IOException e) {
            ended(begun, begun.progress().ended(JobState.FAILED, now(), null, "not started: " + DurableFile.reason(e)));
            return false;
        }
        say.accept(entry.title() + (begun.progress().starts() == 1 ? " starts" : " starts again"));
        return true;
    }

    private void sayOnce(String text) {
        if (said.add(text)) {
            say.accept(text);
        }
    }

    private long now() {
        return clock.millis();
    }

    /** That a queue has a worker already. */
    static GyreException taken(JobQueue queue, String holder) {
        return new GyreException("queue " + queue.directory() + " has a worker already (" + holder
                + "): it will start the jobs. Another queue (--dir) may have its own");
    }
}
