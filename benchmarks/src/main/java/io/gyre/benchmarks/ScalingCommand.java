package io.gyre.benchmarks;

import io.gyre.GyreException;
import io.gyre.benchmarks.host.ProcessorTime;
import io.gyre.launcher.JavaProgram;
import io.gyre.launcher.JvmFlags;
import io.gyre.launcher.ReportFile;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.JoinOptions;
import io.gyre.transport.TransportMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * {@code gyre bench scaling}: creates hosts with rate-limited links, runs every strategy on every number of hosts, and
 * compares step times with the arithmetic floor; or runs as one of the ranks, if the environment says so.
 */
@Command(
        name = "scaling",
        description =
                "Compares strategies on 1, 2, 4 and 8 hosts with real transport over links of a rate, beside their"
                        + " floor by arithmetic. Hosts are network namespaces of this one, which needs root; computing is"
                        + " simulated by waiting, and everything runs slower by a factor, so that a few cores are enough"
                        + " for all.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class ScalingCommand implements Callable<Integer> {

    private static final int PORT = 40_400;

    @Mixin
    private final ScalingOptions options = new ScalingOptions();

    @Override
    public Integer call() throws IOException, InterruptedException {
        options.check();
        return BenchRank.isOne() ? measure() : launch();
    }

    private int launch() throws IOException, InterruptedException {
        Optional<String> obstacle = ShapedHosts.obstacle();
        if (obstacle.isPresent()) {
            throw new GyreException(obstacle.get());
        }
        // Drawing needs no screen.
        System.setProperty("java.awt.headless", "true");
        ScalingReport report = ScalingReport.of(options);
        System.out.print(report.heading());
        Path directory = Files.createTempDirectory("gyre-scaling");
        ProcessorTime begin = ProcessorTime.now();
        try (ShapedHosts hosts = ShapedHosts.open(Collections.max(options.hosts()), options.mtu())) {
            for (ScalingCase each : options.cases()) {
                hosts.shape(each.gigabits() * 1e9 / options.dilation(each.gigabits()));
                ScalingResult result = report.add(run(each, hosts, directory));
                System.out.print(ScalingReport.line(result));
                // Results so far are not lost if a later run fails.
                write(report.withOthersShare(ProcessorTime.now().since(begin).othersShare()));
            }
            System.out.print(
                    ProcessorTime.warning(ProcessorTime.now().since(begin).othersShare()));
        } finally {
            remove(directory);
        }
        return 0;
    }

    private void write(ScalingReport report) throws IOException {
        Optional<ReportFile> file = options.report();
        if (file.isPresent()) {
            file.get().write(report.toJson());
        }
        Optional<Path> plot = options.plot();
        if (plot.isPresent()) {
            ScalingPlot.write(report, plot.get());
        }
    }

    private ScalingResult run(ScalingCase each, ShapedHosts hosts, Path directory)
            throws IOException, InterruptedException {
        Path part = directory.resolve("part.json");
        Files.deleteIfExists(part);
        List<String> arguments = new ArrayList<>(List.of("scaling"));
        arguments.addAll(options.forRanks(each, part));
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(JvmFlags.STANDARD);
        command.addAll(List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:MaxDirectMemorySize=" + options.memoryBytes()));
        JavaProgram program = JavaProgram.mainClass(BenchCommand.class.getName(), arguments);
        command.addAll(program.entry());
        command.addAll(program.arguments());
        try (RankCrew crew = new RankCrew(directory)) {
            Thread hook = new Thread(() -> end(crew, hosts), "gyre-scaling-shutdown");
            Runtime.getRuntime().addShutdownHook(hook);
            for (int rank = 0; rank < each.ranks(); rank++) {
                int host = each.hostOf(rank);
                crew.start(hosts.on(host, command), variables(each, hosts, rank, host));
            }
            crew.await();
            Runtime.getRuntime().removeShutdownHook(hook);
        }
        return ScalingReport.parse(Files.readString(part)).results().get(0);
    }

    private static void end(RankCrew crew, ShapedHosts hosts) {
        crew.close();
        hosts.close();
    }

    private static Map<String, String> variables(ScalingCase each, ShapedHosts hosts, int rank, int host) {
        Map<String, String> variables = new HashMap<>();
        GyreVariable.RANK.put(variables, rank);
        GyreVariable.WORLD_SIZE.put(variables, each.ranks());
        GyreVariable.RENDEZVOUS.put(variables, hosts.address(0) + ":" + PORT);
        GyreVariable.BIND.put(variables, hosts.address(host));
        GyreVariable.HOST_ID.put(variables, hosts.name(host));
        // All of them share these cores.
        GyreVariable.LOCAL_SIZE.put(variables, each.ranks());
        GyreVariable.TRUSTED_NETWORK.put(variables, true);
        GyreVariable.TRANSPORT.put(variables, TransportMode.AUTO);
        variables.put("OPENBLAS_NUM_THREADS", "1");
        return variables;
    }

    private static void remove(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    private int measure() throws IOException {
        List<ScalingCase> cases = options.cases();
        if (cases.size() != 1) {
            throw new IllegalArgumentException(
                    "a rank takes one strategy, rate, number of hosts and slowness: " + cases);
        }
        JoinOptions join = JoinOptions.fromEnvironment().toBuilder()
                .mtu(options.datagram())
                .peerTimeout(options.patience())
                .pause(options.pause(cases.get(0).gigabits()))
                .build();
        return BenchRank.run(join, (session, joinNanos) -> {
            ScalingResult result = new ScalingRank(options, cases.get(0), session).run();
            if (session.world().isRoot()) {
                ScalingReport report = ScalingReport.of(options);
                report.add(result);
                write(report);
            }
        });
    }
}
