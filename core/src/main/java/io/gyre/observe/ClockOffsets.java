package io.gyre.observe;

import io.gyre.training.StepPhase;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a rank's clock differs from rank 0's, at any time of the run, and by how much that may be wrong.
 *
 * <p>No message is sent for it. When ranks exchange something that needs the values of all of them, none is done before
 * the last has begun. So with the times of one exchange, what must be added to a rank's clock is at least
 * {@code begin of rank 0 - end of this rank} and at most {@code end of rank 0 - begin of this rank}. These are bounds
 * and no estimates: they hold for whatever the network does. There is an exchange in the check of every step that ranks
 * take together, and there are some at the start. Of each second the exchange with the narrowest bounds counts, which
 * is the one with the shortest round trip; between two of them the difference is interpolated.
 *
 * <p>The error is half the widest of these bounds, and {@value #DRIFT_PPM} millionths of the longest time without one:
 * clocks of computers differ in speed by less.
 */
final class ClockOffsets {

    static final int DRIFT_PPM = 100;

    private static final long WINDOW_NANOS = 1_000_000_000;

    /** A window in which some rank was late in every exchange says little. */
    private static final int WIDEST = 4;

    private final List<Bound> bounds;
    private final long errorNanos;

    private record Bound(long at, long offset, long error) {}

    private ClockOffsets(List<Bound> bounds, long errorNanos) {
        this.bounds = bounds;
        this.errorNanos = errorNanos;
    }

    /** Rank 0's own clock. */
    static ClockOffsets none() {
        return new ClockOffsets(List.of(new Bound(0, 0, 0)), 0);
    }

    /** Times of exchanges by number: of those that a rank has made exactly once. */
    static Map<Long, long[]> exchanges(TimelineEvents part) throws IOException {
        Map<Long, long[]> all = new HashMap<>(part.syncs);
        Set<Long> repeated = new HashSet<>();
        part.readAll(event -> {
            boolean check = event.kind() == TimelineEvents.PHASE && event.text().equals(StepPhase.CHECK.name());
            if (check && all.put(event.step(), new long[] {event.begin(), event.end()}) != null) {
                // A step without examples is repeated under its number.
                repeated.add(event.step());
            }
        });
        repeated.forEach(all::remove);
        return all;
    }

    /** Compares the exchanges of rank 0 and of another rank; null if they have made none together. */
    static @Nullable ClockOffsets of(Map<Long, long[]> root, Map<Long, long[]> other) {
        Map<Long, Bound> best = new HashMap<>();
        other.forEach((number, own) -> {
            long[] theirs = root.get(number);
            if (theirs != null) {
                long least = theirs[0] - own[1];
                long most = theirs[1] - own[0];
                long at = own[0] + (own[1] - own[0]) / 2;
                Bound bound = new Bound(at, least + (most - least) / 2, (most - least + 1) / 2);
                best.merge(at / WINDOW_NANOS, bound, (a, b) -> a.error() <= b.error() ? a : b);
            }
        });
        if (best.isEmpty()) {
            return null;
        }
        long narrowest = best.values().stream().mapToLong(Bound::error).min().orElse(0);
        List<Bound> kept = best.values().stream()
                .filter(bound -> bound.error() <= WIDEST * narrowest)
                .sorted(Comparator.comparingLong(Bound::at))
                .toList();
        return new ClockOffsets(kept, error(kept, other));
    }

    private static long error(List<Bound> kept, Map<Long, long[]> exchanges) {
        long widest = kept.stream().mapToLong(Bound::error).max().orElse(0);
        List<Long> times = new ArrayList<>(kept.stream().map(Bound::at).toList());
        exchanges.values().forEach(each -> times.add(each[1]));
        long first = times.stream().mapToLong(Long::longValue).min().orElse(0);
        long last = times.stream().mapToLong(Long::longValue).max().orElse(0);
        long gap = Math.max(
                kept.get(0).at() - first, last - kept.get(kept.size() - 1).at());
        for (int i = 1; i < kept.size(); i++) {
            gap = Math.max(gap, kept.get(i).at() - kept.get(i - 1).at());
        }
        return widest + gap / 1_000_000 * DRIFT_PPM + DRIFT_PPM;
    }

    /** The same, for a clock that is ahead of rank 0's. */
    ClockOffsets plus(long nanos) {
        return nanos == 0
                ? this
                : new ClockOffsets(
                        bounds.stream()
                                .map(bound -> new Bound(bound.at(), bound.offset() + nanos, bound.error()))
                                .toList(),
                        errorNanos);
    }

    /** A time of this rank's clock, by rank 0's. */
    long toRoot(long nanos) {
        Bound before = bounds.get(0);
        if (nanos <= before.at()) {
            return nanos + before.offset();
        }
        int low = 0;
        int high = bounds.size() - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (bounds.get(middle).at() <= nanos) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        before = bounds.get(low);
        if (low == bounds.size() - 1) {
            return nanos + before.offset();
        }
        Bound after = bounds.get(low + 1);
        double share = (double) (nanos - before.at()) / (after.at() - before.at());
        return nanos + before.offset() + Math.round(share * (after.offset() - before.offset()));
    }

    /** By how much a time of {@link #toRoot} may be wrong, in nanoseconds. */
    long errorNanos() {
        return errorNanos;
    }
}
