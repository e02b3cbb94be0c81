package io.gyre.samples.data;

import org.deeplearning4j.nn.conf.inputs.InputType;

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

    /** As Deeplearning4j describes it. */
    public InputType input() {
        return InputType.convolutional(height, width, channels);
    }

    /**
     * The shape of images that are the input of a network.
     *
     * @throws IllegalArgumentException if the input is none
     */
    public static ImageShape of(InputType input) {
        if (input instanceof InputType.InputTypeConvolutional image) {
            return new ImageShape(
                    Math.toIntExact(image.getChannels()),
                    Math.toIntExact(image.getHeight()),
                    Math.toIntExact(image.getWidth()));
        }
        throw new IllegalArgumentException(input + ": the model needs images");
    }

    /** As in {@code 3x32x32}: channels, height, width. */
    @Override
    public String toString() {
        return channels + "x" + height + "x" + width;
    }
}
