package io.gyre.runs;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.World;
import io.gyre.local.LocalCluster;
import io.gyre.session.Session;
import io.gyre.training.StepObserver;
import io.gyre.training.StepSummary;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.LaunchEnvironment;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the run of a program of one's own, so that {@code gyre runs} lists it:
 *
 * <pre>{@code
 * try (RunDirectory run = RunDirectory.create(Path.of("runs/mine"), Map.of("data", "digits"));
 *         DistributedTrainer trainer = Gyre.builder(model).rootObserver(run).build()) {
 *     trainer.fit(data, 3);
 *     trainer.exportModel(run.model());
 *     run.complete(trainer::onRoot, Map.of("accuracy", trainer.evaluate(heldOut).accuracy()));
 * }
 * }</pre>
 *
 * <p>All ranks run these lines; rank 0 writes the directory, and the others nothing. Once the training has begun, a
 * file that cannot be written is one warning, and the training goes on. A directory that is closed without {@link
 * #complete} is that of a run that has failed.
 *
 * <p>In a run with seats the launcher creates the directory and keeps it, since rank 0 may move: it is started by
 * {@code gyre run --run-dir}, with the same directory. The process that holds rank 0 writes its part.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>Confined to the thread that trains.
 * </dl>
 */
public final class RunDirectory implements StepObserver, AutoCloseable {

    /** Why a run has failed that has ended without a word. */
    static final String NOT_COMPLETE = "the program ended before it had called complete";

    private final RunFiles files;

    /** On rank 0 of a run whose processes do not change. */
    private final @Nullable RunWriter writer;

    /** In a run with seats; writes where rank 0 is. */
    private final @Nullable SeatedRunWriter ofSeats;

    private boolean joined;
    private boolean begun;
    private boolean stepping;
    private long stepsBeganNanos;
    private long stepNanos;
    private long steps;
    private long lastStep;
    private int epoch;
    private long examples;

    private RunDirectory(RunFiles files, @Nullable RunWriter writer, @Nullable SeatedRunWriter ofSeats) {
        this.files = files;
        this.writer = writer;
        this.ofSeats = ofSeats;
    }

    /** Does work once for all ranks, on the process that holds rank 0: {@code trainer::onRoot}. */
    @FunctionalInterface
    public interface RootCall {

        /**
         * Does the work. All ranks call it together.
         *
         * @param topic what is done, for errors
         * @param work may be done again, if the process that does it is lost meanwhile
         */
        void run(String topic, Runnable work);
    }

    /**
     * Begins a run in a new or empty directory, on rank 0: on a thread of a {@link LocalCluster} that of its cluster,
     * otherwise that of the launcher's environment. A process that no launcher has started is rank 0.
     *
     * @param setup what the run was given, by names in snake case; the model card has a line for {@code model},
     *     {@code data}, {@code batch} (per rank) and {@code precision}, and lists them all
     * @throws BadRunException if the directory holds a run or something else, or cannot be written; in a run with
     *     seats, if the launcher keeps none, or another
     */
    public static RunDirectory create(Path directory, Map<String, ?> setup) {
        return create(directory, setup, System.getenv());
    }

    static RunDirectory create(Path directory, Map<String, ?> setup, Map<String, String> environment) {
        RunFiles files = new RunFiles(directory);
        Optional<Session> ofThread = LocalCluster.sessionOfThisThread();
        if (ofThread.isEmpty() && GyreVariable.hasSeats(environment)) {
            checkKept(directory, GyreVariable.RUN_DIR.text(environment));
            return new RunDirectory(files, null, new SeatedRunWriter(files, setup, false));
        }
        boolean isRoot = ofThread.isPresent() ? ofThread.get().world().isRoot() : isRootByLauncher(environment);
        if (!isRoot) {
            return new RunDirectory(files, null, null);
        }
        RunPlan plan = new RunPlan(null, List.of(), new LinkedHashMap<>(setup), List.of(), false);
        return new RunDirectory(files, open(files, plan), null);
    }

    /** Begins a run, as a {@link RunWriter} does; fails if its directory cannot be written. */
    static RunWriter open(RunFiles files, RunPlan plan) {
        try {
            return RunWriter.open(files, plan, false);
        } catch (IOException e) {
            throw new BadRunException(
                    "the run directory " + files.directory() + " cannot be written: " + DurableFile.reason(e)
                            + ". Name one that can",
                    e);
        }
    }

    /** Fails unless the launcher of a run with seats keeps this directory. */
    private static void checkKept(Path directory, Optional<String> kept) {
        Path own = directory.toAbsolutePath().normalize();
        if (kept.isEmpty()) {
            throw new BadRunException("rank 0 of this run may move to another process, and no launcher keeps the run"
                    + " directory " + directory + " meanwhile: start the program by gyre run --run-dir " + own);
        }
        if (!own.equals(Path.of(kept.get()))) {
            throw new BadRunException("the run directory of this program is " + own + ", and its launcher keeps "
                    + kept.get() + ": give gyre run --run-dir the directory of the program");
        }
    }

    private static boolean isRootByLauncher(Map<String, String> environment) {
        return LaunchEnvironment.detect(environment)
                .map(launched -> launched.rank() == 0)
                .orElse(true);
    }

    /** Where the trained model belongs: {@code model.zip} in the directory; the same path on all ranks. */
    public Path model() {
        return files.model();
    }

    /**
     * The run has done what it was to do: writes its results and its card. All ranks call it together.
     *
     * @param onRoot {@code trainer::onRoot}, of a trainer that is open
     * @param result figures of the end, by names in snake case, such as {@code accuracy}
     * @throws IllegalStateException on rank 0, if no trainer has had this directory as its observer
     */
    public void complete(RootCall onRoot, Map<String, ?> result) {
        SeatedRunWriter seated = ofSeats;
        if (seated != null) {
            onRoot.run("end of the run", () -> {
                checkJoined();
                seated.complete(result);
            });
        } else if (writer != null) {
            checkJoined();
            complete(writer, result);
        }
    }

    private void checkJoined() {
        if (!joined) {
            throw new IllegalStateException("no trainer has written to the run directory " + files.directory()
                    + ": give it to one, by TrainerBuilder.rootObserver");
        }
    }

    private void complete(RunWriter open, Map<String, ?> result) {
        double seconds = stepNanos * 1e-9;
        Map<String, Object> all = new LinkedHashMap<>(result);
        all.put("step", lastStep);
        all.put("epoch", steps == 0 ? 0 : epoch + 1);
        all.put("examples_per_second", seconds == 0 ? 0.0 : examples / seconds);
        open.end(RunState.COMPLETE, steps, examples, seconds, all);
    }

    @Override
    public void trainingBegan(World world, List<Member> members) {
        joined = true;
        if (ofSeats != null) {
            ofSeats.trainingBegan(world, members);
        } else if (writer != null) {
            writer.joined(members.stream().map(Member::host).toList());
        }
    }

    @Override
    public void epochBegan(long step, int number) {
        if (ofSeats != null) {
            ofSeats.epochBegan(step, number);
            return;
        }
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
        if (ofSeats != null) {
            ofSeats.stepEnded(step, total, bytesSent);
        }
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
    public void trainingEnded() {
        if (ofSeats != null) {
            ofSeats.trainingEnded();
        }
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
            writer.fail(NOT_COMPLETE);
            writer.close();
        }
    }
}
