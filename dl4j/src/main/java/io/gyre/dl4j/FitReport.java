package io.gyre.dl4j;

/**
 * Result of one call of {@code fit}.
 *
 * @param steps optimiser steps
 * @param skippedSteps steps among these whose update was skipped, because the sums of the gradients had overflowed; see
 *     {@link TrainerBuilder#mixedPrecision}
 * @param epochs passes over the data that were completed
 * @param examples number of examples, over all ranks
 * @param firstLoss mean loss over the first step's examples of all ranks; NaN if there was no step
 * @param lastLoss mean loss over the last step's examples of all ranks; NaN if there was no step
 * @param seconds wall-clock time
 * @param bytesSent payload that this rank sent to others
 * @param stopped whether a rank asked to stop
 * @param exchange times of the gradient exchange; zeros if there was no step
 */
public record FitReport(
        long steps,
        long skippedSteps,
        int epochs,
        long examples,
        double firstLoss,
        double lastLoss,
        double seconds,
        long bytesSent,
        boolean stopped,
        ExchangeTimes exchange) {}
