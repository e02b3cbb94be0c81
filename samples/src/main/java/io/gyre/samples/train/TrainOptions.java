package io.gyre.samples.train;

import io.gyre.OptionRange;
import io.gyre.allreduce.Algorithm;
import io.gyre.dl4j.DistributedTrainer;
import io.gyre.dl4j.Overlap;
import io.gyre.launcher.LaunchPlan;
import io.gyre.launcher.ReportFile;
import io.gyre.paramserver.StrategyOptions;
import io.gyre.samples.data.DataDirectory;
import io.gyre.samples.data.DrawnDigits;
import io.gyre.samples.data.ImageSet;
import io.gyre.samples.data.ImageShape;
import io.gyre.samples.data.Synthetic;
import io.gyre.samples.model.SampleModel;
import io.gyre.training.ParameterExchange;
import io.gyre.transport.TransportMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The options of {@code gyre train}: read and checked by the process that starts the ranks, and read by each rank. */
public final class TrainOptions {

    private static final String DRAWN = "drawn";
    private static final String SYNTHETIC = "synthetic";

    /** They are processes of one host: a larger number is a typing error. */
    private static final int MOST_RANKS = 256;

    private static final int DEFAULT_EPOCHS = 3;
    private static final int DEFAULT_RESNET_STEPS = 20;

    /** Where ND4J computes. */
    enum Backend {
        AUTO,
        CPU,
        CUDA;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Length of the training: one or the other. */
    static final class Length {
        @Option(names = "--epochs", paramLabel = "E", description = "Passes over the data. Default: 3.")
        private @Nullable Integer epochs;

        @Option(names = "--steps", paramLabel = "S", description = "Optimiser steps. Default for resnet50: 20.")
        private @Nullable Long steps;
    }

    @Parameters(paramLabel = "MODEL", converter = Word.OfModel.class, description = "mlp, lenet or resnet50.")
    private SampleModel model = SampleModel.MLP;

    @Option(names = "-n", paramLabel = "RANKS", defaultValue = "2", description = "How many ranks. Default: 2.")
    private int ranks;

    @Option(
            names = "--strategy",
            paramLabel = "WORD",
            defaultValue = "allreduce",
            converter = Word.OfStrategy.class,
            description = "How parameters are updated: allreduce, paramserver, elastic or hybrid. Default: allreduce.")
    private StrategyOptions.Kind strategy = StrategyOptions.Kind.ALLREDUCE;

    @Option(
            names = "--transport",
            paramLabel = "WORD",
            defaultValue = "auto",
            converter = Word.OfTransport.class,
            description =
                    "How ranks exchange data: auto, shm, ipc or udp. Default: auto, shared memory inside a host, UDP between"
                            + " hosts.")
    private TransportMode transport = TransportMode.AUTO;

    @Option(
            names = "--algorithm",
            paramLabel = "WORD",
            defaultValue = "auto",
            converter = Word.OfAlgorithm.class,
            description =
                    "For allreduce: auto, direct, hierarchical or ring. Default: auto, by the placement of the ranks.")
    private Algorithm algorithm = Algorithm.AUTO;

    @Option(
            names = "--overlap",
            paramLabel = "WORD",
            defaultValue = "auto",
            converter = Word.OfOverlap.class,
            description =
                    "For allreduce, and inside the groups of hybrid: whether gradients are exchanged during the backward"
                            + " pass: on, off or auto. Default: auto, if ranks exchange messages or a GPU computes.")
    private Overlap overlap = Overlap.AUTO;

    @Option(
            names = "--backend",
            paramLabel = "WORD",
            defaultValue = "auto",
            converter = Word.OfBackend.class,
            description = "Where to compute: auto, cpu or cuda. Default: auto, on GPUs if they can be used.")
    private Backend backend = Backend.AUTO;

    @Option(
            names = "--data",
            paramLabel = "DATA",
            description =
                    "drawn, for digits that the program draws; synthetic, for noise; or a directory of MNIST-style IDX"
                            + " files, of CIFAR-10's binary files, or of a folder of images for each class."
                            + " Default: drawn, and synthetic for resnet50.")
    private @Nullable String data;

    @ArgGroup
    private @Nullable Length length;

    @Option(
            names = "--batch",
            paramLabel = "B",
            description = "Examples per rank and step. Default: 32 for mlp, 16 for lenet, 8 for resnet50.")
    private @Nullable Integer batch;

    @Option(
            names = "--micro-batches",
            paramLabel = "K",
            defaultValue = "1",
            description =
                    "Number of passes in which a rank's batch goes through the model; their gradients are added up."
                            + " Default: 1.")
    private int microBatches = 1;

    @Option(
            names = "--seed",
            paramLabel = "S",
            defaultValue = "1",
            description = "Of the initial parameters, the order of the data, and drawn data. Default: 1.")
    private long seed;

    @Option(
            names = "--image",
            paramLabel = "PIXELS",
            description =
                    "Height and width of synthetic images and of those from folders. Default: 28, and 32 for resnet50.")
    private @Nullable Integer pixels;

    @Option(
            names = "--checkpoint",
            paramLabel = "DIR",
            description = "Write checkpoints here: after every epoch, and at the end.")
    private @Nullable Path checkpoint;

    @Option(names = "--checkpoint-steps", paramLabel = "S", description = "Write one after every S steps as well.")
    private @Nullable Long checkpointSteps;

    @Option(
            names = "--resume",
            description =
                    "Resume from the newest checkpoint there, or start if there is none. --epochs and --steps count from"
                            + " the start of the first run.")
    private boolean resume;

    @Option(names = "--report", paramLabel = "FILE.json", description = "Write the results to a file, as JSON.")
    private @Nullable Path report;

    @Option(
            names = "--no-onednn",
            description = "Disable Deeplearning4j's oneDNN code, as it is by default there: slower, for comparison.")
    private boolean noOneDnn;

    @Option(
            names = "--no-safe-reclamation",
            description = "Let ND4J free its memory itself, which may crash: for comparison.")
    private boolean noSafeReclamation;

    @Option(
            names = "--double",
            description = "Train in double precision: slower; shows how large the rounding error of floats is.")
    private boolean inDouble;

    @Option(
            names = "--peer-timeout",
            paramLabel = "SECONDS",
            defaultValue = "120",
            description = "How long a rank waits for one that is alive but silent. Default: 120.")
    private int peerTimeoutSeconds;

    @Option(
            names = "--grace",
            paramLabel = "SECONDS",
            defaultValue = "25",
            description =
                    "After Ctrl-C or SIGTERM: how long the ranks have to finish the step and to write a checkpoint."
                            + " A second signal ends them at once. Default: 25.")
    private int graceSeconds = 25;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "0",
            description = "Where this process listens for the ranks to meet. Default: any free port.")
    private int port;

    @Mixin
    private ServerOptions exchange = new ServerOptions();

    /**
     * Fails if the options contradict each other, or name what does not exist.
     *
     * @throws IllegalArgumentException with the option and its value
     */
    void check() {
        OptionRange.check("-n", ranks, 1, MOST_RANKS);
        strategy().checkGroups(ranks, transport == TransportMode.AUTO || transport == TransportMode.SHM);
        if (strategy != StrategyOptions.Kind.ALLREDUCE && checkpoint != null) {
            throw new IllegalArgumentException("--checkpoint with --strategy " + strategy + ": "
                    + ParameterExchange.OUT_OF_STEP + "; use allreduce");
        }
        if (strategy != StrategyOptions.Kind.ALLREDUCE && algorithm != Algorithm.AUTO) {
            throw new IllegalArgumentException(
                    "--algorithm " + algorithm + " belongs to [allreduce], not to --strategy " + strategy);
        }
        OptionRange.check("--batch", batch(), 1, 1 << 20);
        OptionRange.check("--micro-batches", microBatches, 1, batch());
        OptionRange.check("--epochs", epochs().orElse(1), 1, 1_000_000);
        OptionRange.check("--steps", steps().orElse(1L), 1, Long.MAX_VALUE);
        OptionRange.check("--image", pixels(), 1, 4096);
        OptionRange.check("--peer-timeout", peerTimeoutSeconds, 1, 1_000_000);
        OptionRange.check("--grace", graceSeconds, 0, 1_000_000);
        OptionRange.check("--port", port, 0, 65_535);
        OptionRange.check("--restarts", restarts(), 0, LaunchPlan.MOST_RESTARTS);
        OptionRange.check("--checkpoint-steps", checkpointSteps().orElse(1L), 1, Long.MAX_VALUE);
        checkCheckpoint();
        if (report != null) {
            new ReportFile(report).check();
        }
    }

    private void checkCheckpoint() {
        Path directory = checkpoint;
        if (directory == null) {
            if (resume || checkpointSteps != null) {
                throw new IllegalArgumentException((resume ? "--resume" : "--checkpoint-steps")
                        + " needs --checkpoint DIR, where the checkpoints are");
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
        if (checkpoint == null || resume) {
            return;
        }
        DistributedTrainer.newestCheckpoint(checkpoint).ifPresent(step -> {
            throw new IllegalArgumentException(
                    "--checkpoint " + checkpoint + " has checkpoints of another run, up to step " + step
                            + ": resume it with --resume, or choose another directory");
        });
    }

    /**
     * Opens the data, and checks that the model accepts them.
     *
     * @throws IllegalArgumentException if options and data do not match
     * @throws io.gyre.samples.data.BadDataException if the data cannot be used
     */
    ImageSet openData() {
        ImageSet set = switch (dataWord()) {
            case DRAWN -> DrawnDigits.of(seed);
            case SYNTHETIC -> Synthetic.of(new ImageShape(model.channels(), pixels(), pixels()), seed);
            default -> DataDirectory.open(Path.of(dataWord()), pixels());
        };
        if (pixels != null && (set.shape().height() != pixels || set.shape().width() != pixels)) {
            throw new IllegalArgumentException("--image " + pixels + ": the images of " + set.name() + " are "
                    + set.shape().height() + "x" + set.shape().width() + "; leave the option out");
        }
        model.checkPixels(Math.min(set.shape().height(), set.shape().width()));
        return set;
    }

    private String dataWord() {
        if (data != null) {
            return data;
        }
        return model == SampleModel.RESNET50 ? SYNTHETIC : DRAWN;
    }

    SampleModel model() {
        return model;
    }

    int ranks() {
        return ranks;
    }

    /** The strategy, with its options. */
    StrategyOptions strategy() {
        return exchange.of(strategy);
    }

    /** How often a lost rank is restarted. */
    int restarts() {
        return exchange.restarts();
    }

    Backend backend() {
        return backend;
    }

    TransportMode transport() {
        return transport;
    }

    Algorithm algorithm() {
        return algorithm;
    }

    Overlap overlap() {
        return overlap;
    }

    /** Empty if a number of steps is given instead. */
    Optional<Integer> epochs() {
        if (steps().isPresent()) {
            return Optional.empty();
        }
        return Optional.of(length == null || length.epochs == null ? DEFAULT_EPOCHS : length.epochs);
    }

    /** Empty if a number of epochs is given instead. */
    Optional<Long> steps() {
        if (length == null) {
            return model == SampleModel.RESNET50 ? Optional.of((long) DEFAULT_RESNET_STEPS) : Optional.empty();
        }
        return Optional.ofNullable(length.steps);
    }

    int microBatches() {
        return microBatches;
    }

    int batch() {
        return batch == null ? model.defaultBatch() : batch;
    }

    long seed() {
        return seed;
    }

    private int pixels() {
        return pixels == null ? model.defaultPixels() : pixels;
    }

    Optional<Path> checkpoint() {
        return Optional.ofNullable(checkpoint);
    }

    Optional<Long> checkpointSteps() {
        return Optional.ofNullable(checkpointSteps);
    }

    boolean resume() {
        return resume;
    }

    Optional<Path> report() {
        return Optional.ofNullable(report);
    }

    boolean oneDnn() {
        return !noOneDnn;
    }

    boolean safeReclamation() {
        return !noSafeReclamation;
    }

    /** The model to train, with its initial parameters. */
    Model buildModel(ImageSet set) {
        int classes = set.classes().size();
        return inDouble ? model.buildInDouble(set.shape(), classes, seed) : model.build(set.shape(), classes, seed);
    }

    Duration peerTimeout() {
        return Duration.ofSeconds(peerTimeoutSeconds);
    }

    Duration grace() {
        return Duration.ofSeconds(graceSeconds);
    }

    int port() {
        return port;
    }
}
