package io.gyre.queue;

import io.gyre.launcher.ReportFile;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code gyre queue show ID}: all that is known of a job. */
@Command(
        name = "show",
        description = "Shows all that is known of a job, as JSON; its log is in the file that this names.",
        mixinStandardHelpOptions = true,
        usageHelpAutoWidth = true)
public final class ShowJobCommand implements Callable<Integer> {

    @ParentCommand
    private QueueCommand parent = new QueueCommand();

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Parameters(paramLabel = "ID", description = "Number of the job; gyre queue lists them.")
    private int id;

    @Override
    public Integer call() throws IOException {
        JobFiles files = parent.queue().numbered(id);
        JobQueue.Seen seen = new JobQueue.Seen(files, files.readJob(), files.readState(), null);
        specification.commandLine().getOut().print(ReportFile.json(JobsTable.entry(seen)));
        specification.commandLine().getOut().flush();
        return 0;
    }
}
