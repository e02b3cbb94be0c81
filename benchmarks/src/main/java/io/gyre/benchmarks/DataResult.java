package io.gyre.benchmarks;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * What it costs that rank 0 reads for all.
 *
 * @param everyRankMillis median time of a step in which every rank reads all data
 * @param fromRootMillis the same, in which rank 0 reads and sends
 * @param ratio median of the rounds' ratios, the second to the first
 * @param bytesSent by rank 0 in a step
 */
record DataResult(
        @JsonProperty("every_rank_ms") double everyRankMillis,
        @JsonProperty("from_root_ms") double fromRootMillis,
        double ratio,
        @JsonProperty("bytes_sent") long bytesSent) {}
