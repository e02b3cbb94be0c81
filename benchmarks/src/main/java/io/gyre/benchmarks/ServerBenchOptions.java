package io.gyre.benchmarks;

import io.gyre.OptionRange;
import io.gyre.transport.TransportMode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import picocli.CommandLine.Option;

/** The options of {@code gyre bench paramserver}: read by the process that starts the ranks, and by each rank. */
public final class ServerBenchOptions extends MeasuringOptions {

    @Option(
            names = "--servers",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "1,2,4",
            description = "How many processes that hold a part of the vector each. Default: ${DEFAULT-VALUE}.")
    private List<Integer> servers = List.of();

    @Option(
            names = "--backups",
            paramLabel = "N",
            defaultValue = "0",
            description = "Backups of each part, 0 or 1; 1 needs 2 servers at least. Default: ${DEFAULT-VALUE}.")
    private int backups;

    @Option(
            names = "--clients",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "1,2,3,4",
            description = "How many processes that do the same at once. Default: ${DEFAULT-VALUE}.")
    private List<Integer> clients = List.of();

    @Option(
            names = "--transport",
            paramLabel = "WORD",
            defaultValue = "auto",
            description = "How they exchange data: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private TransportMode transport = TransportMode.AUTO;

    @Option(
            names = "--operations",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "read,write,accumulate,pushpull",
            description = "What is measured. Default: ${DEFAULT-VALUE}.")
    private List<ServerOperation> operations = List.of();

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "0.5",
            description =
                    "How long to measure each operation on each length; at least 6 times. Default: ${DEFAULT-VALUE}.")
    private double seconds;

    @Option(
            names = "--warm-up",
            paramLabel = "S",
            defaultValue = "0.5",
            description = "How long to warm up. Default: ${DEFAULT-VALUE}.")
    private double warmUpSeconds;

    /**
     * Fails if an option has a value that cannot be used.
     *
     * @throws IllegalArgumentException with the option and its value
     */
    void check() {
        OptionRange.check("--backups", backups, 0, 1);
        servers.forEach(count -> OptionRange.check("--servers", count, 1 + backups, 64));
        clients.forEach(count -> OptionRange.check("--clients", count, 1, 64));
        OptionRange.check("--seconds", seconds, 0, 3600);
        OptionRange.check("--warm-up", warmUpSeconds, 0, 3600);
        checkCommon();
    }

    List<Integer> servers() {
        return servers;
    }

    int backups() {
        return backups;
    }

    List<Integer> clients() {
        return clients;
    }

    TransportMode transport() {
        return transport;
    }

    List<ServerOperation> operations() {
        return operations;
    }

    Duration time() {
        return Duration.ofNanos((long) (seconds * 1e9));
    }

    Duration warmUp() {
        return Duration.ofNanos((long) (warmUpSeconds * 1e9));
    }

    /** Options for the ranks of one of the runs of this benchmark. */
    List<String> forRanks(int serverCount, int clientCount, Path part) {
        return List.of(
                "--servers",
                String.valueOf(serverCount),
                "--backups",
                String.valueOf(backups),
                "--clients",
                String.valueOf(clientCount),
                "--operations",
                String.join(",", operations.stream().map(Enum::name).toList()),
                "--bytes",
                String.join(",", bytes().stream().map(String::valueOf).toList()),
                "--seconds",
                String.valueOf(seconds),
                "--warm-up",
                String.valueOf(warmUpSeconds),
                "--mtu",
                String.valueOf(mtu()),
                "--peer-timeout",
                String.valueOf(peerTimeout().toSeconds()),
                "--report",
                part.toString());
    }
}
