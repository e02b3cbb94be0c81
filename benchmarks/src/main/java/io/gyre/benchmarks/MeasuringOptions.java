package io.gyre.benchmarks;

import io.gyre.OptionRange;
import io.gyre.launcher.ReportFile;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the benchmarks that measure operations on vectors. */
abstract class MeasuringOptions {

    @Option(
            names = "--bytes",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "4K,64K,1M,16M,100M",
            converter = ByteSize.Converter.class,
            description = "Lengths of the vector; K, M and G are powers of 1,024. Default: ${DEFAULT-VALUE}.")
    private List<Long> bytes = List.of();

    @Option(names = "--report", paramLabel = "FILE.json", description = "Write the figures to a file, as JSON.")
    private @Nullable Path report;

    @Option(
            names = "--mtu",
            paramLabel = "BYTES",
            defaultValue = "0",
            description = "Largest datagram of UDP. Default: what suits the address.")
    private int mtu;

    @Option(
            names = "--peer-timeout",
            paramLabel = "SECONDS",
            defaultValue = "120",
            description = "How long a rank waits for one that is alive but silent. Default: ${DEFAULT-VALUE}.")
    private int peerTimeoutSeconds;

    /**
     * Fails if one of these options has a value that cannot be used.
     *
     * @throws IllegalArgumentException with the option and its value
     */
    final void checkCommon() {
        OptionRange.check("--peer-timeout", peerTimeoutSeconds, 1, 1_000_000);
        report().ifPresent(ReportFile::check);
    }

    /** Each a positive multiple of 4. */
    final List<Long> bytes() {
        return bytes;
    }

    final Optional<ReportFile> report() {
        return Optional.ofNullable(report).map(ReportFile::new);
    }

    final int mtu() {
        return mtu;
    }

    final Duration peerTimeout() {
        return Duration.ofSeconds(peerTimeoutSeconds);
    }
}
