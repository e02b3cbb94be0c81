package io.gyre.runs;

import java.util.Map;

/**
 * Means over the steps since the last line of a curve, and when the next line is due: ten a second at first, then each
 * time the run has become a thousandth longer. A run of a day has about 8,000 lines.
 */
final class StepMeans {

    private static final long LEAST_NANOS = 100_000_000;
    private static final long PART = 1_000;

    private long beganNanos;
    private long lineNanos;
    private boolean first = true;
    private long steps;
    private long step;
    private int epoch;
    private long examples;
    private double lossSum;
    private long losses;

    /** Means of some steps, after the last of them. */
    record Line(long step, int epoch, double seconds, Map<String, Double> values) {}

    /** The first step begins now. */
    void begin(long now) {
        beganNanos = now;
        lineNanos = now;
    }

    /**
     * Adds a step.
     *
     * @param loss not counted if it is not finite
     * @param ofExamples 0 unless the step is the last of its batch
     */
    void add(long ofStep, int ofEpoch, double loss, long ofExamples) {
        steps++;
        step = ofStep;
        epoch = ofEpoch;
        examples += ofExamples;
        if (Double.isFinite(loss)) {
            lossSum += loss;
            losses++;
        }
    }

    /** Whether any step waits for its line. */
    boolean isBegun() {
        return steps > 0;
    }

    /** Whether steps of another epoch wait for their line. */
    boolean isOtherEpoch(int ofEpoch) {
        return steps > 0 && ofEpoch != epoch;
    }

    boolean isDue(long now) {
        return first || now - lineNanos >= Math.max(LEAST_NANOS, (now - beganNanos) / PART);
    }

    double secondsAt(long now) {
        return (now - beganNanos) / 1e9;
    }

    /** The line of the steps since the last one. */
    Line take(long now) {
        double seconds = (now - lineNanos) / 1e9;
        Line line = new Line(
                step,
                epoch,
                secondsAt(now),
                Map.of("loss", lossSum / losses, "examples_per_second", examples / seconds));
        first = false;
        lineNanos = now;
        steps = 0;
        examples = 0;
        lossSum = 0;
        losses = 0;
        return line;
    }
}
