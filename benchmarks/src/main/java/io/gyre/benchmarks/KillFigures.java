package io.gyre.benchmarks;

import io.gyre.benchmarks.KillTrial.Outcome;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/** What several kills showed together. */
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

    /** Survivors that said nothing. */
    int silent() {
        return silent;
    }

    static String heading() {
        return "%11s %9s %5s %9s %6s %9s %8s %8s%n"
                .formatted("strategy", "transport", "kills", "survivors", "silent", "median ms", "most ms", "end ms");
    }

    /** The last column is the most that passed until all processes had ended. */
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

    private double median() {
        List<Double> sorted = millis.stream().sorted().toList();
        return sorted.isEmpty() ? Double.NaN : sorted.get(sorted.size() / 2);
    }

    private static double most(List<Double> values) {
        return values.isEmpty() ? Double.NaN : Collections.max(values);
    }
}
