package io.gyre.launcher;

import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code gyre completion}: prints a script by which a shell completes commands and options. */
@Command(
        name = "completion",
        description = "Prints a script that completes commands in bash and zsh: source <(gyre completion)",
        mixinStandardHelpOptions = true,
        usageHelpAutoWidth = true)
public final class CompletionCommand implements Runnable {

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Override
    public void run() {
        CommandLine gyre = specification.root().commandLine();
        gyre.getOut().print(AutoComplete.bash(gyre.getCommandName(), gyre));
        gyre.getOut().flush();
    }
}
