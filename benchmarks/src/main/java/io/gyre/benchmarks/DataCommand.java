package io.gyre.benchmarks;

import io.gyre.OptionRange;
import io.gyre.benchmarks.host.ProcessorTime;
import io.gyre.launcher.ReportFile;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gyre bench data}: what it costs that rank 0 reads for all. */
@Command(
        name = "data",
        description = "Compares steps for which every rank reads all data with steps for which rank 0 reads and sends.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class DataCommand implements Callable<Integer> {

    /** Of 1 Gbit/s, in bytes per millisecond. */
    private static final double LINK = 125_000;

    @Option(names = "-n", paramLabel = "RANKS", defaultValue = "2", description = "Threads. Default: ${DEFAULT-VALUE}.")
    private int ranks;

    @Option(
            names = "--batch",
            paramLabel = "ROWS",
            defaultValue = "64",
            description = "Images of 28 by 28 pixels for each rank and step. Default: ${DEFAULT-VALUE}.")
    private int rows;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            defaultValue = "31",
            description = "Passes of 12 steps, after a third as many to warm up. Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(names = "--report", paramLabel = "FILE.json", description = "Write the figures to a file, as JSON.")
    private @Nullable Path report;

    @Override
    public Integer call() throws Exception {
        OptionRange.check("-n", ranks, 2, 64);
        OptionRange.check("--batch", rows, 1, 1_000_000);
        OptionRange.check("--rounds", rounds, 1, 10_000);
        ReportFile file = report == null ? null : new ReportFile(report);
        if (file != null) {
            file.check();
        }
        ProcessorTime begin = ProcessorTime.now();
        DataResult result = new DataBench(ranks, rows, rounds).run();
        Double othersShare = ProcessorTime.now().since(begin).othersShare();
        System.out.printf(
                Locale.ROOT,
                "a step on %d ranks, %d rows each: %.2f ms if every rank reads, %.2f ms from rank 0; ratio %.3f (median"
                        + " of %d passes)%nrank 0 sends %,d bytes in a step: at least %.2f ms on a link of 1 Gbit/s%n"
                        + "checked: the same parameters%n",
                ranks,
                rows,
                result.everyRankMillis(),
                result.fromRootMillis(),
                result.ratio(),
                rounds,
                result.bytesSent(),
                result.bytesSent() / LINK);
        System.out.print(ProcessorTime.warning(othersShare));
        if (file != null) {
            file.write(ReportFile.json(result));
        }
        return 0;
    }
}
