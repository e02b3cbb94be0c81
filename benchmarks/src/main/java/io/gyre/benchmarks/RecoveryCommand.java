package io.gyre.benchmarks;

import io.gyre.OptionRange;
import io.gyre.benchmarks.host.ProcessorTime;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gyre bench recovery}: how soon a run with seats does its next step after a kill, and whether its result holds. */
@Command(
        name = "recovery",
        description = "Kills processes of trainings whose ranks survive them, at random moments. Measures the time from"
                + " a kill to the next step, and compares the parameters with those of a training without kills. Ends"
                + " with 0 if all are equal.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class RecoveryCommand implements Callable<Integer> {

    @Option(names = "-n", paramLabel = "RANKS", defaultValue = "4", description = "Default: ${DEFAULT-VALUE}.")
    private int ranks;

    @Option(
            names = "--transports",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "shm,udp",
            description = "Default: ${DEFAULT-VALUE}.")
    private List<String> transports = List.of();

    @Option(
            names = "--runs",
            paramLabel = "N",
            defaultValue = "5",
            description = "With kills, for each transport. Default: ${DEFAULT-VALUE}.")
    private int runs;

    @Option(names = "--kills", paramLabel = "N", defaultValue = "10", description = "A run. Default: ${DEFAULT-VALUE}.")
    private int kills;

    @Option(
            names = "--pause",
            paramLabel = "MS",
            defaultValue = "3000",
            description = "At most so long after the step that followed the last kill. Default: ${DEFAULT-VALUE}.")
    private int pauseMillis;

    @Option(names = "--steps", paramLabel = "N", defaultValue = "6000", description = "Default: ${DEFAULT-VALUE}.")
    private int steps;

    @Option(
            names = "--restarts",
            paramLabel = "N",
            defaultValue = "2",
            description = "Of each process. Default: ${DEFAULT-VALUE}.")
    private int restarts;

    @Option(
            names = "--min-processes",
            paramLabel = "N",
            defaultValue = "1",
            description = "With as many as RANKS a run waits for the new process. Default: ${DEFAULT-VALUE}.")
    private int least;

    @Option(names = "--model", paramLabel = "MODEL", defaultValue = "lenet", description = "Default: ${DEFAULT-VALUE}.")
    private String model = "";

    @Option(names = "--data", paramLabel = "DIR", description = "For the model. Default: drawn data.")
    private @Nullable Path data;

    @Option(
            names = "--seed",
            paramLabel = "S",
            description = "Seed of the choice of process and time. Default: random.")
    private long seed = new Random().nextLong();

    @Option(
            names = "--gyre",
            paramLabel = "PATH",
            defaultValue = "bin/gyre",
            description = "The program to test. Default: ${DEFAULT-VALUE}.")
    private String gyre = "";

    @Override
    public Integer call() throws IOException, InterruptedException {
        OptionRange.check("-n", ranks, 2, 1_000);
        OptionRange.check("--runs", runs, 1, 1_000);
        OptionRange.check("--pause", pauseMillis, 1, 1_000_000);
        OptionRange.check("--restarts", restarts, 0, 1_000);
        OptionRange.check("--min-processes", least, 1, ranks);
        // One process is left at the end.
        OptionRange.check("--kills", kills, 1, ranks * (restarts + 1L) - 1);
        Random random = new Random(seed);
        ProcessorTime begin = ProcessorTime.now();
        System.out.printf(
                "seed %d%n%9s %4s %5s %9s %8s %10s  %s%n",
                seed, "transport", "run", "kills", "median ms", "most ms", "lost steps", "parameters");
        boolean equal = true;
        for (String transport : transports) {
            String undisturbed = train(transport, 0, random).sha256();
            System.out.printf("%9s %4s %5d %9s %8s %10s  %s%n", transport, "-", 0, "", "", "", undisturbed);
            List<RecoveryTrial.Recovery> all = new ArrayList<>();
            for (int run = 1; run <= runs; run++) {
                RecoveryTrial.Outcome outcome = train(transport, kills, random);
                all.addAll(outcome.recoveries());
                equal &= outcome.sha256().equals(undisturbed);
                System.out.print(line(transport, String.valueOf(run), outcome.recoveries(), outcome.sha256()));
            }
            System.out.print(line(transport, "all", all, ""));
        }
        Double others = ProcessorTime.now().since(begin).othersShare();
        System.out.print(KillFigures.machine(others, 0));
        System.out.println(equal ? "checked: equal parameters" : "the parameters DIFFER from those without kills");
        return equal ? 0 : 1;
    }

    private RecoveryTrial.Outcome train(String transport, int itsKills, Random random)
            throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("gyre-recovery-");
        List<String> command = new ArrayList<>(List.of(gyre, "train", model, "-n", String.valueOf(ranks)));
        command.addAll(List.of("--transport", transport, "--steps", String.valueOf(steps)));
        command.addAll(List.of("--restarts", String.valueOf(restarts), "--min-processes", String.valueOf(least)));
        if (data != null) {
            command.addAll(List.of("--data", data.toString()));
        }
        try (RecoveryTrial trial = new RecoveryTrial(command, directory)) {
            return trial.run(itsKills, pauseMillis, random);
        }
    }

    private static String line(String transport, String run, List<RecoveryTrial.Recovery> recoveries, String sha256) {
        List<Double> millis =
                recoveries.stream().map(RecoveryTrial.Recovery::millis).sorted().toList();
        return String.format(
                Locale.ROOT,
                "%9s %4s %5d %9.0f %8.0f %10d  %s%n",
                transport,
                run,
                millis.size(),
                millis.get(millis.size() / 2),
                millis.get(millis.size() - 1),
                recoveries.stream()
                        .mapToLong(RecoveryTrial.Recovery::lostSteps)
                        .max()
                        .orElse(0),
                sha256);
    }
}
