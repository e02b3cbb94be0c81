package io.gyre.benchmarks;

import io.gyre.benchmarks.host.ProcessorTime;
import io.gyre.launcher.JavaProgram;
import io.gyre.launcher.LaunchPlan;
import io.gyre.launcher.Launcher;
import io.gyre.launcher.ReportFile;
import io.gyre.transport.JoinOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * {@code gyre bench paramserver}: starts servers and clients, one run for each number of them, or runs as one of them
 * if the environment says so, whether this command has started them or not. The last ranks are the servers.
 */
@Command(
        name = "paramserver",
        description = "Measures what clients do with vectors on servers, among processes, and checks every result.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class ServerCommand implements Callable<Integer> {

    @Mixin
    private final ServerBenchOptions options = new ServerBenchOptions();

    @Override
    public Integer call() throws IOException, InterruptedException {
        options.check();
        return BenchRank.isOne() ? measure() : launch();
    }

    private int launch() throws IOException, InterruptedException {
        Path part = Files.createTempFile("gyre-bench", ".json");
        try {
            ProcessorTime begin = ProcessorTime.now();
            ServerReport report = null;
            for (int servers : options.servers()) {
                for (int clients : options.clients()) {
                    int status = launch(servers, clients, part);
                    if (status != 0) {
                        return status;
                    }
                    ServerReport own = ServerReport.parse(Files.readString(part));
                    System.out.print((report == null ? own.heading() : "") + own.lines());
                    report = report == null ? own : report.plus(own);
                }
            }
            Double othersShare = ProcessorTime.now().since(begin).othersShare();
            System.out.print(ProcessorTime.warning(othersShare));
            write(report == null ? null : report.withOthersShare(othersShare));
        } finally {
            Files.deleteIfExists(part);
        }
        return 0;
    }

    private int launch(int servers, int clients, Path part) throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>();
        arguments.add("paramserver");
        arguments.addAll(options.forRanks(servers, clients, part));
        JavaProgram program = JavaProgram.mainClass(BenchCommand.class.getName(), arguments);
        LaunchPlan plan = LaunchPlan.of(program, servers + clients).withTransport(options.transport());
        return new Launcher(plan, System.out, System.err).run().exitStatus();
    }

    private void write(@Nullable ServerReport report) throws IOException {
        Optional<ReportFile> file = options.report();
        if (report != null && file.isPresent()) {
            file.get().write(report.toJson());
        }
    }

    private int measure() throws IOException {
        if (options.servers().size() != 1) {
            throw new IllegalArgumentException("--servers " + options.servers() + ": a rank takes one number");
        }
        JoinOptions join = BenchRank.join(options.transport())
                .mtu(options.mtu())
                .peerTimeout(options.peerTimeout())
                .build();
        return BenchRank.run(join, (session, joinNanos) -> {
            Optional<ServerReport> report =
                    new ServerBench(options, session, options.servers().get(0)).run();
            if (session.world().isRoot()) {
                write(report.orElseThrow());
            }
        });
    }
}
