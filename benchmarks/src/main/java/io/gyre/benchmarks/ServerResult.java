package io.gyre.benchmarks;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import org.HdrHistogram.Histogram;

/**
 * Figures for one operation; scripts rely on the names.
 *
 * @param servers among which the vector is divided
 * @param clients that do the same concurrently
 * @param operation one word
 * @param bytes length of the vector
 * @param medianUs time of a round in microseconds, that of its slowest client: median
 * @param p99Us 99 % of the rounds took no longer
 * @param bestUs the shortest
 * @param gbps bytes of all clients over median, in 10^9 bytes per second
 * @param checked whether every element of every round was correct; a report with a wrong one is never written
 * @param rounds number of rounds measured
 * @param floorUs the time that memory alone requires with all clients concurrently, measured in alternation with the
 *     operation: median. A copy; for accumulate a sum; for pushpull both
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record ServerResult(
        int servers,
        int clients,
        String operation,
        long bytes,
        double medianUs,
        double p99Us,
        double bestUs,
        double gbps,
        boolean checked,
        long rounds,
        double floorUs) {

    static ServerResult of(
            int servers, int clients, ServerOperation operation, long bytes, Histogram nanos, Histogram floorNanos) {
        double median = nanos.getValueAtPercentile(50);
        return new ServerResult(
                servers,
                clients,
                operation.toString(),
                bytes,
                median / 1e3,
                nanos.getValueAtPercentile(99) / 1e3,
                nanos.getMinValue() / 1e3,
                clients * (double) bytes / median,
                true,
                nanos.getTotalCount(),
                floorNanos.getValueAtPercentile(50) / 1e3);
    }
}
