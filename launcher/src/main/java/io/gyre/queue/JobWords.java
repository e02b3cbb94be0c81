package io.gyre.queue;

import io.gyre.runs.CommandWords;
import io.gyre.runs.RunFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * The words of a job, so completed that they can be repeated: a command that keeps its run gets a directory for it, and
 * resumes what is there.
 *
 * @param words after {@code gyre}
 * @param runDirectory null if the command keeps none
 */
record JobWords(List<String> words, @Nullable Path runDirectory) {

    private static final String RUN_DIRECTORY = "--run-dir";
    private static final String NAME = "--name";
    private static final String RESUME = "--resume";

    /** With any of these there is no run directory, or it is that of another launcher's run. */
    private static final Set<String> WITHOUT = Set.of("--no-run-dir", "--join");

    private static final Set<String> NO_JOBS = Set.of("queue", "sweep");

    /**
     * The specification of the command that words begin with.
     *
     * @throws IllegalArgumentException if there is none
     */
    static CommandSpec command(CommandSpec root, List<String> words) {
        Map<String, CommandLine> commands = root.subcommands();
        String first = words.get(0);
        CommandLine known = commands.get(first);
        if (known == null || NO_JOBS.contains(first)) {
            Collection<String> names = new TreeSet<>(commands.keySet());
            names.removeAll(NO_JOBS);
            throw new IllegalArgumentException("a job begins with a command of gyre, such as train, and '" + first
                    + "' is none" + Nearest.hint(first, names));
        }
        return known.getCommandSpec();
    }

    /**
     * Takes the words apart.
     *
     * @throws IllegalArgumentException if the command has not such an option, or a value is of another kind
     */
    static CommandWords apart(CommandSpec command, List<String> words) {
        for (String word : words) {
            String name = word.split("=", 2)[0];
            if (name.startsWith("--") && name.length() > 2 && command.findOption(name) == null) {
                throw new IllegalArgumentException(
                        command.name() + " has no option " + name + Nearest.hint(name, optionNames(command)));
            }
        }
        return CommandWords.of(command, words);
    }

    static Set<String> optionNames(CommandSpec command) {
        Set<String> names = new TreeSet<>();
        command.options().stream().map(OptionSpec::longestName).forEach(names::add);
        return names;
    }

    /** Whether a command keeps its run, and can resume it. */
    static boolean keepsRuns(CommandSpec command) {
        return command.findOption(RUN_DIRECTORY) != null && command.findOption(RESUME) != null;
    }

    /**
     * Completes words.
     *
     * @param name of the run's directory in {@code runs}, if the words name none
     * @throws IllegalArgumentException if the run's directory is taken, and the words do not resume it
     */
    static JobWords of(CommandSpec root, List<String> given, Path directory, String name) {
        CommandSpec command = command(root, given);
        if (!keepsRuns(command)) {
            return new JobWords(List.copyOf(given), null);
        }
        Map<String, List<String>> options =
                apart(command, given.subList(1, given.size())).options();
        if (options.keySet().stream().anyMatch(WITHOUT::contains)) {
            return new JobWords(List.copyOf(given), null);
        }
        List<String> words = new ArrayList<>(given);
        Path relative = RunFiles.DEFAULT_PARENT.resolve(name);
        if (options.containsKey(RUN_DIRECTORY)) {
            relative = Path.of(options.get(RUN_DIRECTORY).get(0));
        } else if (options.containsKey(NAME)) {
            relative = RunFiles.DEFAULT_PARENT.resolve(options.get(NAME).get(0));
        } else {
            words.addAll(List.of(RUN_DIRECTORY, relative.toString()));
        }
        RunFiles files = new RunFiles(directory.resolve(relative));
        if (!options.containsKey(RESUME)) {
            if (files.exist()) {
                throw new IllegalArgumentException(files.directory()
                        + " holds a run already: choose another --name, or add --resume to continue it");
            }
            words.add(RESUME);
        }
        return new JobWords(List.copyOf(words), files.directory());
    }
}
