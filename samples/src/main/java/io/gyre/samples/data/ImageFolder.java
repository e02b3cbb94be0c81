package io.gyre.samples.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * A folder with one folder of images for each class, named after it. An image is read from its file on each access: its
 * middle square, scaled to the size of the set, in colour.
 */
final class ImageFolder implements Images {

    static final List<String> ENDINGS = List.of(".png", ".jpg", ".jpeg", ".gif", ".bmp");

    private record Entry(Path file, int label) {}

    private final List<Entry> entries;
    private final int pixels;

    private ImageFolder(List<Entry> entries, int pixels) {
        this.entries = entries;
        this.pixels = pixels;
    }

    /** Whether the directory looks like this kind of set, which does not mean that it is complete. */
    static boolean isIn(Path directory) {
        return classFolders(directory).stream()
                .anyMatch(folder -> !imageFiles(folder).isEmpty());
    }

    /** Lists the images; every fifth, by class and name, is held out. */
    static ImageSet open(Path directory, int pixels) {
        List<Path> folders = classFolders(directory);
        if (folders.size() < 2) {
            throw new BadDataException(directory + " has one folder of images, "
                    + folders.get(0).getFileName() + ": expected one for each" + " class, and two classes or more");
        }
        List<String> classes = new ArrayList<>();
        List<Entry> entries = new ArrayList<>();
        for (Path folder : folders) {
            List<Path> files = imageFiles(folder);
            if (files.isEmpty()) {
                throw new BadDataException(folder + " has no image, expected " + String.join(", ", ENDINGS));
            }
            files.forEach(file -> entries.add(new Entry(file, classes.size())));
            classes.add(folder.getFileName().toString());
        }
        ImageShape shape = new ImageShape(Colours.CHANNELS, pixels, pixels);
        return ImageSet.holdingOutEveryFifth(directory.toString(), shape, classes, new ImageFolder(entries, pixels));
    }

    private static List<Path> classFolders(Path directory) {
        return list(directory, Files::isDirectory);
    }

    private static List<Path> imageFiles(Path folder) {
        return list(folder, file -> {
            String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
            return Files.isRegularFile(file) && ENDINGS.stream().anyMatch(name::endsWith);
        });
    }

    /** Sorted by name, so that all ranks see the same set; hidden files are skipped. */
    private static List<Path> list(Path directory, Predicate<Path> wanted) {
        try (Stream<Path> found = Files.list(directory)) {
            return found.filter(path -> !path.getFileName().toString().startsWith("."))
                    .filter(wanted)
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new BadDataException("cannot list " + directory + ": " + e.getMessage(), e);
        }
    }

    @Override
    public int size() {
        return entries.size();
    }

    @Override
    public int label(int index) {
        return entries.get(index).label();
    }

    @Override
    public void read(int index, float[] values, int offset) {
        ImageFile.Square square = ImageFile.middleSquare(entries.get(index).file());
        for (int y = 0; y < pixels; y++) {
            for (int x = 0; x < pixels; x++) {
                for (int channel = 0; channel < Colours.CHANNELS; channel++) {
                    values[offset + (channel * pixels + y) * pixels + x] =
                            Colours.IMAGENET.scale(mean(square, x, y, channel), channel);
                }
            }
        }
    }

    /** Mean of one colour over the part of the square that becomes pixel {@code x}, {@code y}. */
    private float mean(ImageFile.Square square, int x, int y, int channel) {
        int side = square.side();
        int shift = 8 * (Colours.CHANNELS - 1 - channel);
        int fromY = (int) ((long) y * side / pixels);
        int toY = Math.max(fromY + 1, (int) ((y + 1L) * side / pixels));
        int fromX = (int) ((long) x * side / pixels);
        int toX = Math.max(fromX + 1, (int) ((x + 1L) * side / pixels));
        long sum = 0;
        for (int row = fromY; row < toY; row++) {
            for (int column = fromX; column < toX; column++) {
                sum += square.colours()[row * side + column] >> shift & 0xFF;
            }
        }
        return (float) sum / ((long) (toY - fromY) * (toX - fromX));
    }
}
