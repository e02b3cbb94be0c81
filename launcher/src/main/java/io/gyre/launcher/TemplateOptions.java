package io.gyre.launcher;

import io.gyre.OptionRange;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The options of {@code gyre template}. Each launcher takes those that it knows. */
final class TemplateOptions {

    private static final int MOST = 65_536;

    /** A name of DNS that leaves room for a hyphen and the number of a pod. */
    private static final Pattern NAME = Pattern.compile("[a-z]([a-z0-9-]{0,50}[a-z0-9])?");

    private static final Pattern IMAGE = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_./:@-]*");
    private static final Pattern TIME = Pattern.compile("(\\d+-)?\\d+(:\\d\\d){0,2}");

    @Option(names = "-n", required = true, paramLabel = "RANKS", description = "How many ranks.")
    private int ranks;

    @Option(
            names = "--nodes",
            paramLabel = "N",
            defaultValue = "1",
            description = "For slurm and mpi: on how many hosts. Default: 1.")
    private int nodes;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            defaultValue = "gyre",
            description = "Name of the job. Default: gyre.")
    private String name = "gyre";

    @Option(names = "--cores", paramLabel = "N", defaultValue = "4", description = "Cores of a rank. Default: 4.")
    private int cores;

    @Option(
            names = "--memory",
            paramLabel = "GIB",
            defaultValue = "8",
            description = "Memory of a rank, with its part of shared memory. Default: 8.")
    private int memory;

    @Option(
            names = "--shared-memory",
            paramLabel = "GIB",
            defaultValue = "1",
            description = "For kubernetes and jobset: size of /dev/shm in a pod. Default: 1.")
    private int sharedMemory;

    @Option(
            names = "--time",
            paramLabel = "TIME",
            defaultValue = "1-00:00:00",
            description = "For slurm: limit, as sbatch takes it. Default: 1-00:00:00, a day.")
    private String time = "";

    @Option(
            names = "--grace",
            paramLabel = "SECONDS",
            defaultValue = "25",
            description = "How long the ranks have to end in order. Default: 25.")
    private int grace;

    @Option(
            names = "--restarts",
            paramLabel = "N",
            defaultValue = "3",
            description =
                    "For kubernetes, jobset and spark: how often all ranks start again after a failure. Default: 3.")
    private int restarts;

    @Option(
            names = "--image",
            paramLabel = "IMAGE",
            description = "For kubernetes and jobset: container image whose entry point is gyre. See Dockerfile.")
    private String image = "";

    @Option(
            names = "--claim",
            paramLabel = "NAME",
            description =
                    "For kubernetes and jobset: PersistentVolumeClaim to mount at /data, for data and checkpoints.")
    private String claim = "";

    @Parameters(
            index = "0",
            paramLabel = "LAUNCHER",
            description =
                    "slurm (for sbatch), mpi (Open MPI, MPICH, Intel MPI), kubernetes (an Indexed Job), jobset or spark (for"
                            + " spark-submit).")
    private String launcher = "";

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "COMMAND",
            description =
                    "After --, the command of gyre that each rank executes: run app.jar ARGS, or train MODEL ARGS.")
    private List<String> command = List.of();

    /**
     * Fails if an option is out of range.
     *
     * @throws IllegalArgumentException with the option and its value
     */
    void check() {
        OptionRange.check("-n", ranks, 1, MOST);
        OptionRange.check("--nodes", nodes, 1, ranks);
        OptionRange.check("--cores", cores, 1, MOST);
        OptionRange.check("--memory", memory, 1, MOST);
        OptionRange.check("--shared-memory", sharedMemory, 1, memory);
        OptionRange.check("--grace", grace, 0, 1_000_000);
        OptionRange.check("--restarts", restarts, 0, 1_000);
        if (ranks % nodes != 0) {
            throw new IllegalArgumentException(
                    "-n " + ranks + " with --nodes " + nodes + ": every host takes the same number of ranks");
        }
        match("--name", name, NAME, "small letters, digits and hyphens, at most 52, the first one a letter");
        match("--time", time, TIME, "minutes, or days-hours:minutes:seconds");
        if (!claim.isEmpty()) {
            match("--claim", claim, NAME, "small letters, digits and hyphens, the first one a letter");
        }
        String first = command.get(0);
        if (!first.equals("run") && !first.equals("train")) {
            throw new IllegalArgumentException(
                    "COMMAND begins with '" + first + "': it is a command of gyre, run app.jar or train MODEL");
        }
        for (String option : List.of("-n", "--hosts", "--grace")) {
            int at = command.indexOf(option);
            // What follows the program of run is the program's own.
            if (at == 1 || (at > 0 && first.equals("train"))) {
                throw new IllegalArgumentException(option + " in COMMAND: the template sets it; give it before --");
            }
        }
    }

    private static void match(String option, String value, Pattern pattern, String expected) {
        if (!pattern.matcher(value).matches()) {
            throw new IllegalArgumentException(option + " '" + value + "': expected " + expected);
        }
    }

    /**
     * The container image.
     *
     * @throws IllegalArgumentException if none was given
     */
    String image() {
        if (image.isEmpty()) {
            throw new IllegalArgumentException("--image is missing: the container image, whose entry point is gyre");
        }
        match("--image", image, IMAGE, "the name of a container image");
        return image;
    }

    /** The words after {@code gyre}. */
    List<String> arguments() {
        List<String> words = new ArrayList<>(command);
        words.addAll(1, List.of("--grace", String.valueOf(grace)));
        return words;
    }

    /**
     * The words after {@code run}: a jar, and what its program gets.
     *
     * @throws IllegalArgumentException if the command is another one
     */
    List<String> program() {
        if (!command.get(0).equals("run")
                || command.size() < 2
                || !command.get(1).endsWith(".jar")) {
            throw new IllegalArgumentException("COMMAND '" + String.join(" ", command)
                    + "': for spark it is run app.jar ARGS, whose program trains by GyreSpark");
        }
        return command.subList(1, command.size());
    }

    String launcher() {
        return launcher;
    }

    int ranks() {
        return ranks;
    }

    int nodes() {
        return nodes;
    }

    String name() {
        return name;
    }

    int cores() {
        return cores;
    }

    int memory() {
        return memory;
    }

    int sharedMemory() {
        return sharedMemory;
    }

    String time() {
        return time;
    }

    int grace() {
        return grace;
    }

    int restarts() {
        return restarts;
    }

    String claim() {
        return claim;
    }
}
