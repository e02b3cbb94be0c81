package io.gyre.dl4j;

/**
 * Times of the gradient exchange, over the steps of a call of {@code fit}.
 *
 * @param exchangeMs milliseconds to reduce all buckets of a step, median
 * @param exchangeMsP99 the same, 99th percentile
 * @param exposedMs milliseconds of it during which the step waited instead of computing, median; less than the exchange
 *     if it overlaps the backward pass
 * @param exposedMsP99 the same, 99th percentile
 */
public record ExchangeTimes(double exchangeMs, double exchangeMsP99, double exposedMs, double exposedMsP99) {}
