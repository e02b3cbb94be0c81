package io.gyre.benchmarks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.gyre.launcher.ReportFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * All figures of one run, for {@code --report}: scripts rely on the names.
 *
 * @param bytes of the gradient
 * @param computeMs time of a forward and a backward pass
 * @param backward fraction of that time in which gradients become complete
 * @param bucketBytes size of a bucket
 * @param mtu largest frame of the links
 * @param cores of the machine on which all hosts were simulated
 * @param java version of the JVM
 * @param results in the order measured
 * @param othersShare of the processors that programs other than the ranks took during the runs, their start included,
 *     from 0 to 1; null if the host does not report it
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record ScalingReport(
        long bytes,
        double computeMs,
        double backward,
        long bucketBytes,
        int mtu,
        int cores,
        String java,
        List<ScalingResult> results,
        @Nullable Double othersShare) {

    static ScalingReport of(ScalingOptions options) {
        return new ScalingReport(
                options.bytes(),
                options.computeSeconds() * 1e3,
                options.backward(),
                options.bucketBytes(),
                options.mtu(),
                Runtime.getRuntime().availableProcessors(),
                Runtime.version().toString(),
                new ArrayList<>(),
                null);
    }

    /** A copy with the share that other programs took. */
    ScalingReport withOthersShare(@Nullable Double share) {
        return new ScalingReport(bytes, computeMs, backward, bucketBytes, mtu, cores, java, results, share);
    }

    /** Adds a result. */
    ScalingResult add(ScalingResult result) {
        ScalingResult compared = result.besides(results);
        results.add(compared);
        return compared;
    }

    String toJson() {
        return ReportFile.json(this);
    }

    static ScalingReport parse(String json) {
        try {
            return new ObjectMapper().readValue(json, ScalingReport.class);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("no report: " + e.getMessage(), e);
        }
    }

    /** The heading, as text. */
    String heading() {
        return String.format(
                        Locale.ROOT,
                        "gradients of %,d bytes, complete during the last %.0f %% of %.0f ms; computing is simulated;"
                                + " frames of %d bytes; %d cores for all hosts, Java %s%n",
                        bytes,
                        backward * 100,
                        computeMs,
                        mtu,
                        cores,
                        java)
                + String.format(
                        Locale.ROOT,
                        "%-14s %6s %5s %5s %5s %9s %9s %6s %6s %6s %9s %8s %8s %9s %8s %6s %6s%n",
                        "strategy",
                        "Gbit/s",
                        "hosts",
                        "ranks",
                        "slow",
                        "step ms",
                        "floor ms",
                        "floor/",
                        "effic.",
                        "kept",
                        "MB sent",
                        "link ms",
                        "hidden",
                        "exposed",
                        "cpu s",
                        "cpu",
                        "dilat.");
    }

    /** A result, as text. */
    static String line(ScalingResult result) {
        return String.format(
                Locale.ROOT,
                "%-14s %6s %5d %5d %5s %9.1f %9.1f %6.3f %6.3f %6.3f %9.1f %8.1f %8.1f %9.1f %8.2f %6.2f %6.1f%n",
                result.strategy(),
                number(result.gbps()),
                result.hosts(),
                result.ranks(),
                number(result.slow()),
                result.stepMs(),
                result.floorMs(),
                result.ofFloor(),
                result.efficiency(),
                result.kept(),
                result.sentBytes() / 1e6,
                result.exchangeMs(),
                result.hiddenMs(),
                result.exposedMs(),
                result.processorSeconds(),
                result.processorBusy(),
                result.dilation());
    }

    private static String number(double value) {
        return value == Math.rint(value) ? String.valueOf((long) value) : String.valueOf(value);
    }
}
