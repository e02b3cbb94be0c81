package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.session.Session;
import io.gyre.training.StepSummary;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
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
    private final Session session;
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
        session = trainer.session();
        if (!(trainer.model() instanceof Model)) {
            throw new IllegalArgumentException("early stopping belongs to MultiLayerNetwork and ComputationGraph, and"
                    + " this trainer has a model of "
                    + trainer.model().getClass().getName());
        }
        @SuppressWarnings("unchecked") // The configuration is for the kind of the trainer's model.
        T ofTrainer = (T) trainer.model();
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
        if (trainer.isResumed()) {
            throw new GyreException("early stopping cannot continue from a checkpoint, which has no scores and no best"
                    + " model: start without resuming, or read the saver's best model and train that");
        }
        return new Run().untilACondition();
    }

    /** One call of {@link #fit}. */
    private final class Run {

        private final EarlyStoppingRoot<T> root = new EarlyStoppingRoot<>(configuration, model);
        private final InMemoryModelSaver<T> copies = new InMemoryModelSaver<>();
        private final Map<Integer, Double> scores = new LinkedHashMap<>();
        private int bestEpoch = -1;
        private double bestScore = Double.NaN;

        EarlyStoppingResult<T> untilACondition() {
            OnRoot.call(session, "early stopping", root::begin);
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

        private EarlyStoppingVerdict pass(int epoch) {
            try {
                FitReport report = trainer.fitPass(data, session.world().isRoot() ? this::afterStep : null);
                return agree(epoch, "after", () -> root.afterPass(epoch, report.stopped()));
            } catch (NotFiniteException e) {
                if (!trainer.allInStep()) {
                    throw e;
                }
                EarlyStoppingVerdict verdict = agree(epoch, "within", root::afterBadStep);
                if (verdict.ends() == EarlyStoppingVerdict.Ends.NOTHING) {
                    throw e;
                }
                return verdict;
            }
        }

        private void afterStep(long step, int epoch, StepSummary total) {
            if (root.endsAfterStep(trainer.score())) {
                trainer.requestStop();
            }
        }

        private EarlyStoppingVerdict agree(int epoch, String when, Supplier<EarlyStoppingVerdict> ofRoot) {
            return EarlyStoppingVerdict.parse(OnRoot.call(
                    session,
                    "early stopping " + when + " epoch " + epoch,
                    () -> ofRoot.get().text()));
        }

        private void evaluated(int epoch, EarlyStoppingVerdict verdict) {
            scores.put(epoch, verdict.score());
            if (verdict.best()) {
                bestEpoch = epoch;
                bestScore = verdict.score();
                if (!session.world().isRoot()) {
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
            OnRoot.call(session, "best model of early stopping", () -> {
                read.set(root.best());
                return "";
            });
            return session.world().isRoot() ? read.get() : copy();
        }

        private T copy() {
            try {
                return copies.getBestModel();
            } catch (IOException e) {
                throw new GyreException("the best model was not copied", e);
            }
        }
    }
}
