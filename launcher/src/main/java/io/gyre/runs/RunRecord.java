package io.gyre.runs;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.gyre.launcher.ReportFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@code run.json} holds: all that is known of a run but its curves. Scripts rely on the names.
 *
 * @param format version of this file's format
 * @param name that of the directory
 * @param parent the run that it was forked from; null if it began with a new model
 * @param arguments words after {@code gyre} that repeat the run in another directory; empty for another program's run
 * @param setup what the run was given: model, data and their fingerprint, seed, ranks, batch and so on
 * @param versions of Gyre and of what it runs on
 * @param hosts by rank
 * @param state how it is, or ended
 * @param attempts one for the start, and one for each time it was resumed
 * @param result figures of the end; empty before
 * @param failure why it failed; null if it did not
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
public record RunRecord(
        int format,
        String name,
        @Nullable RunParent parent,
        List<String> arguments,
        Map<String, Object> setup,
        List<String> versions,
        List<String> hosts,
        RunState state,
        List<Attempt> attempts,
        Map<String, Object> result,
        @Nullable String failure) {

    /** The version that this program reads and writes. */
    public static final int FORMAT = 1;

    /** In the setup: the directory of checkpoints, if it is not the run's own. */
    public static final String CHECKPOINTS = "checkpoints";

    /** Far more than any run takes: a longer file is something else. */
    private static final long MOST_BYTES = 16L << 20;

    private static final ObjectMapper JSON = new ObjectMapper();

    /**
     * A process's part of a run. The figures are null until it ends in order.
     *
     * @param began as ISO 8601, in UTC
     * @param ended the same
     * @param firstStep number of steps done before
     * @param steps that it took
     * @param examples of all ranks together
     * @param seconds wall-clock time of the steps
     * @param joules that the processors of rank 0's host used, all programs on it included; null if it does not tell
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    public record Attempt(
            String began,
            @Nullable String ended,
            long firstStep,
            @Nullable Long steps,
            @Nullable Long examples,
            @Nullable Double seconds,
            @Nullable Double joules) {}

    /**
     * Reads the record of a directory.
     *
     * @throws BadRunException if it is not that of a run, or of another version, or damaged
     */
    public static RunRecord read(RunFiles files) {
        Path path = files.record();
        if (!Files.isDirectory(files.directory())) {
            throw new BadRunException("there is no run " + files.directory());
        }
        if (!Files.exists(path)) {
            throw new BadRunException(files.directory() + " is not a run directory, or is half written: it has no "
                    + path.getFileName() + ". Choose another, or remove it if it should be one");
        }
        try {
            if (Files.size(path) > MOST_BYTES) {
                throw new BadRunException(path + " has " + Files.size(path) + " bytes: it is not the record of a run");
            }
            return parse(path, Files.readString(path));
        } catch (IOException e) {
            throw new BadRunException(path + " cannot be read: " + DurableFile.reason(e), e);
        }
    }

    private static RunRecord parse(Path path, String text) {
        try {
            JsonNode tree = JSON.readTree(text);
            int format = tree.path("format").asInt(-1);
            if (format != FORMAT) {
                throw new BadRunException(path + " has format " + (format < 0 ? "none" : format)
                        + ", and this version of Gyre reads " + FORMAT + ": use the version that wrote it, or another"
                        + " directory");
            }
            RunRecord read = JSON.treeToValue(tree, RunRecord.class);
            if (!read.isComplete()) {
                throw new BadRunException(path + " is damaged: it lacks some of its parts");
            }
            return read;
        } catch (JsonProcessingException e) {
            throw new BadRunException(path + " is damaged: " + e.getOriginalMessage(), e);
        }
    }

    /** Whether it has all that is never null; Jackson leaves out what the text lacks. */
    @SuppressWarnings("ConstantValue")
    private boolean isComplete() {
        for (Object part : new Object[] {name, arguments, setup, versions, hosts, state, attempts, result}) {
            if (part == null) {
                return false;
            }
        }
        return !attempts.isEmpty() && !attempts.contains(null);
    }

    /** Writes it into its directory, atomically. */
    void write(RunFiles files) throws IOException {
        DurableFile.write(files.record(), ReportFile.json(this));
    }

    /** The part of the process that is under way, or was the last. */
    @JsonIgnore
    public Attempt lastAttempt() {
        return attempts.get(attempts.size() - 1);
    }

    /** Where the checkpoints of the run are: in its directory, unless the user named another. */
    @JsonIgnore
    public Path checkpoints(RunFiles files) {
        Object elsewhere = setup.get(CHECKPOINTS);
        return elsewhere == null ? files.checkpoints() : Path.of(elsewhere.toString());
    }

    RunRecord with(RunState newState, Map<String, Object> newResult, @Nullable String newFailure) {
        return new RunRecord(
                format, name, parent, arguments, setup, versions, hosts, newState, attempts, newResult, newFailure);
    }

    RunRecord withHosts(List<String> all) {
        return new RunRecord(format, name, parent, arguments, setup, versions, all, state, attempts, result, failure);
    }

    RunRecord withSetup(Map<String, Object> all) {
        return new RunRecord(format, name, parent, arguments, all, versions, hosts, state, attempts, result, failure);
    }

    RunRecord withLast(Attempt attempt) {
        List<Attempt> changed = new ArrayList<>(attempts);
        changed.set(changed.size() - 1, attempt);
        return withAttempts(changed);
    }

    RunRecord withOneMore(Attempt attempt) {
        List<Attempt> more = new ArrayList<>(attempts);
        more.add(attempt);
        return withAttempts(more);
    }

    private RunRecord withAttempts(List<Attempt> all) {
        return new RunRecord(format, name, parent, arguments, setup, versions, hosts, state, all, result, failure);
    }
}
