package io.gyre.benchmarks;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.gyre.launcher.ReportFile;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * All figures of one run, for {@code --report}: scripts rely on the names.
 *
 * @param workers how many
 * @param batches of all workers together
 * @param millis that a batch takes
 * @param factor factor by which it takes longer on a slow worker
 * @param results in the order measured
 * @param othersShare of the processors that other programs took meanwhile, from 0 to 1; null if the host does not
 *     report it
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record StragglerReport(
        int workers,
        int batches,
        double millis,
        double factor,
        List<StragglerResult> results,
        @Nullable Double othersShare) {

    /** A copy with the share that other programs took. */
    StragglerReport withOthersShare(@Nullable Double share) {
        return new StragglerReport(workers, batches, millis, factor, results, share);
    }

    String toJson() {
        return ReportFile.json(this);
    }

    /** The heading, as text. */
    String heading() {
        return String.format(
                        Locale.ROOT,
                        "%d workers, %d batches of %.1f ms, %.1f times as long on a slow worker; computing is"
                                + " simulated%n",
                        workers,
                        batches,
                        millis,
                        factor)
                + "%8s %8s %12s %9s %9s %6s %8s  %s%n"
                        .formatted("slow", "batches", "consistency", "seconds", "of first", "stale", "mean", "of each");
    }

    /** A result, as text. */
    static String line(StragglerResult result) {
        return String.format(
                Locale.ROOT,
                "%8s %8s %12s %9.2f %9.2f %6d %8.2f  %s%n",
                result.slow(),
                result.dealt() ? "dealt" : "shared",
                result.consistency(),
                result.seconds(),
                result.ofFirst(),
                result.maxStaleness(),
                result.meanStaleness(),
                result.batches());
    }
}
