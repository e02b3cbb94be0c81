package io.gyre.runs;

import io.gyre.OptionRange;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code gyre runs fork NAME}: a new run that begins with a checkpoint of another, with some options changed. */
@Command(
        name = "fork",
        description = "Begins a new run with a checkpoint of another, with some options changed.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class ForkRunCommand implements Callable<Integer> {

    /** What belongs to the directory or the process of the parent. */
    private static final Set<String> OF_PARENT = Set.of("--checkpoint", "--resume", "--from");

    @ParentCommand
    private RunsCommand parent = new RunsCommand();

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Option(
            names = "--step",
            paramLabel = "STEP",
            description = "Which checkpoint; gyre runs show lists them. Default: the newest.")
    private @Nullable Long step;

    @Option(names = "--name", paramLabel = "NAME", description = "Name of the new run. Default: NAME-STEP.")
    private @Nullable String childName;

    @Parameters(index = "0", paramLabel = "NAME", description = "Name of the run, or path of its directory.")
    private String name = "";

    @Parameters(
            index = "1..*",
            arity = "0..*",
            paramLabel = "OPTIONS",
            description = "After --, the options that change, such as --learning-rate 0.001.")
    private List<String> changes = List.of();

    @Override
    public Integer call() {
        OptionRange.check("--step", step == null ? 0 : step, 0, Long.MAX_VALUE);
        RunFiles files = parent.runs().named(name);
        ForkPoint point = ForkPoint.of(files, step == null ? -1 : step);
        RunRecord record = RunRecord.read(files);
        List<String> words = new ArrayList<>();
        if (!record.arguments().isEmpty()) {
            String command = record.arguments().get(0);
            CommandLine known = specification.root().subcommands().get(command);
            if (known == null) {
                throw new BadRunException(files.record() + " names the command '" + command + "', which is unknown");
            }
            words.add(command);
            words.addAll(words(known.getCommandSpec(), record, point));
        }
        return ResumeRunCommand.execute(specification, record, words);
    }

    private List<String> words(CommandSpec command, RunRecord record, ForkPoint point) {
        List<String> given = record.arguments().subList(1, record.arguments().size());
        List<String> words = new ArrayList<>(CommandWords.of(command, given)
                .without(OF_PARENT)
                .with(CommandWords.of(command, changes))
                .words());
        words.addAll(
                List.of("--from", point.toString(), "--run-dir", child(point).toString()));
        return words;
    }

    private Path child(ForkPoint point) {
        if (childName != null) {
            RunFiles.checkName("--name", childName);
            return parent.directory().resolve(childName);
        }
        String base = point.files().name() + "-" + point.step();
        Path free = parent.directory().resolve(base);
        for (int number = 2; Files.exists(free); number++) {
            free = parent.directory().resolve(base + "-" + number);
        }
        return free;
    }
}
