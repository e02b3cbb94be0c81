package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.dl4j.SeatedTraining.Recorded;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.EarlyStoppingResult.TerminationReason;
import org.deeplearning4j.earlystopping.listener.EarlyStoppingListener;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.trainer.IEarlyStoppingTrainer;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;

/**
 * Early stopping on all ranks, with Deeplearning4j's own configuration: in place of its {@code EarlyStoppingTrainer}
 * and {@code EarlyStoppingGraphTrainer}.
 *
 * <pre>{@code
 * try (DistributedTrainer trainer = DistributedTrainer.of(model, session)) {
 *     EarlyStoppingResult<MultiLayerNetwork> result =
 *             new DistributedEarlyStopping<>(configuration, trainer, data).fit();
 * }
 * }</pre>
 *
 * <dl>
 *   <dt>Who decides
 *   <dd>Rank 0 alone uses the conditions, the score calculator and the saver of its configuration; the others wait for
 *       what it decides, however long a score takes. So the score is that of one process, and a time or a condition of
 *       one's own ends the training on all ranks alike. The configurations of the other ranks are not used.
 *   <dt>Result
 *   <dd>Equal on all ranks: rank 0's best model is what its saver returns, and the others have kept a copy of their
 *       replica, with its updater's state. {@code bestModelScore} is the score of the calculator;
 *       Deeplearning4j 1.0.0-M2.1 returns the best model's last training score instead.
 *   <dt>Processes that change
 *   <dd>In a run whose ranks survive their processes, verdicts and best model are those of a run without losses. All
 *       processes are given equal configurations: any may take rank 0 over. Each of them keeps a copy of the best
 *       model, lets its conditions hear of every score, and returns a copy as the best model; what was lost with rank
 *       0's saver is saved again. Conditions of epochs, and the calculator, must depend on nothing but scores and the
 *       model. Conditions of steps are those of Deeplearning4j; time is that since the beginning of the run, by the
 *       clock of the process that has rank 0. A listener of a process that comes later hears of all epochs, with the
 *       present model.
 *   <dt>Conditions of a step
 *   <dd>They see the score over all ranks, or over rank 0's group. The step after the one that meets a condition is the
 *       last, as for {@link DistributedTrainer#requestStop}; with a strategy whose ranks are not all in lockstep, other
 *       groups finish their pass. If gradients are not finite on all ranks in lockstep, the conditions see NaN, and if
 *       one is met, the training ends with the parameters before that step; otherwise it fails as without early
 *       stopping.
 *   <dt>Epochs
 *   <dd>Are counted from 0 in each call of {@link #fit}, and the model's own counter continues.
 *   <dt>Failure
 *   <dd>{@link GyreException} on all ranks if the configuration, a score calculator, a saver or an epoch's condition
 *       fails on rank 0.
 *   <dt>Threading
 *   <dd>The trainer's thread. All ranks make the same calls.
 * </dl>
 *
 * @param <T> kind of model
 */
public final class DistributedEarlyStopping<T extends Model> implements IEarlyStoppingTrainer<T> {

    private final EarlyStoppingConfiguration<T> configuration;
    private final DistributedTrainer trainer;
    private final ShardedData data;
    private final T model;
    private @Nullable EarlyStoppingListener<T> listener;

    /**
     * Prepares the training of the trainer's model.
     *
     * @param trainer borrowed; not resumed from a checkpoint in the middle of a run, since checkpoints hold no scores
     * @param data a pass over it is an epoch
     */
    public DistributedEarlyStopping(
            EarlyStoppingConfiguration<T> configuration, DistributedTrainer trainer, ShardedData data) {
        this.configuration = configuration;
        this.trainer = trainer;
        this.data = data;
        Object trained = trainer.engine().network.model();
        if (!(trained instanceof Model)) {
            throw new IllegalArgumentException("early stopping belongs to MultiLayerNetwork and ComputationGraph, and"
                    + " this trainer has a model of "
                    + trained.getClass().getName());
        }
        @SuppressWarnings("unchecked") // The configuration is for the kind of the trainer's model.
        T ofTrainer = (T) trained;
        model = ofTrainer;
    }

    /** Sets a listener, which each rank may have. Default: none. */
    @Override
    public void setListener(@Nullable EarlyStoppingListener<T> value) {
        listener = value;
    }

    /** Layer-wise pretraining is not distributed. */
    @Override
    public EarlyStoppingResult<T> pretrain() {
        throw new UnsupportedOperationException(
                "layer-wise pretraining is not distributed: call pretrain of Deeplearning4j's EarlyStoppingTrainer on"
                        + " rank 0 before the trainer is made, which gives its parameters to all ranks");
    }

    /** Trains until a condition is met. Blocks until all ranks have called it. */
    @Override
    public EarlyStoppingResult<T> fit() {
        return new Run().untilACondition();
    }

    /**
     * The end of a pass.
     *
     * @param stopped whether a rank has asked to stop
     * @param failure if gradients were not finite; else null
     */
    private record PassEnd(boolean stopped, @Nullable NotFiniteException failure) {

        static final Recorded<PassEnd> TEXT = new Recorded<>(PassEnd::text, PassEnd::parse);

        private String text() {
            return stopped + (failure == null ? "" : "\n" + failure.getMessage());
        }

        private static PassEnd parse(String text) {
            String[] parts = text.split("\n", 2);
            return new PassEnd(
                    Boolean.parseBoolean(parts[0]), parts.length == 1 ? null : new NotFiniteException(parts[1]));
        }
    }

    /** One call of {@link #fit}. */
    private final class Run {

        private final EarlyStoppingRoot<T> root = new EarlyStoppingRoot<>(configuration, model);

        /** On other ranks than 0, of a run whose processes do not change. */
        private final InMemoryModelSaver<T> copies = new InMemoryModelSaver<>();

        /** In a run whose processes may change; else null. */
        private final @Nullable SeatedTraining seated = trainer.seated();

        /** By which the run knows the model that this call keeps. */
        private final int call = seated == null ? 0 : seated.callsMade();

        private final Map<Integer, Double> scores = new LinkedHashMap<>();
        private int bestEpoch = -1;
        private double bestScore = Double.NaN;

        EarlyStoppingResult<T> untilACondition() {
            String begun = trainer.jointly(this::begin, DistributedTrainer.TEXT);
            if (seated != null) {
                root.followBeginning(begun);
            }
            if (listener != null) {
                listener.onStart(configuration, model);
            }
            for (int epoch = 0; ; epoch++) {
                EarlyStoppingVerdict verdict = pass(epoch);
                if (verdict.evaluated()) {
                    evaluated(epoch, verdict);
                }
                switch (verdict.ends()) {
                    case ITERATION_CONDITION -> {
                        return result(TerminationReason.IterationTerminationCondition, verdict.details(), epoch);
                    }
                    case EPOCH_CONDITION -> {
                        return result(TerminationReason.EpochTerminationCondition, verdict.details(), epoch + 1);
                    }
                    case NOTHING -> {}
                }
            }
        }

        private String begin(Engine engine) {
            if (engine.loop.isResumed()) {
                throw new GyreException("early stopping cannot continue from a checkpoint, which has no scores and no"
                        + " best model: start without resuming, or read the saver's best model and train that");
            }
            return OnRoot.call(engine.session, "early stopping", () -> {
                if (seated != null) {
                    root.checkGenerations();
                }
                return root.begin();
            });
        }

        private EarlyStoppingVerdict pass(int epoch) {
            PassEnd end = trainer.jointly(this::train, PassEnd.TEXT);
            EarlyStoppingVerdict verdict = EarlyStoppingVerdict.parse(
                    trainer.jointly(engine -> judge(engine, epoch, end), DistributedTrainer.TEXT));
            if (end.failure() != null && verdict.ends() == EarlyStoppingVerdict.Ends.NOTHING) {
                throw end.failure();
            }
            return verdict;
        }

        private PassEnd train(Engine engine) {
            boolean isRoot = isRoot(engine);
            StepCondition condition = seated == null && !isRoot ? null : score -> root.endsAfterStep(score, isRoot);
            try {
                FitReport report = engine.train(() -> engine.loop.fitPass(data, condition));
                return new PassEnd(report.stopped(), null);
            } catch (NotFiniteException e) {
                if (!engine.loop.allInStep()) {
                    throw e;
                }
                return new PassEnd(false, e);
            }
        }

        /** Gets rank 0's verdict on a pass. */
        private String judge(Engine engine, int epoch, PassEnd end) {
            boolean isWhole = !end.stopped() && end.failure() == null;
            String reason = seated == null || isWhole ? root.met() : reasonOfAll(engine);
            String when = end.failure() == null ? "after" : "within";
            String text = OnRoot.call(engine.session, "early stopping " + when + " epoch " + epoch, () -> {
                if (end.failure() != null) {
                    return root.afterBadStep(reason).text();
                }
                saveAgain();
                boolean late = seated != null && end.stopped() && reason.isEmpty();
                return root.afterPass(epoch, end.stopped(), late ? root.timeOver() : reason)
                        .text();
            });
            if (seated != null && EarlyStoppingVerdict.parse(text).best()) {
                seated.kept().keep(call, epoch, model);
            }
            return text;
        }

        /** The condition of a step that was met: a process that has come since does not know it. */
        private String reasonOfAll(Engine engine) {
            return engine
                    .session
                    .exchange("why early stopping ends", root.met().getBytes(StandardCharsets.UTF_8))
                    .stream()
                    .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
                    .filter(reason -> !reason.isEmpty())
                    .findFirst()
                    .orElse("");
        }

        private void evaluated(int epoch, EarlyStoppingVerdict verdict) {
            scores.put(epoch, verdict.score());
            boolean isRoot = isRoot(trainer.engine());
            if (seated != null || isRoot) {
                root.follow(epoch, verdict);
            }
            if (verdict.best()) {
                bestEpoch = epoch;
                bestScore = verdict.score();
                if (seated == null && !isRoot) {
                    keepCopy();
                }
            }
            if (listener != null) {
                listener.onEpoch(epoch, verdict.score(), configuration, model);
            }
        }

        private void keepCopy() {
            try {
                copies.saveBestModel(model, bestScore);
            } catch (IOException e) {
                throw new GyreException("the best model cannot be copied", e);
            }
        }

        /** Gives the best model to this process's saver, if another process had rank 0 when it was saved. */
        private void saveAgain() {
            if (seated != null && root.lacksBest()) {
                root.saveBest(kept(seated));
            }
        }

        private EarlyStoppingResult<T> result(TerminationReason reason, String details, int epochs) {
            EarlyStoppingResult<T> result = new EarlyStoppingResult<>(
                    reason, details, scores, bestEpoch, bestScore, epochs, bestEpoch < 0 ? null : best());
            if (listener != null) {
                listener.onCompletion(result);
            }
            return result;
        }

        private @Nullable T best() {
            AtomicReference<@Nullable T> read = new AtomicReference<>();
            String unused = trainer.jointly(
                    engine -> OnRoot.call(engine.session, "best model of early stopping", () -> {
                        if (seated == null) {
                            read.set(root.best());
                        } else {
                            saveAgain();
                        }
                        return "";
                    }),
                    DistributedTrainer.TEXT);
            if (seated != null) {
                return kept(seated);
            }
            return isRoot(trainer.engine()) ? read.get() : copy();
        }

        @SuppressWarnings("unchecked") // A copy is of the model's kind.
        private T kept(SeatedTraining run) {
            return (T) run.kept().copy(call);
        }

        private T copy() {
            try {
                return copies.getBestModel();
            } catch (IOException e) {
                throw new GyreException("the best model was not copied", e);
            }
        }
    }

    private static boolean isRoot(Engine engine) {
        return engine.session.world().isRoot();
    }
}
