package io.gyre.samples.data;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Generated digits, so that there is a learnable data set without a download: 28x28 grey pixels, each image bent,
 * slanted, rotated, stretched and shifted, with its own pen width and noise.
 *
 * <p>Strokes are drawn by distance to a polyline, not with Java2D's fonts, which differ between machines and are
 * missing on some servers: image {@code i} of a seed is the same everywhere.
 */
public final class DrawnDigits implements Images {

    private static final int TRAIN = 8_000;
    private static final int HELD_OUT = 1_000;
    private static final int PIXELS = 28;
    private static final ImageShape SHAPE = new ImageShape(1, PIXELS, PIXELS);

    /** Height of an upright digit, in pixels. */
    private static final double BOX = 19;

    private final long seed;
    private final int first;
    private final int size;

    private DrawnDigits(long seed, int first, int size) {
        this.seed = seed;
        this.first = first;
        this.size = size;
    }

    /** Draws 8,000 digits to train on and 1,000 held out. */
    public static ImageSet of(long seed) {
        List<String> classes = IntStream.range(0, DigitStrokes.DIGITS)
                .mapToObj(Integer::toString)
                .toList();
        return new ImageSet(
                "drawn digits",
                SHAPE,
                classes,
                new DrawnDigits(seed, 0, TRAIN),
                new DrawnDigits(seed, TRAIN, HELD_OUT));
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int label(int index) {
        return noiseOf(index).below(DigitStrokes.DIGITS);
    }

    @Override
    public void read(int index, float[] values, int offset) {
        Noise noise = noiseOf(index);
        int digit = noise.below(DigitStrokes.DIGITS);
        Arrays.fill(values, offset, offset + SHAPE.values(), 0);
        double[][] strokes = DigitStrokes.of(digit, noise);
        Distortion distortion = new Distortion(noise);
        double penRadius = noise.between(0.8, 1.9);
        for (double[] stroke : strokes) {
            distortion.apply(stroke);
            draw(stroke, penRadius, values, offset);
        }
        spoil(noise, values, offset);
    }

    private Noise noiseOf(int index) {
        return new Noise(seed, first + index);
    }

    /** Darkens every pixel that the pen touches between consecutive points of the stroke. */
    private static void draw(double[] stroke, double penRadius, float[] values, int offset) {
        for (int i = 0; i + 3 < stroke.length; i += 2) {
            drawLine(stroke[i], stroke[i + 1], stroke[i + 2], stroke[i + 3], penRadius, values, offset);
        }
    }

    private static void drawLine(
            double x0, double y0, double x1, double y1, double penRadius, float[] values, int offset) {
        double edge = penRadius + 0.5;
        int fromX = Math.max(0, (int) Math.ceil(Math.min(x0, x1) - edge));
        int toX = Math.min(PIXELS - 1, (int) Math.floor(Math.max(x0, x1) + edge));
        int fromY = Math.max(0, (int) Math.ceil(Math.min(y0, y1) - edge));
        int toY = Math.min(PIXELS - 1, (int) Math.floor(Math.max(y0, y1) + edge));
        double dx = x1 - x0;
        double dy = y1 - y0;
        double lengthSquared = Math.max(dx * dx + dy * dy, 1e-12);
        for (int y = fromY; y <= toY; y++) {
            for (int x = fromX; x <= toX; x++) {
                double along = ((x - x0) * dx + (y - y0) * dy) / lengthSquared;
                double nearest = Math.max(0, Math.min(1, along));
                double awayX = x - x0 - nearest * dx;
                double awayY = y - y0 - nearest * dy;
                double squared = awayX * awayX + awayY * awayY;
                if (squared < edge * edge) {
                    int at = offset + y * PIXELS + x;
                    values[at] = Math.max(values[at], (float) Math.min(1, edge - Math.sqrt(squared)));
                }
            }
        }
    }

    /** Adds pale ink, grey paper, and grain on both. */
    private static void spoil(Noise noise, float[] values, int offset) {
        float paper = (float) noise.between(0, 0.15);
        float contrast = (float) noise.between(0.5, 1) * (1 - paper);
        float grain = (float) noise.between(0.02, 0.18);
        for (int i = offset; i < offset + SHAPE.values(); i++) {
            float value = paper + contrast * values[i] + grain * noise.bell();
            values[i] = Math.max(0, Math.min(1, value));
        }
    }

    /** The transformation of one image's points: a wave that bends them, then slant, rotation, scaling and shift. */
    private static final class Distortion {
        private final double waveX;
        private final double waveY;
        private final double phaseX;
        private final double phaseY;
        private final double xx;
        private final double xy;
        private final double yx;
        private final double yy;
        private final double shiftX;
        private final double shiftY;

        Distortion(Noise noise) {
            waveX = noise.between(-0.07, 0.07);
            waveY = noise.between(-0.07, 0.07);
            phaseX = noise.between(0, 2 * Math.PI);
            phaseY = noise.between(0, 2 * Math.PI);
            double turn = noise.between(-0.25, 0.25);
            double slant = noise.between(-0.25, 0.25);
            double width = BOX * noise.between(0.75, 1.1);
            double height = BOX * noise.between(0.8, 1.1);
            // StrictMath, because the last digit of Math.sin depends on the processor.
            double sin = StrictMath.sin(turn);
            double cos = StrictMath.cos(turn);
            xx = cos * width;
            xy = (cos * slant - sin) * height;
            yx = sin * width;
            yy = (sin * slant + cos) * height;
            shiftX = PIXELS / 2.0 - 0.5 + noise.between(-2, 2);
            shiftY = PIXELS / 2.0 - 0.5 + noise.between(-2, 2);
        }

        /** Maps points of the unit square to pixels, in place. */
        void apply(double[] points) {
            for (int i = 0; i < points.length; i += 2) {
                double x = points[i] - 0.5;
                double y = points[i + 1] - 0.5;
                double bentX = x + waveX * StrictMath.sin(2 * Math.PI * y + phaseX);
                double bentY = y + waveY * StrictMath.sin(2 * Math.PI * x + phaseY);
                points[i] = shiftX + xx * bentX + xy * bentY;
                points[i + 1] = shiftY + yx * bentX + yy * bentY;
            }
        }
    }
}
