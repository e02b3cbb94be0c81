package io.gyre.benchmarks;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import org.HdrHistogram.Histogram;

/**
 * Figures for one length; scripts rely on the names.
 *
 * @param bytes length of the vector on each rank
 * @param medianUs time of a round in microseconds: median
 * @param p99Us 99 % of the rounds took no longer
 * @param bestUs the shortest
 * @param algbwGbps bytes over median, in 10^9 bytes per second
 * @param checked whether every element of every round was correct; a report with a wrong one is never written
 * @param rounds number of rounds measured
 * @param floorUs the time that memory bandwidth alone requires: see {@link MemoryFloor}
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record AllReduceResult(
        long bytes,
        double medianUs,
        double p99Us,
        double bestUs,
        double algbwGbps,
        boolean checked,
        long rounds,
        double floorUs) {

    static AllReduceResult of(long bytes, Histogram nanos, double floorNanos) {
        double median = nanos.getValueAtPercentile(50);
        return new AllReduceResult(
                bytes,
                median / 1e3,
                nanos.getValueAtPercentile(99) / 1e3,
                nanos.getMinValue() / 1e3,
                bytes / median,
                true,
                nanos.getTotalCount(),
                floorNanos / 1e3);
    }
}
