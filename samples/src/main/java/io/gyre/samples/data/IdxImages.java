package io.gyre.samples.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** Images and labels of MNIST-style files: MNIST, Fashion-MNIST and similar sets. Values are scaled to 0 to 1. */
final class IdxImages implements Images {

    private static final String TRAIN = "train-";
    private static final String TEST = "t10k-";

    /** A directory with one pair of files, of which a part is held out. */
    private static final String SINGLE = "";

    private final IdxFile images;
    private final IdxFile labels;

    private IdxImages(IdxFile images, IdxFile labels) {
        this.images = images;
        this.labels = labels;
    }

    /** Whether the directory looks like one of these sets, which does not mean that it is complete. */
    static boolean areIn(Path directory) {
        return IdxFile.findImages(directory, TRAIN).isPresent()
                || IdxFile.findImages(directory, SINGLE).isPresent();
    }

    /**
     * Reads {@code train-images-idx3-ubyte}, {@code train-labels-idx1-ubyte} and the {@code t10k-} pair, held out; or
     * only {@code images-idx3-ubyte} and {@code labels-idx1-ubyte}, of which the last fifth is held out. All names may
     * have a dot before {@code idx} and end in {@code .gz}.
     */
    static ImageSet open(Path directory) {
        if (IdxFile.findImages(directory, TRAIN).isPresent()) {
            IdxImages train = read(directory, TRAIN);
            IdxImages heldOut = read(directory, TEST);
            if (!train.shape().equals(heldOut.shape())) {
                throw new BadDataException(train.images.path() + " has images of " + train.shape() + ", "
                        + heldOut.images.path() + " of " + heldOut.shape() + ": expected the same");
            }
            int classes = Math.max(train.classes(), heldOut.classes());
            return new ImageSet(directory.toString(), train.shape(), names(classes), train, heldOut);
        }
        IdxImages all = read(directory, SINGLE);
        return ImageSet.holdingOutLastFifth(directory.toString(), all.shape(), names(all.classes()), all);
    }

    private static IdxImages read(Path directory, String prefix) {
        IdxFile images =
                IdxFile.images(found(IdxFile.findImages(directory, prefix), directory, prefix + "images-idx3-ubyte"));
        IdxFile labels =
                IdxFile.labels(found(IdxFile.findLabels(directory, prefix), directory, prefix + "labels-idx1-ubyte"));
        if (images.count() != labels.count()) {
            throw new BadDataException(images.path() + " has " + images.count() + " images, but " + labels.path()
                    + " has " + labels.count() + " labels: expected one for each");
        }
        return new IdxImages(images, labels);
    }

    private static Path found(Optional<Path> file, Path directory, String name) {
        return file.orElseThrow(() ->
                new BadDataException(directory + " lacks " + name + " (or " + name + ".gz) beside its other files"));
    }

    private ImageShape shape() {
        return new ImageShape(1, images.rows(), images.columns());
    }

    private int classes() {
        return IntStream.range(0, labels.count()).map(this::label).max().orElse(0) + 1;
    }

    private static List<String> names(int classes) {
        return IntStream.range(0, classes).mapToObj(Integer::toString).toList();
    }

    @Override
    public int size() {
        return images.count();
    }

    @Override
    public int label(int index) {
        return labels.at(index);
    }

    @Override
    public void read(int index, float[] values, int offset) {
        int pixels = images.rows() * images.columns();
        for (int i = 0; i < pixels; i++) {
            values[offset + i] = images.at(index * pixels + i) / 255f;
        }
    }
}
