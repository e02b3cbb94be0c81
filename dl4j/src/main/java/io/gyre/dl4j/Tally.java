package io.gyre.dl4j;

import io.gyre.training.StepSummary;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Collects the figures of a {@link FitReport}. */
final class Tally {

    /** Significant decimal digits of times. */
    private static final int DIGITS = 3;

    private final long startNanos = System.nanoTime();
    private final long bytesSentBefore;
    private final double secondsBefore;
    private long steps;
    private long skippedSteps;
    private int epochs;
    private long examples;
    private double firstLoss = Double.NaN;
    private double lastLoss = Double.NaN;

    /** Before the batch, in a run with seats whose batches take several steps. */
    private long stepsBefore;

    private long skippedBefore;
    private long examplesBefore;
    private double lastLossBefore = Double.NaN;

    private final Histogram exchange = new Histogram(DIGITS);
    private final Histogram exposed = new Histogram(DIGITS);

    /**
     * Begins a call, or continues one.
     *
     * @param bytesSent by the session so far
     * @param soFar of the call in earlier generations of a run with seats, whose times of exchanges are not kept; null
     *     at the beginning
     */
    Tally(long bytesSent, @Nullable FitReport soFar) {
        if (soFar == null) {
            bytesSentBefore = bytesSent;
            secondsBefore = 0;
            return;
        }
        bytesSentBefore = bytesSent - soFar.bytesSent();
        secondsBefore = soFar.seconds();
        steps = soFar.steps();
        skippedSteps = soFar.skippedSteps();
        epochs = soFar.epochs();
        examples = soFar.examples();
        firstLoss = soFar.firstLoss();
        lastLoss = soFar.lastLoss();
    }

    /** A batch begins that may have to be repeated. */
    void beginBatch() {
        stepsBefore = steps;
        skippedBefore = skippedSteps;
        examplesBefore = examples;
        lastLossBefore = lastLoss;
    }

    /** The batch is to be repeated. */
    void forgetBatch() {
        steps = stepsBefore;
        skippedSteps = skippedBefore;
        examples = examplesBefore;
        lastLoss = lastLossBefore;
    }

    /** Adds the examples of a batch, which takes one step or several. */
    void batch(long ofAllInStep) {
        examples += ofAllInStep;
    }

    /** Adds a step, with the duration of its exchange and of the wait for it. */
    void step(StepSummary total, long exchangeNanos, long exposedNanos) {
        if (steps == 0) {
            firstLoss = total.meanScore();
        }
        lastLoss = total.meanScore();
        steps++;
        skippedSteps += total.skipped() ? 1 : 0;
        exchange.recordValue(exchangeNanos);
        exposed.recordValue(exposedNanos);
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
        double seconds = secondsBefore + (System.nanoTime() - startNanos) / 1e9;
        return new FitReport(
                steps,
                skippedSteps,
                epochs,
                examples,
                firstLoss,
                lastLoss,
                seconds,
                bytesSent - bytesSentBefore,
                stopped,
                exchangeTimes());
    }

    private ExchangeTimes exchangeTimes() {
        return new ExchangeTimes(millis(exchange, 50), millis(exchange, 99), millis(exposed, 50), millis(exposed, 99));
    }

    private static double millis(Histogram nanos, double percentile) {
        return nanos.getValueAtPercentile(percentile) / 1e6;
    }
}
