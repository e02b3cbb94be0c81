package io.gyre.spark;

import io.gyre.OptionRange;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which columns of a frame are the features of an example, and which its label. Immutable; each method returns a new
 * object.
 *
 * <p>A feature or label column is a number, a boolean, an array of numbers or a vector; several make one row of numbers,
 * in the order of their names. An image column has the bytes of a PNG, JPEG, BMP or GIF file, or is one of Spark's image
 * data source.
 */
public final class Columns implements Serializable {

    private static final long serialVersionUID = 1;

    /**
     * Size to which images are scaled.
     *
     * @param channels 1 for grey, 3 for red, green and blue
     */
    record ImageSize(int height, int width, int channels) implements Serializable {}

    private final String[] features;
    private final @Nullable ImageSize image;
    private final String[] labels;
    private final int classes;

    private Columns(String[] features, @Nullable ImageSize image, String[] labels, int classes) {
        this.features = features;
        this.image = image;
        this.labels = labels;
        this.classes = classes;
    }

    /** Features are the numbers of these columns. Shape: {@code [examples, numbers]}. */
    public static Columns features(String... names) {
        OptionRange.check("number of feature columns", names.length, 1, Integer.MAX_VALUE);
        return new Columns(names.clone(), null, new String[0], 0);
    }

    /**
     * Features are the pixels of an image, scaled to this size, from 0 to 1. Shape: {@code [examples, channels, height,
     * width]}.
     *
     * @param channels 1 for grey, 3 for red, green and blue
     */
    public static Columns image(String name, int height, int width, int channels) {
        OptionRange.check("height", height, 1, 65_535);
        OptionRange.check("width", width, 1, 65_535);
        if (channels != 1 && channels != 3) {
            throw new IllegalArgumentException("channels " + channels + ": expected 1 (grey) or 3 (colours)");
        }
        return new Columns(new String[] {name}, new ImageSize(height, width, channels), new String[0], 0);
    }

    /** The label is the numbers of these columns: values to learn, or probabilities of classes. */
    public Columns labels(String... names) {
        OptionRange.check("number of label columns", names.length, 1, Integer.MAX_VALUE);
        return new Columns(features, image, names.clone(), 0);
    }

    /**
     * The label is the number of a class, in one column.
     *
     * @param count of classes, which are numbered from 0
     */
    public Columns label(String name, int count) {
        OptionRange.check("number of classes", count, 1, Integer.MAX_VALUE);
        return new Columns(features, image, new String[] {name}, count);
    }

    List<String> features() {
        return List.of(features);
    }

    /** Null if features are numbers. */
    @Nullable ImageSize image() {
        return image;
    }

    List<String> labels() {
        return List.of(labels);
    }

    /** Number of classes if the label is a class; 0 if it is numbers. */
    int classes() {
        return classes;
    }
}
