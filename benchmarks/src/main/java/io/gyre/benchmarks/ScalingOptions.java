package io.gyre.benchmarks;

import io.gyre.OptionRange;
import io.gyre.launcher.ReportFile;
import io.gyre.network.Backoff;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code gyre bench scaling}: read by the process that starts the ranks, and by each rank. */
public final class ScalingOptions {

    /** For each of eight hosts on two cores. With twice as much, the cores were busy for 70 to 80 % of the time. */
    static final double COMFORTABLE_BITS_PER_SECOND = 125e6;

    /** A driver sends a frame or two per stream on each poll: with longer pauses links would idle. */
    private static final int PAUSES_PER_FRAME = 3;

    @Option(
            names = "--strategies",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "allreduce,paramserver,elastic,hybrid",
            converter = ScalingStrategy.Converter.class,
            description = "What is compared. A period or a codec follows a colon: hybrid:4,"
                    + " allreduce:bf16. Default: ${DEFAULT-VALUE}.")
    private List<ScalingStrategy> strategies = List.of();

    @Option(
            names = "--hosts",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "1,2,4,8",
            description = "Numbers of hosts; 1 is the baseline. Default: ${DEFAULT-VALUE}.")
    private List<Integer> hosts = List.of();

    @Option(
            names = "--ranks-per-host",
            paramLabel = "R",
            defaultValue = "1",
            description = "Ranks on each host. Default: ${DEFAULT-VALUE}.")
    private int ranksPerHost;

    @Option(
            names = "--rates",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "10,1",
            description = "Of each host's link, in Gbit/s, in each direction. Default: ${DEFAULT-VALUE}.")
    private List<Double> rates = List.of();

    @Option(
            names = "--bytes",
            paramLabel = "BYTES",
            defaultValue = "102546848",
            converter = ByteSize.Converter.class,
            description = "Of the gradient. Default: ${DEFAULT-VALUE}, ResNet-50's 25.6 million floats.")
    private long bytes;

    @Option(
            names = "--compute",
            paramLabel = "MS",
            defaultValue = "200",
            description = "Time of a forward and a backward pass. Default: ${DEFAULT-VALUE}.")
    private double computeMillis;

    @Option(
            names = "--backward",
            paramLabel = "PART",
            defaultValue = "0.667",
            description =
                    "Fraction of that time, at its end, in which gradients become complete. Default: ${DEFAULT-VALUE}.")
    private double backward;

    @Option(
            names = "--bucket",
            paramLabel = "BYTES",
            defaultValue = "8M",
            converter = ByteSize.Converter.class,
            description = "Gradients that are exchanged together. Default: ${DEFAULT-VALUE}, as in training.")
    private long bucketBytes;

    @Option(
            names = "--slow",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "1",
            description = "Factors by which the last host computes more slowly; 1 is the baseline."
                    + " Default: ${DEFAULT-VALUE}.")
    private List<Double> slow = List.of();

    @Option(
            names = "--dilation",
            paramLabel = "FACTOR",
            defaultValue = "0",
            description = "Factor by which everything runs slower than on the simulated hosts, computing and links"
                    + " alike. Default: the factor that makes links of 125 Mbit/s.")
    private double dilation;

    @Option(
            names = "--mtu",
            paramLabel = "BYTES",
            defaultValue = "9000",
            description = "Largest frame of the links. Default: ${DEFAULT-VALUE}.")
    private int mtu;

    @Option(
            names = "--steps",
            paramLabel = "K",
            defaultValue = "3",
            description = "Steps that are measured. Default: ${DEFAULT-VALUE}.")
    private int steps;

    @Option(
            names = "--warm-up",
            paramLabel = "K",
            defaultValue = "1",
            description = "Steps before the measured ones. Default: ${DEFAULT-VALUE}.")
    private int warmUp;

    @Option(names = "--report", paramLabel = "FILE.json", description = "Write the figures to a file, as JSON.")
    private @Nullable Path report;

    @Option(names = "--plot", paramLabel = "FILE.png", description = "Draw efficiency by number of hosts.")
    private @Nullable Path plot;

    /**
     * Fails if an option has a value that cannot be used.
     *
     * @throws IllegalArgumentException with the option and its value
     */
    void check() {
        hosts.forEach(count -> OptionRange.check("--hosts", count, 1, 64));
        OptionRange.check("--ranks-per-host", ranksPerHost, 1, 64);
        rates.forEach(rate -> OptionRange.check("--rates", rate * 1000, 1, 1e6));
        OptionRange.check("--compute", computeMillis, 1, 1e6);
        OptionRange.check("--backward", backward, 0, 1);
        slow.forEach(factor -> OptionRange.check("--slow", factor, 1, 100));
        if (dilation != 0) {
            OptionRange.check("--dilation", dilation, 1, 1e4);
        }
        OptionRange.check("--mtu", mtu, 576, 65_535);
        OptionRange.check("--steps", steps, 1, 10_000);
        OptionRange.check("--warm-up", warmUp, 0, 10_000);
        report().ifPresent(ReportFile::check);
        if (plot != null) {
            if (!plot.toString().endsWith(".png")) {
                throw new IllegalArgumentException("--plot " + plot + ": expected a name that ends in .png");
            }
            new ReportFile(plot).check();
        }
    }

    List<ScalingStrategy> strategies() {
        return strategies;
    }

    List<Integer> hosts() {
        return hosts;
    }

    int ranksPerHost() {
        return ranksPerHost;
    }

    /** In Gbit/s, on the simulated hosts. */
    List<Double> rates() {
        return rates;
    }

    List<Double> slow() {
        return slow;
    }

    /** Size of the gradient, in bytes; a multiple of 4. */
    long bytes() {
        return bytes;
    }

    /** Size of a bucket, in bytes; a multiple of 4. */
    long bucketBytes() {
        return bucketBytes;
    }

    /** Time of forward and backward pass together, in seconds, on the simulated hosts. */
    double computeSeconds() {
        return computeMillis / 1e3;
    }

    /** Fraction of that time in which gradients become complete. */
    double backward() {
        return backward;
    }

    /** How much slower than the simulated hosts everything runs. */
    double dilation(double gigabits) {
        return dilation > 0 ? dilation : Math.max(1, gigabits * 1e9 / COMFORTABLE_BITS_PER_SECOND);
    }

    int mtu() {
        return mtu;
    }

    /** Largest datagram that fits in one frame, a multiple of 32 as Aeron requires. */
    int datagram() {
        return (Math.min(mtu, 65_532) - 28) / 32 * 32;
    }

    /** Equals 50 us on the simulated hosts: polling more often would take processor time from other ranks. */
    Duration pause(double gigabits) {
        double frameNanos = mtu * 8 / gigabits * dilation(gigabits);
        double usual = Backoff.DEFAULT_PAUSE.toNanos();
        double longest = Math.max(usual, frameNanos / PAUSES_PER_FRAME);
        return Duration.ofNanos((long) Math.min(usual * dilation(gigabits), longest));
    }

    int steps() {
        return steps;
    }

    int warmUp() {
        return warmUp;
    }

    /** How long a rank waits for others: generous, because the simulated hosts are slow on purpose. */
    Duration patience() {
        return Duration.ofMinutes(10);
    }

    /**
     * What a rank needs outside the heap: parameters, gradients, and a client's and a server's copies of both, with a
     * margin.
     */
    long memoryBytes() {
        return 10 * bytes + (512L << 20);
    }

    Optional<ReportFile> report() {
        return Optional.ofNullable(report).map(ReportFile::new);
    }

    Optional<Path> plot() {
        return Optional.ofNullable(plot);
    }

    /** Options for the ranks of one run, which write its result to a file. */
    List<String> forRanks(ScalingCase each, Path part) {
        List<String> arguments =
                new ArrayList<>(List.of("--strategies", each.strategy().toString()));
        arguments.addAll(List.of("--hosts", String.valueOf(each.hosts())));
        arguments.addAll(List.of("--ranks-per-host", String.valueOf(each.ranksPerHost())));
        arguments.addAll(List.of("--rates", String.valueOf(each.gigabits())));
        arguments.addAll(List.of("--slow", String.valueOf(each.slow())));
        arguments.addAll(List.of("--bytes", String.valueOf(bytes)));
        arguments.addAll(List.of("--bucket", String.valueOf(bucketBytes)));
        arguments.addAll(List.of("--compute", String.valueOf(computeMillis)));
        arguments.addAll(List.of("--backward", String.valueOf(backward)));
        arguments.addAll(List.of("--dilation", String.valueOf(dilation)));
        arguments.addAll(List.of("--mtu", String.valueOf(mtu)));
        arguments.addAll(List.of("--steps", String.valueOf(steps)));
        arguments.addAll(List.of("--warm-up", String.valueOf(warmUp)));
        arguments.addAll(List.of("--report", part.toString()));
        return arguments;
    }

    /** All requested runs, baselines first. */
    List<ScalingCase> cases() {
        List<ScalingCase> cases = new ArrayList<>();
        for (double gigabits : rates) {
            for (ScalingStrategy strategy : strategies) {
                for (int count : hosts.stream().sorted().toList()) {
                    for (double factor : slow.stream().sorted().toList()) {
                        if (count > 1 || factor == 1) {
                            cases.add(new ScalingCase(strategy, gigabits, count, ranksPerHost, factor));
                        }
                    }
                }
            }
        }
        return cases;
    }
}
