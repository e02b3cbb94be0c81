package io.gyre.queue;

import io.gyre.runs.RunFiles;
import io.gyre.runs.RunLock;
import io.gyre.runs.RunRecord;
import io.gyre.runs.Runs;
import io.gyre.runs.RunsTable;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gyre sweep}: trains the configurations of a file, and gives those that do well more steps. */
@Command(
        name = "sweep",
        description = "Trains the configurations of a file by successive halving, and prints the leaderboard."
                + " Called again, it goes on.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        usageHelpAutoWidth = true)
public final class SweepCommand implements Callable<Integer> {

    /** Replaced by picocli's own. */
    @Spec
    private CommandSpec specification = CommandSpec.create();

    @Option(
            names = "--dir",
            paramLabel = "DIR",
            defaultValue = "queue",
            description =
                    "Queue that its jobs go through. If that has no worker, the sweep is the worker. Default: queue.")
    private Path directory = JobQueue.DEFAULT;

    @Mixin
    private final RoomOptions room = new RoomOptions();

    @Parameters(paramLabel = "FILE.json", description = "What to try; see docs/queue.md.")
    private Path path = Path.of("");

    /** The worker's lock, if this process is the worker. */
    private @Nullable RunLock lock;

    @Override
    public Integer call() throws IOException, InterruptedException {
        CommandSpec root = specification.root();
        PrintWriter out = specification.commandLine().getOut();
        SweepFile file = SweepFile.read(path, root);
        JobQueue queue = new JobQueue(directory);
        Path place = Path.of("sweeps", file.name());
        Needs needs = new NeedsOptions().of(file.command());
        Sweep sweep = new Sweep(file, place, queue, needs, run -> metric(run, file.metric()), out::println);
        QueueWorker worker = new QueueWorker(
                queue,
                room.room(),
                new JavaProcesses(root.userObject().getClass().getName()),
                Clock.systemUTC(),
                out::println);
        Files.createDirectories(queue.directory());
        int status;
        try {
            status = WorkLoop.run(worker, closing -> {
                boolean works = isWorker(queue) && worker.turn();
                boolean more = closing ? works : sweep.advance();
                out.flush();
                return more;
            });
        } finally {
            if (lock != null) {
                lock.close();
            }
        }
        if (status == 0) {
            report(file, place, out);
        }
        return status;
    }

    private boolean isWorker(JobQueue queue) throws IOException {
        if (lock == null && !RunLock.isHeld(queue.workerLock())) {
            lock = RunLock.take(queue.workerLock());
        }
        return lock != null;
    }

    private static @Nullable Double metric(Path run, String name) {
        try {
            OptionalDouble value = Runs.see(new RunFiles(run)).metric(name);
            return value.isPresent() ? value.getAsDouble() : null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void report(SweepFile file, Path place, PrintWriter out) throws IOException {
        List<Runs.Seen> runs = new Runs(place).all();
        out.print(RunsTable.of(Runs.sorted(runs, file.metric()), file.metric()));
        long last = file.rungs().get(file.rungs().size() - 1);
        long steps = 0;
        double examples = 0;
        double ofGrid = 0;
        for (Runs.Seen seen : runs) {
            long ownSteps = 0;
            long ownExamples = 0;
            for (RunRecord.Attempt attempt : seen.record() == null
                    ? List.<RunRecord.Attempt>of()
                    : seen.record().attempts()) {
                ownSteps += attempt.steps() == null ? 0 : attempt.steps();
                ownExamples += attempt.examples() == null ? 0 : attempt.examples();
            }
            steps += ownSteps;
            examples += ownExamples;
            ofGrid += ownSteps == 0 ? 0 : (double) ownExamples / ownSteps * last;
        }
        out.printf(
                "%,d steps and %,.0f examples; all %d to the end would take %,d and %,.0f%n",
                steps, examples, runs.size(), last * runs.size(), ofGrid);
        out.flush();
    }
}
