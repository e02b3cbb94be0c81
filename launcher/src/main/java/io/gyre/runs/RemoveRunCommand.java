package io.gyre.runs;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code gyre runs rm NAME...}: removes runs with all that they have left. */
@Command(
        name = "rm",
        description = "Removes runs, with their checkpoints and models.",
        mixinStandardHelpOptions = true,
        usageHelpAutoWidth = true)
public final class RemoveRunCommand implements Callable<Integer> {

    @ParentCommand
    private RunsCommand parent = new RunsCommand();

    @Parameters(paramLabel = "NAME", arity = "1..*", description = "Names of runs, or paths of their directories.")
    private List<String> names = List.of();

    @Override
    public Integer call() throws IOException {
        // All are found before any is removed.
        List<RunFiles> runs = names.stream().map(parent.runs()::named).toList();
        for (RunFiles run : runs) {
            Runs.remove(run);
        }
        return 0;
    }
}
