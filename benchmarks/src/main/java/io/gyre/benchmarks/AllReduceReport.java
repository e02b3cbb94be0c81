package io.gyre.benchmarks;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.gyre.benchmarks.host.ProcessorTime;
import io.gyre.kernel.Kernels;
import io.gyre.launcher.ReportFile;
import io.gyre.network.Collective;
import io.gyre.session.Session;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * All figures of one run, for {@code --report}: scripts rely on the names.
 *
 * @param ranks how many
 * @param transport one word: the transport that the ranks used
 * @param algorithm one word: the algorithm that was measured
 * @param joinSeconds from the start of the rendezvous to the first step, of the rank that came last: a handshake in a
 *     JVM that has just started
 * @param results by length, in the order asked for
 * @param kernels name of the kernels
 * @param java version of the JVM
 * @param cores available to the JVM on rank 0's host
 * @param warmUpSeconds of warm-up for each length, at least
 * @param seconds measured for each length
 * @param othersShare of the processors of rank 0's host that programs other than the ranks took while this was
 *     measured, from 0 to 1; null if that host does not report it
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record AllReduceReport(
        int ranks,
        String transport,
        String algorithm,
        double joinSeconds,
        List<AllReduceResult> results,
        String kernels,
        String java,
        int cores,
        double warmUpSeconds,
        double seconds,
        @Nullable Double othersShare) {

    static AllReduceReport of(
            Session session,
            AllReduceOptions options,
            Collective collective,
            Kernels kernels,
            double joinSeconds,
            List<AllReduceResult> results,
            @Nullable Double othersShare) {
        return new AllReduceReport(
                session.world().size(),
                session.transport(),
                nameOf(collective),
                joinSeconds,
                results,
                kernels.toString(),
                Runtime.version().toString(),
                Runtime.getRuntime().availableProcessors(),
                options.warmUp().toNanos() / 1e9,
                options.time().toNanos() / 1e9,
                othersShare);
    }

    /** As spelled by the option: {@code ring} for a {@code RingCollective}. */
    private static String nameOf(Collective collective) {
        return collective.getClass().getSimpleName().replace("Collective", "").toLowerCase(Locale.ROOT);
    }

    String toJson() {
        return ReportFile.json(this);
    }

    /** As text. */
    String table() {
        StringBuilder text = new StringBuilder();
        text.append("all-reduce of float sums: %d ranks over %s, algorithm %s, sums by %s, Java %s, %d cores%n"
                .formatted(ranks, transport, algorithm, kernels, java, cores));
        text.append("the rank that came last joined in %.0f ms%n".formatted(joinSeconds * 1e3));
        text.append(("times of the slowest rank, after %s s or more of warm-up for each length; every element of every"
                        + " round checked%n")
                .formatted(warmUpSeconds));
        text.append("%12s %12s %12s %12s %8s %12s %9s %8s%n"
                .formatted("bytes", "median us", "p99 us", "best us", "GB/s", "floor us", "of floor", "rounds"));
        for (AllReduceResult result : results) {
            text.append(String.format(
                    Locale.ROOT,
                    "%12d %12.1f %12.1f %12.1f %8.2f %12.1f %9.2f %8d%n",
                    result.bytes(),
                    result.medianUs(),
                    result.p99Us(),
                    result.bestUs(),
                    result.algbwGbps(),
                    result.floorUs(),
                    result.floorUs() / result.medianUs(),
                    result.rounds()));
        }
        return text.append(ProcessorTime.warning(othersShare)).toString();
    }
}
