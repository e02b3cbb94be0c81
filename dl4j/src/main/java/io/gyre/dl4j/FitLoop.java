package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.World;
import io.gyre.allreduce.Algorithm;
import io.gyre.session.Session;
import io.gyre.training.StepDriver;
import io.gyre.training.StepSummary;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The calls of {@code fit}: each is a loop over epochs, and those over steps, until the last step of the call or one
 * after which a rank wants to stop.
 *
 * <p>{@link #progress} is where this rank is, and what a checkpoint saves: every change makes a new record, so a failed
 * step leaves the place before it. Confined to the thread that trains.
 */
final class FitLoop {

    private static final Logger LOG = LoggerFactory.getLogger(FitLoop.class);

    /** Number of examples, and whether the training is to end. */
    private static final int CALL_END_BYTES = Long.BYTES + 1;

    /** Differs if one rank's program has trained the model outside the trainer. */
    private static final String MODEL_STEPS =
            "steps of the model, by a trainer, an EarlyStoppingTrainer or fit on the model itself";

    private final Session session;
    private final Session inStep;
    private final World world;
    private final boolean allInStep;
    private final TrainedModel network;
    private final Replica replica;
    private final StepDriver driver;
    private final TrainerEvents events;
    private final TrainingStep step;
    private final ExchangeTimer timer;
    private final ReplicaCheck replicas;
    private final Checkpoints checkpoints;
    private final Cuts cuts;
    private final DataInUse inUse;
    private final DataAttestation attestation;
    private final LossWatch watch;
    private final @Nullable ProgressListener progressListener;
    private final StopRequests requests;

    /** In a run with seats whose batches take several steps; else null. */
    private final @Nullable BatchBorder border;

    /** In a run with seats, on a process that has to do with copies of the state; else null. */
    private final @Nullable LastCopy lastCopy;

    /** Of the current call; null for none. */
    private @Nullable StepCondition condition;

    private Progress progress;
    /** Whether this run has continued another: then ranks out of step may have different numbers of steps left. */
    private final boolean resumed;

    private int callsToSkip;
    private long lastEpoch;

    /** Whether the data of {@link #progress} are known by their description only. */
    private boolean fromElsewhere;

    /** Whether {@link #progress} is inside a call, which the next one continues. */
    private boolean inCall;

    private final Algorithm algorithm;
    private int startedEpoch;
    private double score;
    private boolean ended;

    /** Whether a rank has asked to end the call under way, in a step that is done. */
    private boolean stopping;

    /** Whether a request of this process is in a step, or a batch, that is not done. */
    private boolean requestTaken;

    /** Where the call under way has ended, which all have yet to hear; null before. */
    private @Nullable Progress endOfCall;

    /** Of the call that has begun in an earlier generation; null for none. */
    private @Nullable FitReport soFar;

    /** Of the call under way; null between two calls. */
    private @Nullable Tally tallyOfCall;

    FitLoop(TrainerParts parts, StopRequests requests) {
        session = parts.session;
        inStep = parts.inStep;
        world = session.world();
        allInStep = inStep.world().size() == world.size();
        network = parts.network;
        replica = parts.replica;
        driver = parts.driver;
        events = parts.events;
        step = parts.step;
        timer = parts.timer;
        replicas = parts.replicas;
        checkpoints = parts.checkpoints;
        cuts = parts.cuts;
        inUse = parts.data;
        attestation = new DataAttestation(session, inStep);
        watch = parts.watch;
        progressListener = parts.progressListener;
        this.requests = requests;
        border = parts.border;
        lastCopy = parts.lastCopy;
        Handover start = parts.start;
        algorithm = parts.algorithm;
        progress = start.progress();
        callsToSkip = start.callsToSkip();
        inCall = start.inCall();
        fromElsewhere = !progress.data().isEmpty();
        resumed = fromElsewhere;
        startedEpoch = start.startedEpoch();
        score = start.score();
        ended = start.ended();
        stopping = start.stopping();
        soFar = start.soFar();
    }

    /** Where this process is, for its next generation, which begins at the border of a batch. */
    Handover handover() {
        if (border != null && border.isInBatch()) {
            progress = border.goBack();
            score = border.score();
            if (tallyOfCall != null) {
                tallyOfCall.forgetBatch();
            }
        }
        if (requestTaken) {
            requestTaken = false;
            requests.stopCall();
        }
        return place();
    }

    /** A generation begins: a process that alone has the state keeps a copy. */
    void beginGeneration() {
        if (lastCopy != null) {
            lastCopy.begin(place());
        }
    }

    private Handover place() {
        FitReport ofCall = tallyOfCall == null ? soFar : tallyOfCall.report(session.bytesSent(), false);
        return new Handover(
                endOfCall == null ? progress : endOfCall,
                inCall || endOfCall != null,
                callsToSkip,
                startedEpoch,
                ended,
                stopping,
                score,
                ofCall,
                algorithm);
    }

    Progress progress() {
        return progress;
    }

    /** Stops reading: the data are read from their beginning when the pass is continued. */
    void leaveData() {
        inUse.restart();
    }

    /** Whether the training has ended by a request on some rank. */
    boolean ended() {
        return ended;
    }

    /** The model's score after the last step; NaN before the first. */
    double score() {
        return score;
    }

    /** Whether all ranks take each step together. */
    boolean allInStep() {
        return allInStep;
    }

    /** Whether the run continues from a checkpoint, and has calls to skip or to continue. */
    boolean isResumed() {
        return (fromElsewhere && inCall) || callsToSkip > 0;
    }

    /** Trains for one pass over the data, or until the step after the one that meets the condition; null for none. */
    FitReport fitPass(ShardedData given, @Nullable StepCondition ofCall) {
        condition = ofCall;
        try {
            return fit(given, 1, Long.MAX_VALUE);
        } finally {
            condition = null;
        }
    }

    /**
     * Trains until one of both limits is reached.
     *
     * @param epochs passes over the data
     * @param steps optimiser steps
     */
    FitReport fit(ShardedData given, int epochs, long steps) {
        Tally tally = new Tally(session.bytesSent(), soFar);
        // One that has ended in an earlier generation, and of which not all have heard, ends again.
        if (ended && !inCall) {
            return tally.report(session.bytesSent(), true);
        }
        if (callsToSkip > 0) {
            callsToSkip--;
            return tally.report(session.bytesSent(), false);
        }
        checkReadable(given);
        tallyOfCall = tally;
        stopping = stopping && soFar != null;
        requestTaken = false;
        endOfCall = null;
        FitReport report = events.during(progress.step(), () -> train(given, epochs, steps, tally));
        tallyOfCall = null;
        soFar = null;
        endOfCall = null;
        stopping = false;
        return report;
    }

    private FitReport train(ShardedData given, int epochs, long steps, Tally tally) {
        boolean continued = inUse.take(given, fromElsewhere ? progress.data() : null);
        ShardedData data = inUse.data();
        agree(data, epochs, steps, continued);
        progress = beginCall(data.description(), continued);
        if (cuts.areOn()) {
            cuts.beginCall(data, continued);
        }
        attestation.beginCall(data.isCompared(), continueAt(driver.resume(progress.step())));
        ParameterSharing sharing = replica.sharing();
        return sharing == null || !data.isEpoch()
                ? train(data, epochs, steps, tally, continued)
                : train(sharing, () -> train(data, epochs, steps, tally, continued));
    }

    private FitReport train(ParameterSharing sharing, Supplier<FitReport> call) {
        try {
            sharing.begin(replicas, progress.step());
            FitReport report = call.get();
            sharing.end(replica, progress.step());
            return report;
        } catch (RuntimeException | Error e) {
            sharing.abandon(progress.step(), e);
            throw e;
        }
    }

    private FitReport train(ShardedData data, int epochs, long steps, Tally tally, boolean continued) {
        toListeners(network::beginCall);
        boolean stopped = epochs(data, epochs, steps, tally);
        toListeners(network::endCall);
        attestation.endCall();
        if (cuts.areOn()) {
            cuts.endCall(progress);
        }
        boolean saves = data.isEpoch() && !cuts.areOn();
        String notSaved = saves ? checkpoints.endCall(progress) : "";
        driver.finish();
        if (data.isEpoch()) {
            replicas.check(progress.step());
        }
        Progress reached = progress;
        endOfCall = reached;
        progress = progress.afterCall();
        inCall = false;
        endCall(data, tally, stopped, continued);
        if (!notSaved.isEmpty()) {
            throw Checkpoints.inModelOnly(notSaved, reached);
        }
        if (ended && world.isRoot()) {
            LOG.info(
                    "the training has ended after step {}, in epoch {}, since a rank was asked to end it",
                    reached.step(),
                    reached.epoch() + 1);
        }
        return tally.report(session.bytesSent(), stopped || ended);
    }

    private void checkReadable(ShardedData data) {
        data.checkSeats(session);
        if (data.isFromRoot() && !allInStep) {
            throw new IllegalArgumentException("Sharding." + Sharding.FROM_ROOT
                    + " needs ranks in lockstep, since rank 0 deals each batch to all of them: with this strategy use"
                    + " another sharding, or ShardedData.dealt");
        }
    }

    private void agree(ShardedData data, int epochs, long steps, boolean continued) {
        session.agree(
                "training data",
                Map.of(
                        "data",
                        data.description(),
                        "epochs",
                        String.valueOf(epochs),
                        "steps",
                        allInStep || !resumed ? String.valueOf(steps) : "those that each rank has left",
                        "those of the call before",
                        continued ? "yes" : "no",
                        MODEL_STEPS,
                        allInStep ? String.valueOf(network.step()) : "each rank's own"));
    }

    /** Finds the place in the data where a call begins. */
    private Progress beginCall(String description, boolean continued) {
        if (inCall && !continued && progress.position() > 0) {
            throw new GyreException("the run stopped in the middle of '" + progress.data()
                    + "' and cannot continue in '" + description
                    + "': resume with the same data, or start without resuming");
        }
        Progress call = inCall ? progress : progress.beginCall(network.step(), network.epoch());
        inCall = true;
        fromElsewhere = false;
        return continued ? call : call.atBeginningOf(description);
    }

    /** A restarted worker takes its step number from the other ranks: returns whether this is one. */
    private boolean continueAt(long where) {
        if (where == progress.step()) {
            return false;
        }
        LOG.info("{} continues at step {}", RankTexts.ownName(session), where);
        progress = progress.atStep(Math.toIntExact(where));
        network.setProgress(progress.step(), progress.epoch());
        return true;
    }

    /** Returns whether a rank wants to stop. */
    private boolean epochs(ShardedData data, int epochs, long steps, Tally tally) {
        long callStep = progress.callStep();
        long lastStep = steps > Long.MAX_VALUE - callStep ? Long.MAX_VALUE : callStep + steps;
        lastEpoch = (long) progress.callEpoch() + epochs;
        boolean stopped = stopping;
        while (!stopped && progress.epoch() < lastEpoch && progress.step() < lastStep) {
            stopped = watch.call(() -> pass(data, lastStep, tally));
            if (!data.isEpoch()) {
                return stopped;
            }
        }
        return stopped;
    }

    /**
     * Trains to the end of the epoch, the last step, or the step after which a rank wants to stop; returns true in the
     * last case.
     */
    private boolean pass(ShardedData data, long lastStep, Tally tally) {
        try {
            Pass pass = inUse.open(data, progress.place(), progress.step());
            if (!data.isEpoch()) {
                boolean asked = steps(pass, data, lastStep, tally);
                inUse.endPass();
                progress = progress.atBeginningOf(data.description());
                checkpoints.afterSingleBatch();
                return asked;
            }
            beginEpoch();
            boolean stopped = steps(pass, data, lastStep, tally);
            inUse.leave();
            return stopped;
        } catch (RuntimeException | Error e) {
            try {
                inUse.endPass();
            } catch (RuntimeException | Error second) {
                e.addSuppressed(second);
            }
            throw e;
        }
    }

    private boolean steps(Pass pass, ShardedData data, long lastStep, Tally tally) {
        boolean first = true;
        while (progress.step() < lastStep) {
            Share share = events.load(pass, progress.step());
            attestation.read(share, progress.epoch(), progress.position());
            timer.reset();
            step.with(share, asksToStop(), progress.step(), progress.epoch());
            long position = data.advance(progress.position(), world);
            if (border != null) {
                border.keep(progress, score);
                tally.beginBatch();
            }
            StepSummary total = takeStep(position, share.mark(), tally);
            if (total.examples() == 0) {
                passBorder();
                // Compared data end at the same place on all ranks; a batch may be too small for the ranks that take
                // this step.
                if (data.isCompared() && !share.ended()) {
                    progress = progress.afterStep(progress.step(), position, share.mark());
                    batchDone(total);
                    if (total.stop()) {
                        return true;
                    }
                    continue;
                }
                if (first && progress.position() == 0 && allInStep) {
                    checkAnyExamples(data, tally);
                }
                if (data.isEpoch()) {
                    inUse.endPass();
                    if (data.isAtBorder()) {
                        continueAt(cuts.cut(progress));
                        return total.stop();
                    }
                    endEpoch(tally, total);
                }
                return total.stop();
            }
            first = false;
            int stepsBefore = progress.step();
            tally.batch(total.examples());
            while (total.unfinished()) {
                endStep(total, progress.atStep(network.step()), tally);
                timer.reset();
                step.withNextSegment(asksToStop(), progress.step());
                total = driver.step(step, progress.step());
            }
            batchDone(total);
            endStep(total, progress.afterStep(network.step(), position, share.mark()), tally);
            passBorder();
            if (!share.ended()) {
                data.trained();
            }
            if (lastCopy != null && lastCopy.isDue()) {
                lastCopy.afterBatch(place());
            }
            if (cuts.areOn()) {
                continueAt(cuts.afterBatch(progress, stepsBefore));
            } else {
                checkpoints.afterBatch(progress, stepsBefore);
            }
            if (total.stop()) {
                return true;
            }
            if (total.regroup()) {
                throw new EndOfGeneration(progress.step());
            }
        }
        return false;
    }

    /** Whether this process asks all to stop after the next step. */
    private boolean asksToStop() {
        boolean asked = requests.take();
        requestTaken |= asked;
        return meetsCondition() || asked;
    }

    /** Whether the last step of this call, if it has taken one, has met its condition. */
    private boolean meetsCondition() {
        StepCondition ofCall = condition;
        if (ofCall == null || progress.step() == progress.callStep()) {
            return false;
        }
        watch.code().enter("a condition of early stopping, at the end", progress.step() - 1L);
        try {
            return ofCall.isMet(score);
        } finally {
            watch.code().leave();
        }
    }

    /** A batch is done, which all know who have its reports: its requests are not made again. */
    private void batchDone(StepSummary total) {
        stopping = total.stop();
        requestTaken = false;
    }

    private void passBorder() {
        if (border != null) {
            border.passed();
        }
    }

    /** A step whose update was applied is not repeated, though a listener may have been interrupted after it. */
    private StepSummary takeStep(long position, long mark, Tally tally) {
        try {
            return driver.step(step, progress.step());
        } catch (RuntimeException | Error e) {
            StepSummary total = driver.lastApplied();
            if (total != null && driver.hasApplied(progress.step())) {
                progress = progress.afterStep(progress.step() + 1, position, mark);
                // Otherwise the batch is repeated from its border.
                if (border == null) {
                    score = network.score();
                    tally.batch(total.examples());
                    tally.step(total, timer.busyNanos(), timer.exposedNanos());
                    batchDone(total);
                }
            }
            throw e;
        }
    }

    private void endStep(StepSummary total, Progress reached, Tally tally) {
        score = network.score();
        progress = reached;
        tally.step(total, timer.busyNanos(), timer.exposedNanos());
        toProgressListener(total);
        events.stepDone(progress.step() - 1L);
    }

    /** An epoch that spans several calls of {@code fit} begins in the first. */
    private void beginEpoch() {
        events.epochBegan(progress.step(), progress.epoch());
        if (startedEpoch != progress.epoch()) {
            startedEpoch = progress.epoch();
            toListeners(network::beginEpoch);
        }
    }

    private void endEpoch(Tally tally, StepSummary total) {
        toListeners(() -> {
            if (network.endEpoch() && progress.epoch() + 1 < lastEpoch) {
                requests.stopCall();
            }
        });
        progress = progress.afterEpoch();
        batchDone(total);
        network.setProgress(progress.step(), progress.epoch());
        tally.epoch();
        replicas.check(progress.step());
        if (cuts.areOn()) {
            continueAt(cuts.afterEpoch(progress));
        } else {
            checkpoints.afterEpoch(progress);
        }
    }

    /** All ranks learn whether the training has ended and, if they did not step together, how many examples it took. */
    private void endCall(ShardedData data, Tally tally, boolean stopped, boolean continued) {
        // A step of all ranks tells them whether one wants to stop, but not whether only this call or all training.
        if (allInStep && !stopped) {
            return;
        }
        // Each rank knows its group's total: only one rank of the group reports it.
        byte[] own = ByteBuffer.allocate(CALL_END_BYTES)
                .putLong(inStep.world().isRoot() ? tally.examples() : 0)
                .put((byte) (requests.endsTraining() ? 1 : 0))
                .array();
        long examples = 0;
        for (byte[] bytes : session.exchange("end of a call of fit", own)) {
            // A rank that has left or was lost contributes nothing.
            if (bytes.length == CALL_END_BYTES) {
                ByteBuffer ofRank = ByteBuffer.wrap(bytes);
                examples += ofRank.getLong();
                ended |= ofRank.get() == 1;
            }
        }
        if (!allInStep) {
            tally.examples(examples);
            // A call that a resumed run continues may have been at its end.
            if (!ended && !continued) {
                checkAnyExamples(data, tally);
            }
        }
    }

    private static void checkAnyExamples(ShardedData data, Tally tally) {
        if (tally.examples() == 0) {
            throw new GyreException("no rank has any examples: the data set is empty (" + data.description() + ")");
        }
    }

    private void toListeners(Runnable event) {
        watch.code().enter("a listener, before or after an epoch, at the end", progress.step());
        try {
            event.run();
        } finally {
            watch.code().leave();
        }
    }

    private void toProgressListener(StepSummary total) {
        ProgressListener listener = progressListener;
        if (listener == null) {
            return;
        }
        watch.code().enter("the progress listener, at the end", progress.step() - 1);
        try {
            listener.stepDone(progress.step(), progress.epoch(), total);
        } finally {
            watch.code().leave();
        }
    }
}
