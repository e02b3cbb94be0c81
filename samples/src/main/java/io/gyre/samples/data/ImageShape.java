package io.gyre.samples.data;

/**
 * Size of every image of a set.
 *
 * @param channels 1 for grey, 3 for red, green and blue
 * @param height in pixels
 * @param width in pixels
 */
public record ImageShape(int channels, int height, int width) {

    public ImageShape {
        if (channels < 1 || height < 1 || width < 1) {
            throw new IllegalArgumentException(
                    "an image of " + channels + " channels, " + height + "x" + width + " pixels");
        }
    }

    /** Number of values of an image. */
    public int values() {
        return Math.multiplyExact(Math.multiplyExact(channels, height), width);
    }

    /** As in {@code 3x32x32}: channels, height, width. */
    @Override
    public String toString() {
        return channels + "x" + height + "x" + width;
    }
}
