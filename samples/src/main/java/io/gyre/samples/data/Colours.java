package io.gyre.samples.data;

/** Scales the colours of photographs to mean 0 and deviation 1. */
final class Colours {

    static final int CHANNELS = 3;

    /** Statistics of the training part of CIFAR-10. */
    static final Colours CIFAR_10 =
            new Colours(new float[] {0.4914f, 0.4822f, 0.4465f}, new float[] {0.2470f, 0.2435f, 0.2616f});

    /** Statistics of ImageNet, which fit most photographs. */
    static final Colours IMAGENET =
            new Colours(new float[] {0.485f, 0.456f, 0.406f}, new float[] {0.229f, 0.224f, 0.225f});

    private final float[] mean;
    private final float[] deviation;

    private Colours(float[] mean, float[] deviation) {
        this.mean = mean;
        this.deviation = deviation;
    }

    /** Scales one colour of one pixel, 0 to 255. */
    float scale(float value, int channel) {
        return (value / 255 - mean[channel]) / deviation[channel];
    }
}
