package io.gyre.benchmarks;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What watching costs a step.
 *
 * @param aloneMicros median time of a step that nothing watches
 * @param watchedMicros the same, watched
 * @param costMicros median of the rounds' differences
 * @param ratio median of the rounds' ratios, watched to alone
 * @param lowerQuartile of these ratios
 * @param upperQuartile of these ratios
 * @param events phases that the observer has counted
 */
record ObserverResult(
        @JsonProperty("alone_us") double aloneMicros,
        @JsonProperty("watched_us") double watchedMicros,
        @JsonProperty("cost_us") double costMicros,
        double ratio,
        @JsonProperty("lower_quartile") double lowerQuartile,
        @JsonProperty("upper_quartile") double upperQuartile,
        long events) {}
