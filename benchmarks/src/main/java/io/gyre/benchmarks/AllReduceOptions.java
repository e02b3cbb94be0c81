package io.gyre.benchmarks;

import io.gyre.OptionRange;
import io.gyre.allreduce.Algorithm;
import io.gyre.launcher.ReportFile;
import io.gyre.transport.TransportMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code gyre bench allreduce}: read by the process that starts the ranks, and by each rank. */
public final class AllReduceOptions {

    @Option(names = "-n", paramLabel = "RANKS", defaultValue = "2", description = "How many ranks. Default: 2.")
    private int ranks;

    @Option(
            names = "--transport",
            paramLabel = "WORD",
            defaultValue = "auto",
            description = "How ranks exchange data: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private TransportMode transport = TransportMode.AUTO;

    @Option(
            names = "--algorithm",
            paramLabel = "WORD",
            defaultValue = "auto",
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}, as in training.")
    private Algorithm algorithm = Algorithm.AUTO;

    @Option(
            names = "--bytes",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "4K,64K,1M,16M,100M",
            converter = ByteSize.Converter.class,
            description = "Lengths of the vector; K, M and G are powers of 1,024. Default: ${DEFAULT-VALUE}.")
    private List<Long> bytes = List.of();

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "1",
            description = "How long to measure each length; at least 10 times. Default: ${DEFAULT-VALUE}.")
    private double seconds;

    @Option(
            names = "--warm-up",
            paramLabel = "S",
            defaultValue = "1",
            description =
                    "How long to warm up for each length; longer while the compiler is busy. Default: ${DEFAULT-VALUE}.")
    private double warmUpSeconds;

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

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "0",
            description = "Where this process listens for the ranks to meet. Default: any free port.")
    private int port;

    /**
     * Fails if an option has a value that cannot be used.
     *
     * @throws IllegalArgumentException with the option and its value
     */
    void check() {
        OptionRange.check("-n", ranks, 1, 256);
        OptionRange.check("--seconds", seconds, 0, 3600);
        OptionRange.check("--warm-up", warmUpSeconds, 0, 3600);
        OptionRange.check("--peer-timeout", peerTimeoutSeconds, 1, 1_000_000);
        report().ifPresent(ReportFile::check);
    }

    int ranks() {
        return ranks;
    }

    TransportMode transport() {
        return transport;
    }

    Algorithm algorithm() {
        return algorithm;
    }

    /** Each a positive multiple of 4. */
    List<Long> bytes() {
        return bytes;
    }

    Duration time() {
        return Duration.ofNanos((long) (seconds * 1e9));
    }

    Duration warmUp() {
        return Duration.ofNanos((long) (warmUpSeconds * 1e9));
    }

    Optional<ReportFile> report() {
        return Optional.ofNullable(report).map(ReportFile::new);
    }

    int mtu() {
        return mtu;
    }

    Duration peerTimeout() {
        return Duration.ofSeconds(peerTimeoutSeconds);
    }

    int port() {
        return port;
    }
}
