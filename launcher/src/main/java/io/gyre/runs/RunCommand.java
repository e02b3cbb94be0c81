package io.gyre.runs;

import io.gyre.launcher.HostOptions;
import io.gyre.launcher.JavaProgram;
import io.gyre.launcher.LaunchPlan;
import io.gyre.launcher.LaunchResult;
import io.gyre.launcher.Launcher;
import io.gyre.launcher.NewcomerLaunch;
import io.gyre.launcher.SeatEvent;
import io.gyre.launcher.SeatOptions;
import io.gyre.launcher.SeatedCommand;
import io.gyre.launcher.Shell;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.TransportMode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gyre run}: any program, once per rank. */
@Command(
        name = "run",
        description = "Runs a program once per rank, here or on other hosts, and exits with 0 if all of them did.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class RunCommand implements Callable<Integer> {

    /** Before rank 0 has said where each rank is. */
    private static final String NOT_YET = "-";

    @Option(
            names = "-n",
            paramLabel = "RANKS",
            description = "How many ranks. Needed unless another launcher has started them: then this is one of them.")
    private @Nullable Integer ranks;

    @Mixin
    private final HostOptions hosts = new HostOptions();

    @Mixin
    private final SeatOptions seats = new SeatOptions();

    @Option(
            names = "--transport",
            paramLabel = "auto|shm|ipc|udp",
            description =
                    "How ranks exchange data. Default: ${DEFAULT-VALUE}, shared memory inside a host, UDP between hosts.")
    private String transport = "auto";

    @Option(
            names = "--port",
            paramLabel = "PORT",
            description = "Where this process listens for the ranks to meet. Default: any free port.")
    private int port;

    @Option(
            names = "--restarts",
            paramLabel = "N",
            description =
                    "How often each lost process is restarted while the others continue, if servers hold the parameters,"
                            + " or with --processes, --spares or --min-processes. Default: 0.")
    private int restarts;

    @Option(
            names = "--grace",
            paramLabel = "SECONDS",
            defaultValue = "25",
            description =
                    "After a signal to this process: how long the ranks have to end before they are killed. Default: 25.")
    private int graceSeconds;

    @Option(
            names = "--run-dir",
            paramLabel = "DIR",
            description =
                    "With --processes, --spares or --min-processes: the directory in which the program keeps its run, by"
                            + " RunDirectory. This process keeps it when rank 0 moves. Default: none.")
    private @Nullable Path runDirectory;

    @Option(
            names = "--class-path",
            paramLabel = "PATH",
            description = "Class path of MAIN-CLASS. Default: that of gyre.")
    private @Nullable String classPath;

    @Parameters(paramLabel = "MAIN-CLASS-OR-JAR ARGS", arity = "1..*", description = "The program and its arguments.")
    private List<String> program = List.of();

    private CommandSpec spec = CommandSpec.create();

    /** Treats nothing after the program as its own option. */
    @Spec
    void specification(CommandSpec specification) {
        spec = specification;
        specification.parser().stopAtPositional(true);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (seats.join().isPresent()) {
            LaunchPlan one = LaunchPlan.of(program(), 1).withGrace(Duration.ofSeconds(graceSeconds));
            return new NewcomerLaunch(one, seats.join().get(), System.out, System.err)
                    .run(Shell.line(program))
                    .exitStatus();
        }
        LaunchPlan plan = hosts.of(LaunchPlan.of(program(), ranks()))
                .withSeats(seats.of(ranks(), false))
                .withTransport(TransportMode.of(transport))
                .withPort(port)
                .withRestarts(restarts)
                .withGrace(Duration.ofSeconds(graceSeconds));
        if (runDirectory == null) {
            return launch(plan, event -> {}).exitStatus();
        }
        if (plan.seats().isEmpty()) {
            throw new IllegalArgumentException("--run-dir " + runDirectory + " goes with --processes, --spares or"
                    + " --min-processes: without these, the program's RunDirectory needs no help");
        }
        return launchKept(plan, new RunFiles(runDirectory)).exitStatus();
    }

    private LaunchResult launch(LaunchPlan plan, Consumer<SeatEvent> events) throws IOException, InterruptedException {
        SeatedCommand command = new SeatedCommand(events, Shell.line(program), this::joining);
        return new Launcher(plan, System.out, System.err, command).run();
    }

    /** The processes may change, and this one keeps the run's directory. */
    private LaunchResult launchKept(LaunchPlan plan, RunFiles files) throws IOException, InterruptedException {
        RunPlan kept = new RunPlan(null, List.of(), Map.of(), Collections.nCopies(ranks(), NOT_YET), false);
        String path = files.directory().toAbsolutePath().normalize().toString();
        try (SeatedRunKeeper keeper = new SeatedRunKeeper(RunDirectory.open(files, kept))) {
            LaunchResult result =
                    launch(plan.withEnvironment(Map.of(GyreVariable.RUN_DIR.key(), path)), keeper.events());
            keeper.end(result);
            return result;
        }
    }

    /** The command of a process that joins this run. */
    private String joining(String address) {
        List<String> whole = spec.commandLine().getParseResult().originalArgs();
        List<String> words = new ArrayList<>(
                List.of(GyreVariable.COMMAND.text(System.getenv()).orElse("gyre")));
        words.addAll(whole);
        words.addAll(words.indexOf(spec.name()) + 1, List.of("--join", address));
        return Shell.line(words);
    }

    private int ranks() {
        Integer given = ranks;
        return given != null
                ? given
                : Launcher.startedAsOneOf()
                        .orElseThrow(() -> new IllegalArgumentException("Missing required option: '-n=RANKS'"));
    }

    private JavaProgram program() {
        String first = program.get(0);
        List<String> arguments = program.subList(1, program.size());
        if (first.endsWith(".jar")) {
            if (classPath != null) {
                throw new IllegalArgumentException(
                        "--class-path goes with a main class; the jar " + first + " names its own, in its manifest");
            }
            return JavaProgram.jar(first, arguments);
        }
        return classPath == null
                ? JavaProgram.mainClass(first, arguments)
                : JavaProgram.mainClass(first, classPath, arguments);
    }
}
