package io.gyre.benchmarks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.gyre.kernel.Kernels;
import io.gyre.launcher.ReportFile;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * All figures of one run, for {@code --report}: scripts rely on the names.
 *
 * @param transport one word: the transport that the ranks used
 * @param results by servers, clients, length and operation
 * @param kernels name of the kernels
 * @param java version of the JVM
 * @param cores available to the JVM on the first client's host
 * @param warmUpSeconds of warm-up for each operation and length
 * @param seconds measured for each operation and length
 * @param othersShare of the processors of the host that programs other than the ranks took during the runs, their start
 *     included, from 0 to 1; null if the host does not report it, or the ranks were started otherwise
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record ServerReport(
        String transport,
        List<ServerResult> results,
        String kernels,
        String java,
        int cores,
        double warmUpSeconds,
        double seconds,
        @Nullable Double othersShare) {

    static ServerReport of(String transport, ServerBenchOptions options, Kernels kernels, List<ServerResult> results) {
        return new ServerReport(
                transport,
                results,
                kernels.toString(),
                Runtime.version().toString(),
                Runtime.getRuntime().availableProcessors(),
                options.warmUp().toNanos() / 1e9,
                options.time().toNanos() / 1e9,
                null);
    }

    /** Reads {@link #toJson}. */
    static ServerReport parse(String json) {
        try {
            return new ObjectMapper().readValue(json, ServerReport.class);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not a report of gyre bench paramserver: " + json, e);
        }
    }

    /** The results of both. */
    ServerReport plus(ServerReport more) {
        List<ServerResult> both =
                Stream.concat(results.stream(), more.results.stream()).toList();
        return new ServerReport(transport, both, kernels, java, cores, warmUpSeconds, seconds, null);
    }

    /** A copy with the share that other programs took. */
    ServerReport withOthersShare(@Nullable Double share) {
        return new ServerReport(transport, results, kernels, java, cores, warmUpSeconds, seconds, share);
    }

    String toJson() {
        return ReportFile.json(this);
    }

    /** The heading, as text. */
    String heading() {
        return "vectors of floats on servers: over %s, sums by %s, Java %s, %d cores%n"
                        .formatted(transport, kernels, java, cores)
                + "times of the slowest client, after %s s of warm-up each; every element of every round checked%n"
                        .formatted(warmUpSeconds)
                + "%7s %7s %10s %12s %12s %12s %12s %8s %12s %9s %8s%n"
                        .formatted(
                                "servers",
                                "clients",
                                "operation",
                                "bytes",
                                "median us",
                                "p99 us",
                                "best us",
                                "GB/s",
                                "floor us",
                                "of floor",
                                "rounds");
    }

    /** The results as text, one per line. */
    String lines() {
        StringBuilder text = new StringBuilder();
        for (ServerResult result : results) {
            text.append(String.format(
                    Locale.ROOT,
                    "%7d %7d %10s %12d %12.1f %12.1f %12.1f %8.2f %12.1f %9.2f %8d%n",
                    result.servers(),
                    result.clients(),
                    result.operation(),
                    result.bytes(),
                    result.medianUs(),
                    result.p99Us(),
                    result.bestUs(),
                    result.gbps(),
                    result.floorUs(),
                    result.floorUs() / result.medianUs(),
                    result.rounds()));
        }
        return text.toString();
    }
}
