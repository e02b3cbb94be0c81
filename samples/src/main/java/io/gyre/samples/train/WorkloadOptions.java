package io.gyre.samples.train;

import io.gyre.OptionRange;
import io.gyre.samples.data.DataDirectory;
import io.gyre.samples.data.DrawnDigits;
import io.gyre.samples.data.ImageSet;
import io.gyre.samples.data.ImageShape;
import io.gyre.samples.data.SampleData;
import io.gyre.samples.data.Synthetic;
import io.gyre.samples.data.Text;
import io.gyre.samples.model.BuiltSample;
import io.gyre.samples.model.SampleModel;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The options of {@code gyre train} that say what is trained: the model, its data, and for how long. */
final class WorkloadOptions {

    private static final String DRAWN = "drawn";
    private static final String SYNTHETIC = "synthetic";
    private static final String DOCS = "docs";

    private static final int DEFAULT_EPOCHS = 3;
    private static final int DEFAULT_RESNET_STEPS = 20;

    private static final double MOST_RATE = 1_000;

    /** Length of the training: one or the other. */
    static final class Length {
        @Option(names = "--epochs", paramLabel = "E", description = "Passes over the data. Default: 3.")
        private @Nullable Integer epochs;

        @Option(names = "--steps", paramLabel = "S", description = "Optimiser steps. Default for resnet50: 20.")
        private @Nullable Long steps;
    }

    @Parameters(
            paramLabel = "MODEL",
            converter = Word.OfModel.class,
            description = "mlp, lenet, lenet-samediff, resnet50 or characters.")
    private SampleModel model = SampleModel.MLP;

    @Option(
            names = "--data",
            paramLabel = "DATA",
            description =
                    "drawn, for digits that the program draws; synthetic, for noise; or a directory of MNIST-style IDX"
                            + " files, of CIFAR-10's binary files, or of a folder of images for each class."
                            + " Default: drawn, and synthetic for resnet50. For characters: a text file, or a"
                            + " directory of .md and .txt files. Default: docs.")
    private @Nullable String data;

    @ArgGroup
    private @Nullable Length length;

    @Option(
            names = "--batch",
            paramLabel = "B",
            description =
                    "Examples per rank and step. Default: 32 for mlp, 16 for lenet, lenet-samediff and characters,"
                            + " 8 for resnet50.")
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
            names = "--sync-batch-norm",
            description = "For models with batch normalisation: use the mean and variance of the whole batch, over all"
                    + " ranks in step, instead of those of each rank's part.")
    private boolean syncBatchNorm;

    @Option(
            names = "--learning-rate",
            paramLabel = "R",
            description = "Learning rate of the updater, with which its schedule begins. Default: 0.001 for mlp, 0.002"
                    + " for lenet and lenet-samediff, 0.01 for resnet50 and characters.")
    private @Nullable Double learningRate;

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

    /**
     * Fails if an option is out of range.
     *
     * @throws IllegalArgumentException with the option and its value
     */
    void check() {
        OptionRange.check("--batch", batch(), 1, 1 << 20);
        if (!(rate() > 0 && rate() <= MOST_RATE)) {
            throw new IllegalArgumentException("--learning-rate " + rate() + ": expected more than 0, at most 1000");
        }
        OptionRange.check("--micro-batches", microBatches, 1, batch());
        if (syncBatchNorm && !model.normalisesBatches()) {
            throw new IllegalArgumentException("--sync-batch-norm: " + model + " has no batch normalisation");
        }
        if (syncBatchNorm && microBatches > 1) {
            throw new IllegalArgumentException("--sync-batch-norm with --micro-batches " + microBatches
                    + ": a pass knows only its own part of the batch; use 1");
        }
        OptionRange.check("--epochs", epochs().orElse(1), 1, 1_000_000);
        OptionRange.check("--steps", steps().orElse(1L), 1, Long.MAX_VALUE);
        if (model.takesImages()) {
            OptionRange.check("--image", pixels(), 1, 4096);
        } else if (pixels != null) {
            throw new IllegalArgumentException("--image " + pixels + ": " + model + " takes no images");
        }
    }

    /**
     * Opens the data, and checks that the model accepts them.
     *
     * @throws IllegalArgumentException if options and data do not match
     * @throws io.gyre.samples.data.BadDataException if the data cannot be used
     */
    SampleData openData() {
        return model.takesImages() ? openImages() : Text.open(Path.of(data == null ? DOCS : data));
    }

    private ImageSet openImages() {
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

    /** The model to train, with its initial parameters. */
    BuiltSample buildModel(SampleData set, boolean inDouble) {
        return model.buildToTrain(set.input(), set.choices(), seed, inDouble, rate());
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

    /** Examples per rank and step. */
    int batch() {
        return batch == null ? model.defaultBatch() : batch;
    }

    /** Learning rate with which the schedule begins. */
    double rate() {
        return learningRate == null ? model.defaultRate() : learningRate;
    }

    int microBatches() {
        return microBatches;
    }

    boolean syncBatchNorm() {
        return syncBatchNorm;
    }

    long seed() {
        return seed;
    }

    private int pixels() {
        return pixels == null ? model.defaultPixels() : pixels;
    }
}
