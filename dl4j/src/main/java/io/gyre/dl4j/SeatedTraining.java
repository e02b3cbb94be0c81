package io.gyre.dl4j;

import io.gyre.DisagreementException;
import io.gyre.GyreException;
import io.gyre.PeerTimeoutException;
import io.gyre.observe.Timeline;
import io.gyre.session.Generation;
import io.gyre.session.Reached;
import io.gyre.session.SeatedRun;
import io.gyre.session.Session;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains in a run whose processes change: in each generation an {@link Engine} of its own, with the model that this
 * process has.
 *
 * <p>A call that all ranks make together is made again in the next generation if the present one has ended before it
 * was complete. A call of {@code fit} then continues behind the last step whose update was applied. A new process gets
 * the results of the calls that the others have completed.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread that drives the run.
 * </dl>
 */
final class SeatedTraining implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SeatedTraining.class);

    private static final long TO_HEAR_NANOS = 1_000_000_000;
    private static final long POLL_NANOS = 10_000_000;

    private final TrainerBuilder options;
    private final SeatedRun run;
    private final StopRequests requests;
    private final JointCalls calls = new JointCalls();
    private final KeptModels kept = new KeptModels();
    private final List<TrainingListener> rootListeners = new ArrayList<>();
    private @Nullable Handover handover;
    private @Nullable LossScale lossScale;
    private Engine engine;
    private boolean calling;
    private boolean failed;

    /**
     * The result of a call as text, for processes that come later.
     *
     * @param <T> type of the result
     */
    record Recorded<T>(Function<T, String> write, Function<String, T> read) {}

    /** Waits for seats, and begins the first generation of this process. */
    SeatedTraining(TrainerBuilder options, SeatedRun run, StopRequests requests) {
        this.options = options;
        this.run = run;
        this.requests = requests;
        engine = begin();
    }

    /** The engine of the present generation. */
    Engine engine() {
        return engine;
    }

    /** Models that all processes keep, by the number of a call. */
    KeptModels kept() {
        return kept;
    }

    /** Number of calls that this program has made: the same at the same place of it, in every process. */
    int callsMade() {
        return calls.made();
    }

    /** The figures of the trainer at this place of the program: a new process may be behind its engine. */
    JointCalls.@Nullable Done between() {
        return calling ? null : calls.last();
    }

    /** Adds listeners to the model on the process that holds rank 0, whichever that is. */
    void addRootListeners(List<TrainingListener> listeners) {
        rootListeners.addAll(listeners);
        engine.addOnRoot(rootListeners);
    }

    /** Makes a call that all ranks make together, or returns its result if the run has completed it. */
    <T> T call(Function<Engine, T> work, Recorded<T> recorded) {
        calling = true;
        try {
            while (!calls.isBehind()) {
                try {
                    T result = work.apply(engine);
                    calls.complete(figures(recorded.write.apply(result)));
                    return result;
                } catch (GyreException e) {
                    if (!isEndOfGeneration(e, engine.session)) {
                        throw e;
                    }
                    LOG.info(e.getMessage());
                    regroup();
                }
            }
            return recorded.read.apply(calls.replay());
        } catch (RuntimeException | Error e) {
            failed = true;
            run.fail("it failed: " + e.getMessage());
            throw e;
        } finally {
            calling = false;
        }
    }

    private JointCalls.Done figures(String result) {
        Progress progress = engine.loop.progress();
        return new JointCalls.Done(progress.step(), progress.epoch(), engine.loop.score(), engine.loop.ended(), result);
    }

    /** Whether a failure means that another process was lost, or waits; and not that this one cannot continue. */
    private boolean isEndOfGeneration(GyreException e, Session session) {
        return e instanceof EndOfGeneration
                || e instanceof PeerTimeoutException
                || (!(e instanceof DisagreementException) && (!session.isWhole() || endsSoon(session)));
    }

    /** A process that was given up loses several connections, and may hear of that of its group last. */
    private boolean endsSoon(Session session) {
        if (options.generations == null) {
            return false;
        }
        long deadline = System.nanoTime() + TO_HEAR_NANOS;
        while (session.isWhole()
                && System.nanoTime() - deadline < 0
                && !Thread.currentThread().isInterrupted()) {
            LockSupport.parkNanos(this, POLL_NANOS);
        }
        return !session.isWhole();
    }

    private void regroup() {
        handover = engine.loop.handover();
        lossScale = engine.lossScale;
        engine.loop.leaveData();
        closeEngine();
        engine = begin();
    }

    private Engine begin() {
        while (true) {
            try (Copies copies = new Copies()) {
                Generation generation = run.next(copies.reached());
                if (copies.isMissedBy(generation)) {
                    LOG.info("The last process that had the state has left a copy meanwhile: asks for seats again");
                    continue;
                }
                Engine begun = begin(generation, copies.newest);
                if (begun != null) {
                    return begun;
                }
            }
        }
    }

    /** Returns null if the generation has ended before it has begun. */
    private @Nullable Engine begin(Generation generation, LastCopy.@Nullable Found copy) {
        Handover own = copy == null ? handover : copy.place();
        try {
            Engine begun = new Engine(
                    options,
                    generation.session(),
                    new Carried(run, generation, own, calls, kept, lossScale, copy),
                    requests);
            handover = begun.loop.handover();
            calls.begin(new JointCalls.Done(
                    handover.progress().step(), handover.progress().epoch(), Double.NaN, false, ""));
            begun.addOnRoot(rootListeners);
            begun.loop.beginGeneration();
            return begun;
        } catch (GyreException e) {
            if (!isEndOfGeneration(e, generation.session())) {
                run.fail("it failed: " + e.getMessage());
                throw e;
            }
            LOG.info(e.getMessage());
            return null;
        }
    }

    /** What the last process with the state may have left for this one, as long as it is new. */
    private final class Copies implements AutoCloseable {

        private LastCopy.@Nullable Found newest;

        Copies() {
            look();
        }

        /** A copy may be replaced, or come, while this process waits for seats. */
        private void look() {
            LastCopy.Found found = handover != null
                    ? null
                    : run.stateDirectory().map(LastCopy::find).orElse(null);
            if (found != null) {
                close();
                newest = found;
            }
        }

        Reached reached() {
            return newest == null ? Carried.reached(handover, calls) : newest.reached();
        }

        /** Whether a generation begins without a state, though there is a copy. */
        boolean isMissedBy(Generation generation) {
            look();
            return newest != null && !generation.hasState();
        }

        @Override
        public void close() {
            if (newest != null) {
                newest.close();
            }
        }
    }

    /** The network of the generation is gone: what cannot be closed in order is logged. */
    private void closeEngine() {
        try {
            engine.close();
        } catch (RuntimeException e) {
            LOG.warn("closing a generation failed: {}", e.getMessage(), e);
        }
    }

    /** The training has ended: the process of rank 0 merges the timeline. */
    @Override
    public void close() {
        engine.close();
        Timeline timeline = engine.timeline;
        if (timeline != null && !failed && engine.session.world().isRoot()) {
            try {
                timeline.mergeGenerations();
            } catch (GyreException e) {
                LOG.warn("the timeline is not merged: {}", e.getMessage(), e);
            }
        }
    }
}
