package io.gyre.benchmarks;

import io.gyre.OptionRange;
import io.gyre.benchmarks.KillTrial.Outcome;
import io.gyre.benchmarks.host.ProcessorTime;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gyre bench kills}: whether the survivors of a killed rank report its loss, and how soon. */
@Command(
        name = "kills",
        description = "Kills a rank of many trainings at random moments, and measures when each survivor names it."
                + " Ends with 0 if all of them did.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class KillsCommand implements Callable<Integer> {

    private static final String ENDLESS = "1000000";

    @Option(
            names = "--strategies",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "allreduce,paramserver,elastic,hybrid",
            description = "Default: ${DEFAULT-VALUE}. Every rank serves a part where there are servers;"
                    + " hybrid has groups of two.")
    private List<String> strategies = List.of();

    @Option(
            names = "--transports",
            paramLabel = "LIST",
            split = ",",
            defaultValue = "shm,ipc,udp",
            description = "Default: ${DEFAULT-VALUE}.")
    private List<String> transports = List.of();

    @Option(
            names = "--kills",
            paramLabel = "N",
            defaultValue = "5",
            description = "For each strategy and transport. Default: ${DEFAULT-VALUE}.")
    private int kills;

    @Option(names = "--model", paramLabel = "MODEL", defaultValue = "lenet", description = "Default: ${DEFAULT-VALUE}.")
    private String model = "";

    @Option(
            names = "--load",
            paramLabel = "N",
            defaultValue = "0",
            description = "Processes that keep the processors busy from the first step on. Default: ${DEFAULT-VALUE}.")
    private int load;

    @Option(names = "--seed", paramLabel = "S", description = "Seed of the choice of rank and time. Default: random.")
    private long seed = new Random().nextLong();

    @Option(
            names = "--gyre",
            paramLabel = "PATH",
            defaultValue = "bin/gyre",
            description = "The program to test. Default: ${DEFAULT-VALUE}.")
    private String gyre = "";

    @Override
    public Integer call() throws IOException, InterruptedException {
        OptionRange.check("--kills", kills, 1, 1_000);
        OptionRange.check("--load", load, 0, 1_000);
        Random random = new Random(seed);
        double before = ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
        KillFigures all = new KillFigures("all", "");
        ProcessorTime begin = ProcessorTime.now();
        System.out.printf(
                Locale.ROOT,
                "seed %d; load average %.1f before, and %d busy processes from the first step on%n%s",
                seed,
                before,
                load,
                KillFigures.heading());
        for (String strategy : strategies) {
            for (String transport : transports) {
                System.out.print(kills(strategy, transport, random, all).line());
            }
        }
        System.out.print(all.line());
        // The busy processes have ended, so their time counts as ours.
        System.out.print(KillFigures.machine(ProcessorTime.now().since(begin).othersShare(), load));
        return all.silent() == 0 ? 0 : 1;
    }

    private KillFigures kills(String strategy, String transport, Random random, KillFigures all)
            throws IOException, InterruptedException {
        KillFigures own = new KillFigures(strategy, transport);
        for (int kill = 0; kill < kills; kill++) {
            try (KillTrial trial = new KillTrial(command(strategy, transport))) {
                Outcome outcome = trial.run(random, load);
                own.add(outcome);
                all.add(outcome);
                complain(outcome);
            }
        }
        return own;
    }

    private List<String> command(String strategy, String transport) {
        boolean groups = strategy.equals("hybrid");
        List<String> command = new ArrayList<>(List.of(gyre, "train", model, "-n", groups ? "4" : "3"));
        command.addAll(List.of("--strategy", strategy, "--transport", transport, "--steps", ENDLESS));
        if (groups) {
            command.addAll(List.of("--groups", "2"));
        }
        return command;
    }

    private static void complain(Outcome outcome) {
        if (!outcome.silent().isEmpty()) {
            System.out.println("ranks " + outcome.silent() + " never named rank " + outcome.victim() + ":\n    "
                    + String.join("\n    ", outcome.output()));
        }
    }
}
