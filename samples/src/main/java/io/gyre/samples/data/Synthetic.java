package io.gyre.samples.data;

import java.util.List;
import java.util.stream.IntStream;

/**
 * Labelled noise, for measuring speed: any number of images of any size, none of them stored. Each image contains a
 * faint pattern of its class, so that a falling loss is meaningful; nothing is held out.
 */
public final class Synthetic implements Images {

    private static final int SIZE = 4096;
    private static final int CLASSES = 10;

    /** Pixels on a side of the squares that the patterns are made of. */
    private static final int PATTERN_PIXELS = 8;

    private static final float PATTERN_STRENGTH = 0.5f;

    private final ImageShape shape;
    private final long seed;

    private Synthetic(ImageShape shape, long seed) {
        this.shape = shape;
        this.seed = seed;
    }

    /** Generates a set of 4,096 images in 10 classes, all of it to train on. */
    public static ImageSet of(ImageShape shape, long seed) {
        List<String> classes =
                IntStream.range(0, CLASSES).mapToObj(Integer::toString).toList();
        Synthetic images = new Synthetic(shape, seed);
        return new ImageSet("synthetic noise", shape, classes, images, new Selection(images));
    }

    @Override
    public int size() {
        return SIZE;
    }

    @Override
    public int label(int index) {
        return new Noise(seed, index).below(CLASSES);
    }

    @Override
    public void read(int index, float[] values, int offset) {
        Noise noise = new Noise(seed, index);
        int label = noise.below(CLASSES);
        int at = offset;
        for (int channel = 0; channel < shape.channels(); channel++) {
            for (int y = 0; y < shape.height(); y++) {
                for (int x = 0; x < shape.width(); x++) {
                    int square = (channel * shape.height() + y / PATTERN_PIXELS) * shape.width() + x / PATTERN_PIXELS;
                    values[at++] = noise.bell() + pattern(label, square);
                }
            }
        }
    }

    /** Half of the squares of a class are brighter, half are darker. */
    private static float pattern(int label, int square) {
        return (new Noise(label, square).nextLong() & 1) == 0 ? PATTERN_STRENGTH : -PATTERN_STRENGTH;
    }
}
