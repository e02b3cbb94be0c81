package io.gyre.benchmarks.soak;

import io.gyre.OptionRange;
import io.gyre.benchmarks.host.ProcessorTime;
import io.gyre.launcher.ReportFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gyre bench soak}: whether ND4J survives garbage collections. */
@Command(
        name = "soak",
        description = "Trains in many JVMs that collect garbage all the time, and counts those that crash.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class SoakCommand implements Callable<Integer> {

    @Option(
            names = "--kinds",
            split = ",",
            defaultValue = "plain,safe,ranks",
            description = "plain: Deeplearning4j alone. safe: with safe reclamation. ranks: two ranks in one JVM."
                    + " Default: ${DEFAULT-VALUE}.")
    private List<String> kinds = List.of();

    @Option(
            names = "--models",
            split = ",",
            defaultValue = "perceptron,lstm,convolution",
            description = "Default: ${DEFAULT-VALUE}.")
    private List<String> models = List.of();

    @Option(
            names = "--collectors",
            split = ",",
            defaultValue = "Serial,Parallel,G1",
            description = "As in -XX:+Use...GC. Default: ${DEFAULT-VALUE}.")
    private List<String> collectors = List.of();

    @Option(names = "--java", split = ",", paramLabel = "HOME", description = "JDKs. Default: this one.")
    private List<Path> java = List.of(Path.of(System.getProperty("java.home")));

    @Option(
            names = "--flags",
            split = ",",
            paramLabel = "FLAG",
            defaultValue = "-Xmn1m",
            description = "More flags of each JVM. Default: ${DEFAULT-VALUE}.")
    private List<String> flags = List.of();

    @Option(names = "--no-litter", description = "Collect only as often as training does.")
    private boolean noLitter;

    @Option(
            names = "--runs",
            paramLabel = "N",
            defaultValue = "10",
            description = "JVMs of each kind, model, collector and JDK. Default: ${DEFAULT-VALUE}.")
    private int runs;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "60",
            description = "Of each JVM. Default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Option(names = "--at-once", paramLabel = "N", defaultValue = "1", description = "JVMs. Default: ${DEFAULT-VALUE}.")
    private int atOnce;

    @Option(names = "--report", paramLabel = "FILE.json", description = "Write the figures to a file, as JSON.")
    private @Nullable Path report;

    /** Exit status 1 if a JVM with safe reclamation has crashed. */
    @Override
    public Integer call() throws IOException, InterruptedException {
        OptionRange.check("--runs", runs, 1, 1000);
        OptionRange.check("--seconds", seconds, 1, 86_400);
        OptionRange.check("--at-once", atOnce, 1, 256);
        ReportFile file = report == null ? null : new ReportFile(report);
        if (file != null) {
            file.check();
        }
        List<SoakCell> cells = cells();
        Path directory = Files.createTempDirectory("gyre-soak");
        SoakReport all = new SoakReport(seconds, flags, new ArrayList<>(), null);
        System.out.printf(Locale.ROOT, "%d s each; output of JVMs that crash is in %s%n", seconds, directory);
        System.out.print(SoakReport.heading());
        ProcessorTime begin = ProcessorTime.now();
        ExecutorService pool = Executors.newFixedThreadPool(atOnce);
        try {
            for (SoakCell cell : cells) {
                List<Future<SoakCell.Outcome>> outcomes = new ArrayList<>();
                for (int run = 0; run < runs; run++) {
                    outcomes.add(pool.submit(() -> cell.run(seconds, directory)));
                }
                all.results().add(SoakReport.Result.of(cell, get(outcomes)));
                System.out.print(all.lastLine());
            }
        } finally {
            pool.shutdownNow();
        }
        Double othersShare = ProcessorTime.now().since(begin).othersShare();
        System.out.print(all.totals() + ProcessorTime.warning(othersShare));
        if (file != null) {
            file.write(all.withOthersShare(othersShare).toJson());
        }
        return all.safeCrashes() == 0 ? 0 : 1;
    }

    private List<SoakCell> cells() {
        List<SoakCell> cells = new ArrayList<>();
        for (String kind : kinds) {
            for (Path home : java) {
                for (String collector : collectors) {
                    for (String model : models) {
                        cells.add(new SoakCell(
                                home,
                                collector,
                                flags,
                                parse("--models", SoakModel.class, model),
                                parse("--kinds", SoakRun.Kind.class, kind),
                                !noLitter));
                    }
                }
            }
        }
        return cells;
    }

    private static <E extends Enum<E>> E parse(String option, Class<E> type, String word) {
        for (E value : type.getEnumConstants()) {
            if (value.name().toLowerCase(Locale.ROOT).equals(word)) {
                return value;
            }
        }
        throw new IllegalArgumentException(option + " " + word + " is none of "
                + Arrays.toString(type.getEnumConstants()).toLowerCase(Locale.ROOT));
    }

    private static List<SoakCell.Outcome> get(List<Future<SoakCell.Outcome>> futures) throws InterruptedException {
        List<SoakCell.Outcome> outcomes = new ArrayList<>();
        for (Future<SoakCell.Outcome> future : futures) {
            try {
                outcomes.add(future.get());
            } catch (ExecutionException e) {
                throw new IllegalStateException("a JVM of the soak could not be run", e);
            }
        }
        return outcomes;
    }
}
