package io.gyre.runs;

import io.gyre.launcher.GyreCommandLine;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code gyre runs resume NAME}: goes on to the end that the run was given, in the same directory. */
@Command(
        name = "resume",
        description = "Continues a run that was stopped or killed, or has failed, to its end.",
        mixinStandardHelpOptions = true,
        usageHelpAutoWidth = true)
public final class ResumeRunCommand implements Callable<Integer> {

    @ParentCommand
    private RunsCommand parent = new RunsCommand();

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Parameters(paramLabel = "NAME", description = "Name of the run, or path of its directory.")
    private String name = "";

    @Override
    public Integer call() {
        RunFiles files = parent.runs().named(name);
        RunRecord record = RunRecord.read(files);
        if (record.state() == RunState.COMPLETE) {
            throw new IllegalArgumentException("run " + files.directory()
                    + " is complete; to train longer: gyre runs fork " + name + " -- --epochs MORE");
        }
        return execute(specification, record, resumed(files, record));
    }

    /** The words of the command that continues a run. */
    public static List<String> resumed(RunFiles files, RunRecord record) {
        List<String> words = new ArrayList<>(record.arguments());
        words.addAll(List.of("--run-dir", files.directory().toString(), "--resume"));
        return words;
    }

    /** Executes another command of the same program. */
    static int execute(CommandSpec specification, RunRecord record, List<String> words) {
        if (record.arguments().isEmpty()) {
            throw new IllegalArgumentException(
                    "run " + record.name() + " was not started by a command of gyre: start its own program again");
        }
        CommandLine own = specification.commandLine();
        return GyreCommandLine.of(specification.root().userObject())
                .setOut(own.getOut())
                .setErr(own.getErr())
                .execute(words.toArray(String[]::new));
    }
}
