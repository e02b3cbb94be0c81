package io.gyre.queue;

import io.gyre.runs.RunLock;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.time.Clock;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code gyre queue work}: runs the jobs of a queue, in the foreground. */
@Command(
        name = "work",
        description = "Runs the jobs of the queue until none is left. Ctrl-C has those that run write a checkpoint and"
                + " wait for the next worker; again, they are killed.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class WorkCommand implements Callable<Integer> {

    @ParentCommand
    private QueueCommand parent = new QueueCommand();

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Mixin
    private final RoomOptions room = new RoomOptions();

    @Option(names = "--stay", description = "Wait for more jobs when none is left.")
    private boolean stay;

    @Override
    public Integer call() throws IOException, InterruptedException {
        JobQueue queue = parent.queue();
        PrintWriter out = specification.commandLine().getOut();
        QueueWorker worker = new QueueWorker(
                queue,
                room.room(),
                new JavaProcesses(specification.root().userObject().getClass().getName()),
                Clock.systemUTC(),
                text -> {
                    out.println(text);
                    out.flush();
                });
        Files.createDirectories(queue.directory());
        try (RunLock lock = RunLock.take(queue.workerLock())) {
            if (lock == null) {
                throw QueueWorker.taken(queue, RunLock.holder(queue.workerLock()));
            }
            return WorkLoop.run(worker, closing -> worker.turn() || (stay && !closing));
        }
    }
}
