package io.gyre.runs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The files of a run directory. {@code docs/runs.md} says what is in each.
 *
 * @param directory as the user named it
 */
public record RunFiles(Path directory) {

    /** Where run directories are, unless a user says otherwise. */
    public static final Path DEFAULT_PARENT = Path.of("runs");

    private static final Pattern CHECKPOINT = Pattern.compile("step-(\\d{1,10})\\.checkpoint");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,127}");

    /**
     * Fails unless this may be a run's name, which is the name of its directory.
     *
     * @throws IllegalArgumentException with the option and the name
     */
    public static void checkName(String option, String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    option + " '" + name + "': expected at most 128 letters, digits, and . _ - after the first");
        }
    }

    /** The directory's own name. */
    public String name() {
        Path last = directory.toAbsolutePath().normalize().getFileName();
        return last == null ? "" : last.toString();
    }

    /** What the run is: a {@link RunRecord}. A directory without it is none of a run. */
    public Path record() {
        return directory.resolve("run.json");
    }

    /** What rank 0 printed. */
    public Path log() {
        return directory.resolve("log.txt");
    }

    /** One JSON object a line, see {@link MetricsFile}. */
    public Path metrics() {
        return directory.resolve("metrics.jsonl");
    }

    /** Reserved for a trace of all ranks. */
    public Path timeline() {
        return directory.resolve("timeline.json");
    }

    /** Directory of checkpoints. */
    public Path checkpoints() {
        return directory.resolve("checkpoints");
    }

    /** The checkpoint of a step, as the trainer names it. */
    public static Path checkpoint(Path checkpoints, long step) {
        return checkpoints.resolve("step-%08d.checkpoint".formatted(step));
    }

    /**
     * Steps of the checkpoints in a directory, ascending; none if there is no directory.
     *
     * @throws UncheckedIOException if it cannot be read
     */
    public static List<Long> checkpointSteps(Path checkpoints) {
        if (!Files.isDirectory(checkpoints)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(checkpoints)) {
            return entries.map(entry -> CHECKPOINT.matcher(entry.getFileName().toString()))
                    .filter(Matcher::matches)
                    .map(name -> Long.valueOf(name.group(1)))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(checkpoints + " cannot be read: " + DurableFile.reason(e), e);
        }
    }

    /** The trained model, in Deeplearning4j's own format. */
    public Path model() {
        return directory.resolve("model.zip");
    }

    /** The model card, as Markdown; {@link #cardJson} has the same for programs. */
    public Path card() {
        return directory.resolve("card.md");
    }

    /** See {@link #card}. */
    public Path cardJson() {
        return directory.resolve("card.json");
    }

    /** Loss over steps, which the card shows. */
    public Path plot() {
        return directory.resolve("loss.svg");
    }

    /** Directory of TensorBoard's event files. */
    public Path tensorboard() {
        return directory.resolve("tensorboard");
    }

    /** Directory of what the ranks say of themselves, a file each. */
    public Path ranks() {
        return directory.resolve("ranks");
    }

    /** What a rank says of itself. */
    public Path rank(int rank) {
        return ranks().resolve("rank-" + rank + ".json");
    }

    /** What became of the processes of a run with seats, see {@link MembershipFile}. */
    public Path membership() {
        return directory.resolve("membership.jsonl");
    }

    /** Locked as long as the run is under way. */
    Path lock() {
        return directory.resolve("lock");
    }

    /** Whether something has been kept here, perhaps not all of it. */
    public boolean exist() {
        return Files.exists(record());
    }
}
