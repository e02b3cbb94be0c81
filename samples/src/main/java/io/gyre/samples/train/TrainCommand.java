package io.gyre.samples.train;

import io.gyre.launcher.CudaBackend;
import io.gyre.launcher.JavaProgram;
import io.gyre.launcher.LaunchPlan;
import io.gyre.launcher.LaunchResult;
import io.gyre.launcher.Launcher;
import io.gyre.launcher.NewcomerLaunch;
import io.gyre.launcher.SeatedCommand;
import io.gyre.launcher.Shell;
import io.gyre.runs.CommandWords;
import io.gyre.runs.RunFiles;
import io.gyre.samples.data.SampleData;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.LaunchEnvironment;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * {@code gyre train}: checks the options and the data, then starts the ranks and waits for them. If it was started as a
 * rank, by itself or another launcher, it runs as that rank.
 */
@Command(
        name = "train",
        description =
                "Trains a sample model on several ranks, here or on other hosts, and exits with 0 if all have the same"
                        + " result.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class TrainCommand implements Callable<Integer> {

    private static final String RESUME = "--resume";
    private static final String JOIN = "--join";

    /** Options of a run with seats that are for its launcher, and may differ between launchers. */
    private static final Set<String> OF_LAUNCHERS = Set.of(
            "--restarts",
            "--processes",
            "--spares",
            "--min-processes",
            "--lost-after",
            "--hosts",
            "--interface",
            "--port",
            "--live",
            "--live-bind",
            "--grace",
            JOIN);

    /** Options that are not part of what a run is. */
    private static final Set<String> OF_ONE_DIRECTORY =
            Set.of("--run-dir", "--name", RESUME, "--report", "--port", "--live", "--live-bind");

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Mixin
    private final TrainOptions options = new TrainOptions();

    @Override
    public Integer call() throws IOException, InterruptedException {
        options.check();
        if (!GyreVariable.isRank(System.getenv()) && !GyreVariable.hasSeats(System.getenv())) {
            Optional<String> address = options.join();
            return address.isPresent() ? join(address.get()) : launch();
        }
        checkBackendIsChosen();
        return new TrainRank(options, repeatingWords(), resumingWords()).run();
    }

    /** The words after {@code gyre} that repeat this run in another directory. */
    private List<String> repeatingWords() {
        List<String> words = new ArrayList<>(List.of(specification.name()));
        List<String> own = arguments();
        words.addAll(CommandWords.of(specification, own.subList(1, own.size()))
                .without(OF_ONE_DIRECTORY)
                .words());
        return words;
    }

    /** The words after {@code gyre} that resume this run. */
    private List<String> resumingWords() {
        List<String> words = new ArrayList<>(arguments());
        if (!options.checkpoints().resume()) {
            words.add(RESUME);
        }
        return words;
    }

    /** The arguments from this command's name on, as given. */
    private List<String> arguments() {
        List<String> whole = specification.commandLine().getParseResult().originalArgs();
        return whole.subList(whole.indexOf(specification.name()), whole.size());
    }

    /** The same, and the directory of the run: the launcher chooses, so that a restarted rank 0 has the same. */
    private List<String> argumentsOfRanks(RunFiles files) {
        List<String> words = new ArrayList<>(arguments());
        if (options.runs().isKept() && !options.runs().isNamed()) {
            words.addAll(List.of("--run-dir", files.directory().toString()));
        }
        return words;
    }

    /** ND4J reads its choice from the environment, which a rank cannot change itself. */
    private void checkBackendIsChosen() {
        if (options.backend() != TrainOptions.Backend.AUTO
                && GyreVariable.BACKEND.text(System.getenv()).isEmpty()) {
            BackendChoice asked = BackendChoice.of(options.backend(), CudaBackend.isOnClassPath(), CudaBackend::check);
            throw new IllegalArgumentException("--backend " + options.backend()
                    + ": only the launcher can choose for a rank, and this one was started without it. Leave the"
                    + " option out, and set these in its environment: " + new TreeMap<>(asked.environment()));
        }
    }

    /** Whether this process speaks for those that another launcher has started. */
    private static boolean isFirst() {
        return LaunchEnvironment.detect(System.getenv())
                .map(found -> found.rank() == 0)
                .orElse(true);
    }

    private int launch() throws IOException, InterruptedException {
        options.checkpoints().checkNoOtherRun();
        options.runs().checkPlace(options.checkpoints().resume());
        BackendChoice backend = BackendChoice.of(options.backend(), CudaBackend.isOnClassPath(), CudaBackend::check);
        if (backend.note() != null && isFirst()) {
            System.out.println(backend.note());
        }
        boolean startsAll = Launcher.startedAsOneOf().isEmpty();
        // Opened here too, so that there is one message about bad data instead of one per rank.
        SampleData set = startsAll ? options.workload().openData() : null;
        RunFiles files = options.runs().files(options.workload().model().toString());
        List<String> words = argumentsOfRanks(files);
        if (set != null
                && (options.losses().seatPlan().isPresent()
                        || options.losses().groupPlan().isPresent())) {
            return launchSeats(files, set, words, backend);
        }
        int times = options.losses().goesBack();
        LaunchResult result = launch(words, backend, times);
        for (int time = 1; result.lostProcess() && time <= times; time++) {
            Path checkpoints = options.checkpoints().directory().orElseGet(files::checkpoints);
            System.err.println("gyre: " + new GoingBack(checkpoints, files).inWords(time, times));
            if (!words.contains(RESUME)) {
                words.add(RESUME);
            }
            result = launch(words, backend, times - time);
        }
        return result.exitStatus();
    }

    /** The processes may change, and this one keeps the run's directory. */
    private int launchSeats(RunFiles files, SampleData set, List<String> words, BackendChoice backend)
            throws IOException, InterruptedException {
        // Fails before there is a directory.
        LaunchPlan plan = plan(words, backend);
        if (options.losses().groupPlan().isPresent() && options.strategy().backups() == 0) {
            System.err.println("gyre: the groups of this run survive their processes, but a lost server ends it: add"
                    + " --backups 1, with two servers or more");
        }
        try (KeptSeats kept = KeptSeats.open(options, files, repeatingWords(), set)) {
            if (options.runs().isKept() && !kept.isKept()) {
                plan = plan(wordsWithoutDirectory(words), backend);
            }
            List<String> started = plan.program().arguments();
            SeatedCommand command =
                    new SeatedCommand(kept.events(), program(started), address -> joining(started, address));
            LaunchResult result = new Launcher(plan, System.out, System.err, command).run();
            kept.end(result);
            return result.exitStatus();
        }
    }

    /** One process, for a run that another launcher has started. */
    private int join(String address) throws IOException, InterruptedException {
        BackendChoice backend = BackendChoice.of(options.backend(), CudaBackend.isOnClassPath(), CudaBackend::check);
        // Opened here too, so that bad data are one message before there is a process.
        options.workload().openData();
        List<String> words = new ArrayList<>(List.of(specification.name()));
        words.addAll(CommandWords.of(
                        specification, arguments().subList(1, arguments().size()))
                .without(Set.of(JOIN))
                .words());
        return new NewcomerLaunch(plan(words, backend), address, System.out, System.err)
                .run(program(words))
                .exitStatus();
    }

    /** What all processes of a run with seats have in common, in one order. */
    private String program(List<String> words) {
        CommandWords own =
                CommandWords.of(specification, words.subList(1, words.size())).without(OF_LAUNCHERS);
        return Shell.line(new CommandWords(own.positionals(), new TreeMap<>(own.options())).words());
    }

    /** The command of a process that joins this run. */
    private static String joining(List<String> started, String address) {
        List<String> words = new ArrayList<>(
                List.of(GyreVariable.COMMAND.text(System.getenv()).orElse("gyre")));
        words.addAll(started);
        words.addAll(List.of(JOIN, address));
        return Shell.line(words);
    }

    /** The directory cannot be written, and no process is to try. */
    private List<String> wordsWithoutDirectory(List<String> words) {
        Set<String> needing = new HashSet<>(OF_ONE_DIRECTORY);
        needing.remove("--report");
        needing.add("--tensorboard");
        if (options.checkpoints().directory().isPresent()) {
            needing.remove(RESUME);
        } else {
            needing.addAll(List.of("--checkpoint-steps", "--keep-checkpoints"));
        }
        List<String> less = new ArrayList<>(List.of(specification.name()));
        less.addAll(CommandWords.of(specification, words.subList(1, words.size()))
                .without(needing)
                .words());
        less.add("--no-run-dir");
        return less;
    }

    /**
     * Runs all ranks.
     *
     * @param timesLeft how often the run can still go back to a checkpoint
     */
    private LaunchResult launch(List<String> words, BackendChoice backend, int timesLeft)
            throws IOException, InterruptedException {
        Launcher launcher = new Launcher(plan(words, backend), System.out, System.err)
                .restartingFrom(options.losses().firstToRestart());
        if (options.losses().goesBackForAGroup() && timesLeft > 0) {
            // A group that has lost a rank cannot come back by itself; servers may have backups.
            launcher.endingWithKillsBelow(options.ranks());
        }
        return launcher.run();
    }

    private LaunchPlan plan(List<String> words, BackendChoice backend) {
        String main = specification.root().userObject().getClass().getName();
        LaunchPlan plan = LaunchPlan.of(
                        JavaProgram.mainClass(main, List.copyOf(words)),
                        options.ranks() + options.strategy().servers())
                .withTransport(options.transport())
                .withPort(options.port())
                .withRestarts(options.losses().restartsOfOne())
                .withGrace(options.grace())
                .withEnvironment(backend.environment())
                .withDevices(backend.devices(System.getenv("CUDA_VISIBLE_DEVICES")))
                .withRootOnTerminal()
                .withSeats(options.losses().seatPlan());
        return options.hosts()
                .of(options.losses().groupPlan().map(plan::withGroups).orElse(plan));
    }
}
