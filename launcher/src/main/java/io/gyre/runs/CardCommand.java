package io.gyre.runs;

import io.gyre.launcher.ReportFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code gyre runs card NAME}: writes the model card anew, and prints it. */
@Command(
        name = "card",
        description = "Writes the model card of a run into its directory, and prints it.",
        mixinStandardHelpOptions = true,
        usageHelpAutoWidth = true)
public final class CardCommand implements Callable<Integer> {

    @ParentCommand
    private RunsCommand parent = new RunsCommand();

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Option(names = "--json", description = "Print it as JSON instead of Markdown.")
    private boolean json;

    @Parameters(paramLabel = "NAME", description = "Name of the run, or path of its directory.")
    private String name = "";

    @Override
    public Integer call() throws IOException {
        RunFiles files = parent.runs().named(name);
        ModelCard card = ModelCard.of(RunRecord.read(files), MetricsFile.lines(files.metrics()));
        card.write(files);
        PrintWriter out = specification.commandLine().getOut();
        out.print(json ? ReportFile.json(card) : card.markdown());
        out.flush();
        return 0;
    }
}
