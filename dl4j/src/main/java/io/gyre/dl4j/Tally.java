package io.gyre.dl4j;

import io.gyre.StepSummary;

/** Counts what goes into a {@link FitReport}. */
final class Tally {

    private final long startNanos = System.nanoTime();
    private final long bytesSentBefore;
    private long steps;
    private int epochs;
    private long examples;
    private double firstLoss = Double.NaN;
    private double lastLoss = Double.NaN;

    Tally(long bytesSentBefore) {
        this.bytesSentBefore = bytesSentBefore;
    }

    void step(StepSummary total) {
        if (steps == 0) {
            firstLoss = total.meanScore();
        }
        lastLoss = total.meanScore();
        steps++;
        examples += total.examples();
    }

    long examples() {
        return examples;
    }

    void examples(long ofAllRanks) {
        examples = ofAllRanks;
    }

    void epoch() {
        epochs++;
    }

    FitReport report(long bytesSent, boolean stopped) {
        double seconds = (System.nanoTime() - startNanos) / 1e9;
        return new FitReport(
                steps, epochs, examples, firstLoss, lastLoss, seconds, bytesSent - bytesSentBefore, stopped);
    }
}
