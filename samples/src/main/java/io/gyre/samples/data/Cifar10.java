package io.gyre.samples.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * CIFAR-10 in its binary version: files of colour images of 32x32 pixels, each one byte for its class, then one byte
 * per red value, row by row, then green, then blue.
 *
 * @see <a href="https://www.cs.toronto.edu/~kriz/cifar.html">Krizhevsky, Learning multiple layers of features from tiny
 *     images, 2009</a>
 */
final class Cifar10 implements Images {

    private static final String TRAIN_FILES = "data_batch_*.bin";
    private static final String TEST_FILE = "test_batch.bin";
    private static final int PIXELS = 32;
    private static final ImageShape SHAPE = new ImageShape(Colours.CHANNELS, PIXELS, PIXELS);
    private static final int RECORD_BYTES = 1 + SHAPE.values();
    private static final List<String> CLASSES =
            List.of("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck");

    private final List<byte[]> files;
    private final int[] firstOfFile;
    private final int size;

    private Cifar10(List<Path> paths) {
        files = paths.stream().map(Cifar10::readFile).toList();
        firstOfFile = new int[files.size()];
        int images = 0;
        for (int file = 0; file < files.size(); file++) {
            firstOfFile[file] = images;
            images += files.get(file).length / RECORD_BYTES;
        }
        size = images;
    }

    /** Whether the directory looks like this set, which does not mean that it is complete. */
    static boolean isIn(Path directory) {
        return !trainFiles(directory).isEmpty();
    }

    /** Reads {@code data_batch_1.bin} and so on to train on, and {@code test_batch.bin}, held out. */
    static ImageSet open(Path directory) {
        Path test = directory.resolve(TEST_FILE);
        if (!Files.exists(test)) {
            throw new BadDataException(directory + " lacks " + TEST_FILE + " beside its " + TRAIN_FILES);
        }
        return new ImageSet(
                directory.toString(), SHAPE, CLASSES, new Cifar10(trainFiles(directory)), new Cifar10(List.of(test)));
    }

    private static List<Path> trainFiles(Path directory) {
        List<Path> files = new ArrayList<>();
        try (Stream<Path> found = Files.list(directory)) {
            found.filter(file -> file.getFileName().toString().matches("data_batch_\\d+\\.bin"))
                    .sorted()
                    .forEach(files::add);
        } catch (IOException e) {
            throw new BadDataException("cannot list " + directory + ": " + e.getMessage(), e);
        }
        return files;
    }

    private static byte[] readFile(Path file) {
        byte[] bytes;
        try {
            long length = Files.size(file);
            HeapRoom.check(file.toString(), "its " + length + " bytes", length);
            bytes = Files.readAllBytes(file);
        } catch (IOException e) {
            throw new BadDataException("cannot read " + file + ": " + e.getMessage(), e);
        }
        if (bytes.length == 0 || bytes.length % RECORD_BYTES != 0) {
            throw new BadDataException(file + " is damaged: it has " + bytes.length + " bytes, expected a multiple of "
                    + RECORD_BYTES + " (a class and 3x32x32 colours)");
        }
        for (int at = 0; at < bytes.length; at += RECORD_BYTES) {
            if ((bytes[at] & 0xFF) >= CLASSES.size()) {
                throw new BadDataException(file + " is damaged: image " + at / RECORD_BYTES + " has class "
                        + (bytes[at] & 0xFF) + ", expected 0 to " + (CLASSES.size() - 1));
            }
        }
        return bytes;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int label(int index) {
        int file = fileOf(index);
        return files.get(file)[(index - firstOfFile[file]) * RECORD_BYTES];
    }

    @Override
    public void read(int index, float[] values, int offset) {
        int file = fileOf(index);
        byte[] bytes = files.get(file);
        int from = (index - firstOfFile[file]) * RECORD_BYTES + 1;
        int pixels = PIXELS * PIXELS;
        for (int channel = 0; channel < Colours.CHANNELS; channel++) {
            for (int i = channel * pixels; i < (channel + 1) * pixels; i++) {
                values[offset + i] = Colours.CIFAR_10.scale(bytes[from + i] & 0xFF, channel);
            }
        }
    }

    private int fileOf(int index) {
        int file = firstOfFile.length - 1;
        while (firstOfFile[file] > index) {
            file--;
        }
        return file;
    }
}
