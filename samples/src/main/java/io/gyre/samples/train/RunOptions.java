package io.gyre.samples.train;

import io.gyre.runs.ForkPoint;
import io.gyre.runs.RunFiles;
import io.gyre.runs.RunWriter;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code gyre train} for what a run leaves behind, and for one that begins with another's checkpoint. */
final class RunOptions {

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss", Locale.ROOT);

    @Option(
            names = "--run-dir",
            paramLabel = "DIR",
            description = "Keep the run here: options, log, curves, checkpoints, model, card. Default: runs/NAME.")
    private @Nullable Path directory;

    @Option(names = "--name", paramLabel = "NAME", description = "Name of the run. Default: from model and time.")
    private @Nullable String name;

    @Option(names = "--no-run-dir", description = "Keep nothing but what other options ask for.")
    private boolean none;

    @Option(
            names = "--from",
            paramLabel = "RUN[@STEP]",
            description = "Begin with a checkpoint of another run, given by its directory: the newest, or a step's.")
    private @Nullable String from;

    @Option(names = "--tensorboard", description = "Write event files for TensorBoard, too.")
    private boolean tensorboard;

    @Option(names = "--keep-timeline", description = "Write a timeline of all ranks into the run's directory.")
    private boolean timeline;

    @Option(
            names = "--evaluate-epochs",
            description = "Measure the quality on what is held out after every epoch, not at the end only.")
    private boolean evaluateEpochs;

    /**
     * Fails if the options contradict each other.
     *
     * @throws IllegalArgumentException with the option and its value
     */
    void check() {
        if (none) {
            String other = directory != null
                    ? "--run-dir"
                    : name != null
                            ? "--name"
                            : from != null
                                    ? "--from"
                                    : tensorboard ? "--tensorboard" : timeline ? "--keep-timeline" : "";
            if (!other.isEmpty()) {
                throw new IllegalArgumentException(other + " needs a run directory, and --no-run-dir forbids one");
            }
        }
        if (name != null) {
            if (directory != null) {
                throw new IllegalArgumentException(
                        "--name " + name + " with --run-dir " + directory + ": the directory's name is the run's");
            }
            RunFiles.checkName("--name", name);
        }
    }

    /**
     * Fails if the run cannot have its directory, or its beginning is not there: before any rank starts.
     *
     * @throws io.gyre.runs.BadRunException with the reason
     */
    void checkPlace(boolean resume) {
        if (isNamed()) {
            RunWriter.check(files(""), resume);
        }
        if (!(resume && isNamed() && files("").exist())) {
            from();
        }
    }

    /** Whether the run leaves a directory. */
    boolean isKept() {
        return !none;
    }

    /** Whether the user chose which directory. */
    boolean isNamed() {
        return directory != null || name != null;
    }

    /**
     * The files of the run.
     *
     * @param model for the name, if the user has given none
     */
    RunFiles files(String model) {
        if (directory != null) {
            return new RunFiles(directory);
        }
        return new RunFiles(RunFiles.DEFAULT_PARENT.resolve(
                name != null
                        ? name
                        : model + "-"
                                + LocalDateTime.now(ZoneId.systemDefault()).format(TIME)));
    }

    /**
     * The checkpoint to begin with; empty for a new model.
     *
     * @throws io.gyre.runs.BadRunException if it is not there
     */
    Optional<ForkPoint> from() {
        return Optional.ofNullable(from).map(ForkPoint::parse);
    }

    /** Whether the run begins with another's checkpoint, which only rank 0 needs to see. */
    boolean isFork() {
        return from != null;
    }

    /** Whether a timeline is written into the directory. */
    boolean keepsTimeline() {
        return timeline;
    }

    boolean tensorboard() {
        return tensorboard;
    }

    boolean evaluateEpochs() {
        return evaluateEpochs;
    }
}
