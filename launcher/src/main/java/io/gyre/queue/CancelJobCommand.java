package io.gyre.queue;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code gyre queue cancel ID...}: takes jobs out of the queue, and has those end that run. */
@Command(
        name = "cancel",
        description = "Cancels jobs. One that runs is told to end; its run can be resumed.",
        mixinStandardHelpOptions = true,
        usageHelpAutoWidth = true)
public final class CancelJobCommand implements Callable<Integer> {

    @ParentCommand
    private QueueCommand parent = new QueueCommand();

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Parameters(paramLabel = "ID", arity = "1..*", description = "Numbers of jobs; gyre queue lists them.")
    private List<Integer> ids = List.of();

    @Override
    public Integer call() throws IOException {
        JobQueue queue = parent.queue();
        // All are found before any is cancelled.
        ids.forEach(queue::numbered);
        for (int id : ids) {
            boolean cancelled = queue.cancel(id);
            specification
                    .commandLine()
                    .getOut()
                    .println("job " + id + (cancelled ? " is cancelled" : " has ended already"));
        }
        specification.commandLine().getOut().flush();
        return 0;
    }
}
