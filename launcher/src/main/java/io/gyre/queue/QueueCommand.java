package io.gyre.queue;

import io.gyre.launcher.ReportFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code gyre queue}: lists the jobs of a queue; its subcommands add, run, show and cancel them. */
@Command(
        name = "queue",
        description = "Lists the jobs that wait, run or have ended.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true,
        subcommands = {
            AddJobCommand.class,
            WorkCommand.class,
            ShowJobCommand.class,
            CancelJobCommand.class,
            RunJobCommand.class
        })
public final class QueueCommand implements Callable<Integer> {

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            defaultValue = "queue",
            scope = ScopeType.INHERIT,
            description = "Where the jobs are. Default: queue.")
    private Path directory = JobQueue.DEFAULT;

    @Option(names = "--json", description = "Print all that is known, as JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        List<JobQueue.Seen> jobs = queue().all();
        PrintWriter out = specification.commandLine().getOut();
        if (json) {
            out.print(ReportFile.json(jobs.stream().map(JobsTable::entry).toList()));
        } else if (jobs.isEmpty()) {
            out.println("no jobs in " + directory + ": gyre queue add -- train MODEL adds one");
        } else {
            out.print(JobsTable.of(jobs));
        }
        out.flush();
        return 0;
    }

    JobQueue queue() {
        return new JobQueue(directory);
    }
}
