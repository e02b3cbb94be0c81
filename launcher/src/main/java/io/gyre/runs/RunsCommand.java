package io.gyre.runs;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code gyre runs}: lists and compares the runs that were kept; its subcommands show, continue and remove one. */
@Command(
        name = "runs",
        description = "Lists and compares the runs that were kept.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true,
        subcommands = {
            ShowRunCommand.class,
            ResumeRunCommand.class,
            ForkRunCommand.class,
            CardCommand.class,
            RemoveRunCommand.class
        })
public final class RunsCommand implements Callable<Integer> {

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            defaultValue = "runs",
            scope = ScopeType.INHERIT,
            description = "Where the run directories are. Default: runs.")
    private Path directory = RunFiles.DEFAULT_PARENT;

    @Option(names = "--json", description = "Print all that is known, as JSON.")
    private boolean json;

    @Option(
            names = "--sort",
            paramLabel = "METRIC",
            description = "The best first, by a figure such as accuracy or loss. Default: by name.")
    private @Nullable String metric;

    @Override
    public Integer call() throws IOException {
        List<Runs.Seen> seen = runs().all();
        if (metric != null && !seen.isEmpty()) {
            seen = Runs.sorted(seen, metric);
        }
        PrintWriter out = specification.commandLine().getOut();
        if (json) {
            out.print(Runs.json(seen));
        } else if (seen.isEmpty()) {
            out.println("no runs in " + directory + ": gyre train keeps one there each time");
        } else {
            out.print(RunsTable.of(seen, metric));
        }
        out.flush();
        return 0;
    }

    Runs runs() {
        return new Runs(directory);
    }

    Path directory() {
        return directory;
    }
}
