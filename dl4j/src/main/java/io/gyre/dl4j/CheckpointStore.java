package io.gyre.dl4j;

import io.gyre.GyreException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The checkpoints of one run, in their own directory, named by step. Only files with such a name are ever deleted. */
final class CheckpointStore {

    private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);
    private static final Pattern NAME = Pattern.compile("step-(\\d{1,10})\\.checkpoint");
    private static final String UNFINISHED = "unfinished.checkpoint";
    private static final String TRIAL = "trial.checkpoint";

    /** A few blocks of any file system. */
    private static final int TRIAL_BYTES = 64 << 10;

    private final Path directory;
    private final int keep;
    private final Path unfinished;

    /**
     * Opens a directory.
     *
     * @param directory created if it is missing
     * @param keep how many checkpoints are kept, at least 1
     */
    CheckpointStore(Path directory, int keep) {
        this(directory, keep, UNFINISHED);
    }

    /**
     * As {@link #CheckpointStore(Path, int)}, in a run with seats: a process that was given up while it wrote may wake
     * and go on, so each writes to a file of its own. What others have left is removed.
     */
    static CheckpointStore ofSeats(Path directory, int keep) {
        CheckpointStore store =
                new CheckpointStore(directory, keep, ProcessHandle.current().pid() + "." + UNFINISHED);
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.filter(each -> each.toString().endsWith("." + UNFINISHED))
                    .toList()) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw unreadable(directory, e);
        }
        return store;
    }

    private CheckpointStore(Path directory, int keep, String unfinished) {
        this.directory = directory;
        this.keep = keep;
        this.unfinished = directory.resolve(unfinished);
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new GyreException(
                    "checkpoint directory " + directory + " cannot be created: " + AtomicFile.reason(e), e);
        }
    }

    private record Entry(long step, Path path) {}

    /** Newest first. */
    private List<Entry> entries() throws IOException {
        return entries(directory);
    }

    private static List<Entry> entries(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(CheckpointStore::entry)
                    .flatMap(Stream::ofNullable)
                    .sorted(Comparator.comparingLong(Entry::step).reversed())
                    .toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static @Nullable Entry entry(Path path) {
        Matcher matcher = NAME.matcher(path.getFileName().toString());
        return matcher.matches() ? new Entry(Long.parseLong(matcher.group(1)), path) : null;
    }

    /**
     * Step of the newest checkpoint in a directory, intact or damaged; empty if there is none, or no directory.
     *
     * @throws GyreException if the directory cannot be read
     */
    static OptionalLong newestStep(Path directory) {
        if (!Files.exists(directory)) {
            return OptionalLong.empty();
        }
        try {
            return entries(directory).stream().mapToLong(Entry::step).findFirst();
        } catch (IOException e) {
            throw unreadable(directory, e);
        }
    }

    private static GyreException unreadable(Path directory, IOException e) {
        return new GyreException("checkpoint directory " + directory + " cannot be read: " + AtomicFile.reason(e), e);
    }

    /**
     * Does with a small file what will be done with checkpoints: writes it, syncs it to disk, renames and deletes it.
     *
     * @throws GyreException if that fails: a run then fails before it has something to lose
     */
    void tryOut() {
        Path trial = directory.resolve(TRIAL);
        try {
            ByteBuffer bytes = ByteBuffer.allocate(TRIAL_BYTES);
            AtomicFile.write(trial, unfinished, channel -> {
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
            });
            Files.delete(trial);
        } catch (IOException e) {
            throw new GyreException(
                    "checkpoint directory " + directory + " cannot be written to: " + AtomicFile.reason(e)
                            + ". Give access or make room, or choose another directory",
                    e);
        }
    }

    /** Fails if there are checkpoints, so that a new run does not mix its own with them. */
    void checkEmpty() {
        try {
            List<Entry> found = entries();
            if (!found.isEmpty()) {
                throw new GyreException("checkpoint directory " + directory + " has " + found.size()
                        + " checkpoint(s) of another run, up to step "
                        + found.get(0).step()
                        + ": resume that run, or choose another directory");
            }
        } catch (IOException e) {
            throw unreadable(directory, e);
        }
    }

    /**
     * Opens the newest intact checkpoint; null if there are no checkpoints at all. Damaged ones are reported and kept.
     */
    @Nullable CheckpointFile openNewest() {
        try {
            List<Entry> found = entries();
            for (Entry entry : found) {
                try {
                    return CheckpointFile.open(entry.path());
                } catch (CheckpointFile.DamagedException e) {
                    LOG.warn("checkpoint {} is damaged: {}; the one before it is tried", entry.path(), e.getMessage());
                }
            }
            if (!found.isEmpty()) {
                throw new GyreException(
                        "all " + found.size() + " checkpoint(s) in " + directory
                                + " are damaged (the log says how): restore one, or start without resuming in another directory");
            }
            return null;
        } catch (IOException e) {
            throw unreadable(directory, e);
        }
    }

    /** Writes a checkpoint, then deletes the oldest beyond the number kept. */
    void save(Checkpoint checkpoint) {
        int step = checkpoint.progress().step();
        Path target = directory.resolve(String.format("step-%08d.checkpoint", step));
        try {
            AtomicFile.write(target, unfinished, channel -> CheckpointFile.write(checkpoint, channel));
        } catch (IOException e) {
            throw new GyreException("checkpoint " + target + " cannot be written: " + AtomicFile.reason(e), e);
        }
        deleteOld(step);
    }

    /** Deletes all checkpoints. */
    void clear() {
        try {
            for (Entry entry : entries()) {
                Files.deleteIfExists(entry.path());
            }
        } catch (IOException e) {
            throw new GyreException("what is in " + directory + " cannot be deleted: " + AtomicFile.reason(e), e);
        }
    }

    /** Checkpoints of later steps belong to a run that this one did not continue, and are not counted. */
    private void deleteOld(int step) {
        try {
            List<Entry> old = entries().stream()
                    .filter(entry -> entry.step() <= step)
                    .skip(keep)
                    .toList();
            for (Entry entry : old) {
                Files.deleteIfExists(entry.path());
            }
        } catch (IOException e) {
            LOG.warn(
                    "old checkpoints in {} cannot be deleted: {}; the new one is complete",
                    directory,
                    AtomicFile.reason(e));
        }
    }
}
