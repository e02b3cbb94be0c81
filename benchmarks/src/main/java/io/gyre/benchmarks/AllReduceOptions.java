package io.gyre.benchmarks;

import io.gyre.OptionRange;
import io.gyre.allreduce.Algorithm;
import io.gyre.transport.TransportMode;
import java.time.Duration;
import picocli.CommandLine.Option;

/** The options of {@code gyre bench allreduce}: read by the process that starts the ranks, and by each rank. */
public final class AllReduceOptions extends MeasuringOptions {

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
        checkCommon();
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

    Duration time() {
        return Duration.ofNanos((long) (seconds * 1e9));
    }

    Duration warmUp() {
        return Duration.ofNanos((long) (warmUpSeconds * 1e9));
    }

    int port() {
        return port;
    }
}
