package io.gyre.benchmarks.soak;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.gyre.launcher.ReportFile;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * All figures of one soak, for {@code --report}: scripts rely on the names.
 *
 * @param seconds of each JVM
 * @param flags of each JVM
 * @param othersShare of the processors that other programs took meanwhile, from 0 to 1; null if the host does not
 *     report it
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record SoakReport(
        int seconds,
        List<String> flags,
        List<Result> results,
        @Nullable Double othersShare) {

    /**
     * Result of all JVMs of one cell.
     *
     * @param crashes how many of them crashed
     * @param collections of all, up to a second before a crash
     * @param cpuMicros processor time per step, in microseconds; the median over JVMs that did not crash, or 0
     */
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record Result(
            String kind,
            String java,
            String collector,
            String model,
            int runs,
            long crashes,
            long collections,
            long steps,
            double cpuMicros) {

        static Result of(SoakCell cell, List<SoakCell.Outcome> outcomes) {
            double[] micros = outcomes.stream()
                    .filter(outcome -> !outcome.crashed())
                    .mapToDouble(SoakCell.Outcome::cpuMicros)
                    .sorted()
                    .toArray();
            return new Result(
                    cell.kind().name().toLowerCase(Locale.ROOT),
                    cell.java().getFileName().toString(),
                    cell.collector(),
                    cell.model().name().toLowerCase(Locale.ROOT),
                    outcomes.size(),
                    outcomes.stream().filter(SoakCell.Outcome::crashed).count(),
                    outcomes.stream().mapToLong(SoakCell.Outcome::collections).sum(),
                    outcomes.stream().mapToLong(SoakCell.Outcome::steps).sum(),
                    micros.length == 0 ? 0 : micros[micros.length / 2]);
        }

        private boolean isSafe() {
            return !kind.equals("plain");
        }
    }

    SoakReport withOthersShare(@Nullable Double share) {
        return new SoakReport(seconds, flags, results, share);
    }

    String toJson() {
        return ReportFile.json(this);
    }

    /** The heading, as text. */
    static String heading() {
        return "%-6s %-26s %-9s %-12s %5s %8s %12s %9s %12s%n"
                .formatted(
                        "kind", "jdk", "collector", "model", "JVMs", "crashed", "collections", "steps", "cpu us/step");
    }

    /** The newest result, as text. */
    String lastLine() {
        Result last = results.get(results.size() - 1);
        return String.format(
                Locale.ROOT,
                "%-6s %-26s %-9s %-12s %5d %8d %12d %9d %12.0f%n",
                last.kind,
                last.java,
                last.collector,
                last.model,
                last.runs,
                last.crashes,
                last.collections,
                last.steps,
                last.cpuMicros);
    }

    /** The totals, as text. */
    String totals() {
        return total("without safe reclamation", false) + total("with it", true);
    }

    long safeCrashes() {
        return results.stream()
                .filter(Result::isSafe)
                .mapToLong(Result::crashes)
                .sum();
    }

    private String total(String words, boolean safe) {
        List<Result> some =
                results.stream().filter(result -> result.isSafe() == safe).toList();
        return String.format(
                Locale.ROOT,
                "%s: %d of %d JVMs crashed in %d collections%n",
                words,
                some.stream().mapToLong(Result::crashes).sum(),
                some.stream().mapToInt(Result::runs).sum(),
                some.stream().mapToLong(Result::collections).sum());
    }
}
