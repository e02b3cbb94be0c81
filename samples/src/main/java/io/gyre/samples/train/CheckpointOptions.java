package io.gyre.samples.train;

import io.gyre.OptionRange;
import io.gyre.dl4j.DistributedTrainer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code gyre train} for checkpoints: where they are, how often, and whether a run begins with one. */
final class CheckpointOptions {

    @Option(
            names = "--checkpoint",
            paramLabel = "DIR",
            description = "Write checkpoints here: after every epoch, and at the end. Default: in the run directory.")
    private @Nullable Path directory;

    @Option(names = "--checkpoint-steps", paramLabel = "S", description = "Write one after every S steps as well.")
    private @Nullable Long steps;

    @Option(
            names = "--keep-checkpoints",
            paramLabel = "K",
            description = "How many checkpoints are kept; older ones are deleted. Default: 3.")
    private @Nullable Integer keep;

    @Option(
            names = "--resume",
            description =
                    "Resume from the newest checkpoint there, or start if there is none. --epochs and --steps count"
                            + " from the start of the first run.")
    private boolean resume;

    /**
     * Fails if the options contradict each other.
     *
     * @param runs whether there is a run directory for checkpoints
     * @throws IllegalArgumentException with the option and its value
     */
    void check(RunOptions runs) {
        OptionRange.check("--checkpoint-steps", steps().orElse(1L), 1, Long.MAX_VALUE);
        OptionRange.check("--keep-checkpoints", keep().orElse(1), 1, 1_000_000);
        if (directory == null) {
            if (resume && !runs.isNamed()) {
                throw new IllegalArgumentException(
                        "--resume needs --checkpoint DIR, where the checkpoints are, or --run-dir DIR or --name NAME");
            }
            if ((steps != null || keep != null) && !runs.isKept()) {
                throw new IllegalArgumentException((steps != null ? "--checkpoint-steps" : "--keep-checkpoints")
                        + " needs --checkpoint DIR, where the checkpoints are, or a run directory");
            }
        } else if (Files.exists(directory) && !Files.isDirectory(directory)) {
            throw new IllegalArgumentException("--checkpoint " + directory + " is a file, expected a directory");
        }
    }

    /**
     * Fails if a run would find checkpoints of another, which the ranks would notice only later.
     *
     * @throws IllegalArgumentException with the directory
     */
    void checkNoOtherRun() {
        if (directory == null || resume) {
            return;
        }
        DistributedTrainer.newestCheckpoint(directory).ifPresent(step -> {
            throw new IllegalArgumentException(
                    "--checkpoint " + directory + " has checkpoints of another run, up to step " + step
                            + ": resume it with --resume, or choose another directory");
        });
    }

    Optional<Path> directory() {
        return Optional.ofNullable(directory);
    }

    /** Steps from one checkpoint to the next; empty for one per epoch only. */
    Optional<Long> steps() {
        return Optional.ofNullable(steps);
    }

    /** How many are kept; empty for the default. */
    Optional<Integer> keep() {
        return Optional.ofNullable(keep);
    }

    boolean resume() {
        return resume;
    }
}
