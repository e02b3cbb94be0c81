package io.gyre.benchmarks;

import io.gyre.launcher.JavaProgram;
import io.gyre.launcher.LaunchPlan;
import io.gyre.launcher.Launcher;
import io.gyre.launcher.ReportFile;
import io.gyre.transport.JoinOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code gyre bench allreduce}: starts the ranks, or runs as one of them if the environment says so. It does for ranks
 * that this command has started, and for ranks started otherwise, each in its own network namespace or on its own host.
 */
@Command(
        name = "allreduce",
        description = "Measures the all-reduce of float sums among processes, and checks every result.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class AllReduceCommand implements Callable<Integer> {

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Mixin
    private final AllReduceOptions options = new AllReduceOptions();

    @Override
    public Integer call() throws IOException, InterruptedException {
        options.check();
        return BenchRank.isOne() ? measure() : launch();
    }

    private int launch() throws IOException, InterruptedException {
        List<String> whole = specification.commandLine().getParseResult().originalArgs();
        List<String> arguments = new ArrayList<>(whole.subList(whole.indexOf(specification.name()), whole.size()));
        LaunchPlan plan = LaunchPlan.of(JavaProgram.mainClass(BenchCommand.class.getName(), arguments), options.ranks())
                .withTransport(options.transport())
                .withPort(options.port())
                .withRootOnTerminal();
        return new Launcher(plan, System.out, System.err).run().exitStatus();
    }

    private int measure() throws IOException {
        JoinOptions join = BenchRank.join(options.transport())
                .mtu(options.mtu())
                .peerTimeout(options.peerTimeout())
                .build();
        return BenchRank.run(join, (session, joinNanos) -> {
            AllReduceReport report = new AllReduceBench(options, session).run(joinNanos);
            if (session.world().isRoot()) {
                Optional<ReportFile> file = options.report();
                if (file.isPresent()) {
                    file.get().write(report.toJson());
                }
                System.out.print(report.table());
            }
        });
    }
}
