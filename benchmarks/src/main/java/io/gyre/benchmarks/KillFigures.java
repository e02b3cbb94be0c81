package io.gyre.benchmarks;

import io.gyre.benchmarks.KillTrial.Outcome;
import io.gyre.benchmarks.host.ProcessorTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Aggregated figures of several kills. */
final class KillFigures {

    private final String strategy;
    private final String transport;
    private final List<Double> millis = new ArrayList<>();
    private final List<Double> ends = new ArrayList<>();
    private int silent;

    KillFigures(String strategy, String transport) {
        this.strategy = strategy;
        this.transport = transport;
    }

    void add(Outcome outcome) {
        outcome.millis().values().stream().filter(value -> value >= 0).forEach(millis::add);
        silent += outcome.silent().size();
        ends.add(outcome.endMillis());
    }

    /** Number of survivors that reported nothing. */
    int silent() {
        return silent;
    }

    static String heading() {
        return "%11s %9s %5s %9s %6s %9s %8s %8s%n"
                .formatted("strategy", "transport", "kills", "survivors", "silent", "median ms", "most ms", "end ms");
    }

    /** The last column is the longest time until all processes had ended. */
    String line() {
        return String.format(
                Locale.ROOT,
                "%11s %9s %5d %9d %6d %9.0f %8.0f %8.0f%n",
                strategy,
                transport,
                ends.size(),
                millis.size() + silent,
                silent,
                median(),
                most(millis),
                most(ends));
    }

    /**
     * What other load the host had.
     *
     * @param othersShare as {@link ProcessorTime} has it
     * @param busy processes that were our load, and are not in that share
     */
    static String machine(@Nullable Double othersShare, int busy) {
        String load = busy == 0 ? "" : ", besides the load of %d processes, which is ours".formatted(busy);
        String share =
                othersShare == null ? "an unknown share" : String.format(Locale.ROOT, "%.0f %%", othersShare * 100);
        return "other programs took " + share + " of this host's processor time meanwhile" + load
                + System.lineSeparator() + ProcessorTime.warning(othersShare);
    }

    private double median() {
        List<Double> sorted = millis.stream().sorted().toList();
        return sorted.isEmpty() ? Double.NaN : sorted.get(sorted.size() / 2);
    }

    private static double most(List<Double> values) {
        return values.isEmpty() ? Double.NaN : Collections.max(values);
    }
}
