package io.gyre.paramserver;

import java.util.ArrayList;
import java.util.List;

/** Counts the staleness of the pushes to one shard, without allocation. Used by the service's thread. */
final class StalenessCounter {

    private final long[] counts = new long[StalenessHistogram.BINS];
    private long max;
    private long sum;

    void count(long staleness) {
        counts[(int) Math.min(staleness, counts.length - 1)]++;
        max = Math.max(max, staleness);
        sum += staleness;
    }

    /** Continues from other counts. */
    void restore(StalenessHistogram state) {
        for (int bin = 0; bin < counts.length; bin++) {
            counts[bin] = state.counts().get(bin);
        }
        max = state.max();
        sum = state.sum();
    }

    /** The counts so far. */
    StalenessHistogram histogram() {
        List<Long> all = new ArrayList<>();
        for (long count : counts) {
            all.add(count);
        }
        return new StalenessHistogram(all, max, sum);
    }
}
