package io.gyre.paramserver;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Staleness of the pushes that servers have applied. A push of a vector on several servers counts once on each.
 *
 * @param counts number of pushes with a staleness of 0, 1, 2 and so on; the last includes all greater ones
 * @param max the greatest staleness
 * @param sum of the staleness of all pushes
 */
public record StalenessHistogram(List<Long> counts, long max, long sum) {

    static final int BINS = 32;

    static final StalenessHistogram EMPTY = new StalenessHistogram(Collections.nCopies(BINS, 0L), 0, 0);

    public StalenessHistogram {
        counts = List.copyOf(counts);
    }

    /** The sum of two histograms. */
    StalenessHistogram plus(StalenessHistogram other) {
        List<Long> both = new ArrayList<>();
        for (int bin = 0; bin < BINS; bin++) {
            both.add(counts.get(bin) + other.counts.get(bin));
        }
        return new StalenessHistogram(both, Math.max(max, other.max), sum + other.sum);
    }

    /** Number of pushes. */
    public long pushes() {
        return counts.stream().mapToLong(Long::longValue).sum();
    }

    /** Mean staleness; 0 if there were no pushes. */
    public double mean() {
        return pushes() == 0 ? 0 : (double) sum / pushes();
    }

    @Override
    public String toString() {
        return IntStream.range(0, BINS)
                .filter(bin -> counts.get(bin) > 0)
                .mapToObj(bin -> bin + (bin == BINS - 1 ? " or more: " : ": ") + counts.get(bin))
                .collect(Collectors.joining(", ", "staleness of " + pushes() + " pushes (", ")"));
    }
}
