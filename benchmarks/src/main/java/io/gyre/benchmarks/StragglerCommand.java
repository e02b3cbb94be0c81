package io.gyre.benchmarks;

import io.gyre.OptionRange;
import io.gyre.benchmarks.host.ProcessorTime;
import io.gyre.launcher.ReportFile;
import io.gyre.paramserver.Consistency;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gyre bench stragglers}: what a slow worker costs in each consistency. */
@Command(
        name = "stragglers",
        description =
                "Compares consistencies with a slow worker. Computing is simulated: workers sleep, in one process.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class StragglerCommand implements Callable<Integer> {

    @Option(names = "-n", paramLabel = "WORKERS", defaultValue = "4", description = "Default: ${DEFAULT-VALUE}.")
    private int workers;

    @Option(
            names = "--batches",
            paramLabel = "N",
            defaultValue = "400",
            description = "Batches of all workers together. Default: ${DEFAULT-VALUE}.")
    private int batches;

    @Option(
            names = "--millis",
            paramLabel = "MS",
            defaultValue = "10",
            description = "How long a batch takes. Default: ${DEFAULT-VALUE}.")
    private double millis;

    @Option(
            names = "--factor",
            paramLabel = "F",
            defaultValue = "4",
            description = "How many times as long it takes on a slow worker. Default: ${DEFAULT-VALUE}.")
    private double factor;

    @Option(
            names = "--staleness",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "bsp,3,10,100,asp",
            description =
                    "Consistencies: bsp, asp, or a bound. The first is the baseline." + " Default: ${DEFAULT-VALUE}.")
    private List<String> consistencies = List.of();

    @Option(names = "--report", paramLabel = "FILE.json", description = "Write the figures to a file, as JSON.")
    private @Nullable Path report;

    @Override
    public Integer call() throws IOException, InterruptedException {
        OptionRange.check("-n", workers, 1, 256);
        OptionRange.check("--batches", batches, 1, 1 << 24);
        OptionRange.check("--millis", millis, 0, 10_000);
        OptionRange.check("--factor", factor, 1, 1_000);
        ReportFile file = report == null ? null : new ReportFile(report);
        if (file != null) {
            file.check();
        }
        List<Consistency> parsed = consistencies.stream().map(Consistency::of).toList();
        StragglerReport all = new StragglerReport(workers, batches, millis, factor, new ArrayList<>(), null);
        System.out.print(all.heading());
        ProcessorTime begin = ProcessorTime.now();
        for (Straggler straggler : Straggler.values()) {
            for (boolean dealt : new boolean[] {false, true}) {
                double first = 0;
                for (Consistency consistency : parsed) {
                    StragglerBench bench = new StragglerBench(workers, batches, millis, factor, straggler, dealt);
                    StragglerResult result = bench.run(consistency);
                    first = first == 0 ? result.seconds() : first;
                    StragglerResult compared = result.comparedWith(first);
                    all.results().add(compared);
                    System.out.print(StragglerReport.line(compared));
                }
            }
        }
        Double othersShare = ProcessorTime.now().since(begin).othersShare();
        System.out.print(ProcessorTime.warning(othersShare));
        if (file != null) {
            file.write(all.withOthersShare(othersShare).toJson());
        }
        return 0;
    }
}
