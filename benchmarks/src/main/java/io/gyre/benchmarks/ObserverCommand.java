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

/** {@code gyre bench observers}: what watching costs a step. */
@Command(
        name = "observers",
        description = "Compares steps of a small perceptron that are watched by everything with steps that are not.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class ObserverCommand implements Callable<Integer> {

    @Option(names = "-n", paramLabel = "RANKS", defaultValue = "2", description = "Threads. Default: ${DEFAULT-VALUE}.")
    private int ranks;

    @Option(
            names = "--steps",
            paramLabel = "N",
            defaultValue = "40",
            description = "Steps of each kind in a round. Default: ${DEFAULT-VALUE}.")
    private int steps;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            defaultValue = "300",
            description = "Rounds, after a third as many to warm up. Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(names = "--report", paramLabel = "FILE.json", description = "Write the figures to a file, as JSON.")
    private @Nullable Path report;

    @Override
    public Integer call() throws Exception {
        OptionRange.check("-n", ranks, 1, 64);
        OptionRange.check("--steps", steps, 1, 1_000_000);
        OptionRange.check("--rounds", rounds, 1, 10_000);
        ReportFile file = report == null ? null : new ReportFile(report);
        if (file != null) {
            file.check();
        }
        ProcessorTime begin = ProcessorTime.now();
        ObserverResult result = new ObserverBench(ranks, steps, rounds).run();
        Double othersShare = ProcessorTime.now().since(begin).othersShare();
        System.out.printf(
                Locale.ROOT,
                "a step of a perceptron on %d ranks: %.1f us alone, %.1f us watched: %.1f us more; ratio %.4f"
                        + " (medians of %d rounds, middle half %.4f to %.4f)%nchecked: the same parameters, and %d events%n",
                ranks,
                result.aloneMicros(),
                result.watchedMicros(),
                result.costMicros(),
                result.ratio(),
                rounds,
                result.lowerQuartile(),
                result.upperQuartile(),
                result.events());
        System.out.print(ProcessorTime.warning(othersShare));
        if (file != null) {
            file.write(ReportFile.json(result));
        }
        return 0;
    }
}
