package io.gyre.runs;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.World;
import io.gyre.local.LocalCluster;
import io.gyre.training.StepObserver;
import io.gyre.training.StepSummary;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.LaunchEnvironment;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the run of a program of one's own, so that {@code gyre runs} lists it:
 *
 * <pre>{@code
 * try (RunDirectory run = RunDirectory.create(Path.of("runs/mine"), Map.of("data", "digits"));
 *         DistributedTrainer trainer = Gyre.builder(model).rootObserver(run).build()) {
 *     trainer.fit(data, 3);
 *     trainer.exportModel(run.model());
 *     run.complete(Map.of("accuracy", trainer.evaluate(heldOut).accuracy()));
 * }
 * }</pre>
 *
 * <p>All ranks run these lines; rank 0 writes the directory, and the others nothing. Once the training has begun, a
 * file that cannot be written is one warning, and the training goes on. A directory that is closed without {@link
 * #complete} is that of a run that has failed.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Confined to the thread that trains.
 * </dl>
 */
public final class RunDirectory implements StepObserver, AutoCloseable {

    private final RunFiles files;

    /** On rank 0. */
    private final @Nullable RunWriter writer;

    private boolean joined;
    private boolean begun;
    private boolean stepping;
    private long stepsBeganNanos;
    private long stepNanos;
    private long steps;
    private long lastStep;
    private int epoch;
    private long examples;

    private RunDirectory(RunFiles files, @Nullable RunWriter writer) {
        this.files = files;
        this.writer = writer;
    }

    /**
     * Begins a run in a new or empty directory, on rank 0: on a thread of a {@link LocalCluster} that of its cluster,
     * otherwise that of the launcher's environment. A process that no launcher has started is rank 0.
     *
     * @param setup what the run was given, by names in snake case; the model card has a line for {@code model},
     *     {@code data}, {@code batch} (per rank) and {@code precision}, and lists them all
     * @throws BadRunException if the directory holds a run or something else, or cannot be written, or if ranks may
     *     move between processes (a run with seats)
     */
    public static RunDirectory create(Path directory, Map<String, ?> setup) {
        return create(directory, setup, System.getenv());
    }

    static RunDirectory create(Path directory, Map<String, ?> setup, Map<String, String> environment) {
        RunFiles files = new RunFiles(directory);
        if (!isRoot(environment)) {
            return new RunDirectory(files, null);
        }
        RunPlan plan = new RunPlan(null, List.of(), new LinkedHashMap<>(setup), List.of(), false);
        try {
            return new RunDirectory(files, RunWriter.open(files, plan, false));
        } catch (IOException e) {
            throw new BadRunException(
                    "the run directory " + directory + " cannot be written: " + DurableFile.reason(e)
                            + ". Name one that can",
                    e);
        }
    }

    private static boolean isRoot(Map<String, String> environment) {
        return LocalCluster.sessionOfThisThread()
                .map(session -> session.world().isRoot())
                .orElseGet(() -> isRootByLauncher(environment));
    }

    private static boolean isRootByLauncher(Map<String, String> environment) {
        if (GyreVariable.hasSeats(environment)) {
            throw new BadRunException("rank 0 of a run with seats may move to another process, and a run directory"
                    + " stays with one: start the program without seats");
        }
        return LaunchEnvironment.detect(environment)
                .map(launched -> launched.rank() == 0)
                .orElse(true);
    }

    /** Where the trained model belongs: {@code model.zip} in the directory; the same path on all ranks. */
    public Path model() {
        return files.model();
    }

    /**
     * The run has done what it was to do: writes its results and its card.
     *
     * @param result figures of the end, by names in snake case, such as {@code accuracy}
     * @throws IllegalStateException on rank 0, if no trainer has had this directory as its observer
     */
    public void complete(Map<String, ?> result) {
        if (writer == null) {
            return;
        }
        if (!joined) {
            throw new IllegalStateException("no trainer has written to the run directory " + files.directory()
                    + ": give it to one, by TrainerBuilder.rootObserver");
        }
        double seconds = stepNanos * 1e-9;
        Map<String, Object> all = new LinkedHashMap<>(result);
        all.put("step", lastStep);
        all.put("epoch", steps == 0 ? 0 : epoch + 1);
        all.put("examples_per_second", seconds == 0 ? 0.0 : examples / seconds);
        writer.end(RunState.COMPLETE, steps, examples, seconds, all);
    }

    @Override
    public void trainingBegan(World world, List<Member> members) {
        joined = true;
        if (writer != null) {
            writer.joined(members.stream().map(Member::host).toList());
        }
    }

    @Override
    public void epochBegan(long step, int number) {
        epoch = number;
        if (!stepping) {
            stepping = true;
            stepsBeganNanos = System.nanoTime();
        }
        if (writer != null && !begun) {
            begun = true;
            writer.begin(step);
        }
    }

    @Override
    public void stepEnded(long step, StepSummary total, long bytesSent) {
        if (writer == null || total.examples() == 0) {
            return;
        }
        // The steps of a batch all have its examples.
        long counted = total.unfinished() ? 0 : total.examples();
        steps++;
        lastStep = step + 1;
        examples += counted;
        writer.stepDone(lastStep, epoch + 1, total.meanScore(), counted);
    }

    @Override
    public void stepsEnded(long maxStaleness) {
        stepNanos += System.nanoTime() - stepsBeganNanos;
        stepping = false;
    }

    @Override
    public void trainingFailed(long step, Throwable failure) {
        if (writer != null) {
            writer.fail(failure instanceof GyreException ? String.valueOf(failure.getMessage()) : failure.toString());
        }
    }

    /** Closes the files and lets others use the directory. A second call does nothing. */
    @Override
    public void close() {
        if (writer != null) {
            writer.fail("the program ended before it had called complete");
            writer.close();
        }
    }
}
