package io.gyre.dl4j;

/**
 * How long gradients took to be exchanged, over the steps of a call of {@code fit}.
 *
 * @param exchangeMs milliseconds that combining all buckets of a step took, in the median
 * @param exchangeMsP99 the same, exceeded in one step of a hundred
 * @param exposedMs milliseconds of it that the step waited, and did not compute, in the median; less than the exchange
 *     where it overlaps the backward pass
 * @param exposedMsP99 the same, exceeded in one step of a hundred
 */
public record ExchangeTimes(double exchangeMs, double exchangeMsP99, double exposedMs, double exposedMsP99) {}
