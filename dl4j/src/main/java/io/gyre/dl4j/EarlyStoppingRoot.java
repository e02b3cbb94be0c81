package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.dl4j.EarlyStoppingVerdict.Ends;
import java.io.IOException;
import java.util.List;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.ScoreCalculator;
import org.deeplearning4j.earlystopping.termination.EpochTerminationCondition;
import org.deeplearning4j.earlystopping.termination.InvalidScoreIterationTerminationCondition;
import org.deeplearning4j.earlystopping.termination.IterationTerminationCondition;
import org.deeplearning4j.earlystopping.termination.MaxScoreIterationTerminationCondition;
import org.deeplearning4j.earlystopping.termination.MaxTimeIterationTerminationCondition;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;

/**
 * Rank 0's part in early stopping: it alone uses the conditions, the score calculator and the saver of a configuration,
 * in the order of Deeplearning4j's {@code BaseEarlyStoppingTrainer}. Every failure of these is a {@link GyreException}
 * that says which of them failed.
 *
 * <p>In a run whose processes may change, every process has one, which hears the same scores of steps and epochs. So
 * its conditions are in the same state, and it can go on if its process takes rank 0 over. Verdicts change nothing here
 * until {@link #follow}: a verdict that not all have heard is given again, perhaps by another process.
 */
final class EarlyStoppingRoot<T extends Model> {

    /** Conditions that need no state besides the last score, or the time since the beginning. */
    private static final List<Class<?>> OF_ONE_STEP = List.of(
            InvalidScoreIterationTerminationCondition.class,
            MaxScoreIterationTerminationCondition.class,
            MaxTimeIterationTerminationCondition.class);

    private final EarlyStoppingConfiguration<T> configuration;
    private final T model;
    private String met = "";
    private int bestEpoch = -1;
    private double bestScore;

    /** The last epoch of which the conditions have heard. */
    private int heardEpoch = -1;

    /** The best epoch whose model the saver of this process has; -1 for none. */
    private int savedEpoch = -1;

    /** On the last epoch, if this process has given it; else null. */
    private @Nullable EarlyStoppingVerdict verdict;

    EarlyStoppingRoot(EarlyStoppingConfiguration<T> configuration, T model) {
        this.configuration = configuration;
        this.model = model;
    }

    /** What fails with the program's exceptions, too. */
    private interface Work<R> {
        R run() throws IOException;
    }

    private static <R> R call(Object what, String when, Work<R> work) {
        try {
            return work.run();
        } catch (IOException | RuntimeException e) {
            throw new GyreException("early stopping: " + what + " failed on rank 0, " + when + ": " + e, e);
        }
    }

    /**
     * Checks the configuration, and initialises the conditions.
     *
     * @return when that was, in milliseconds since 1970
     */
    String begin() {
        call("the configuration", "at the start", () -> {
            configuration.validate();
            if (configuration.getEvaluateEveryNEpochs() < 1) {
                throw new IllegalArgumentException("evaluateEveryNEpochs is " + configuration.getEvaluateEveryNEpochs()
                        + ": it must be at least 1");
            }
            initialise();
            return "";
        });
        return String.valueOf(System.currentTimeMillis());
    }

    private void initialise() {
        ofSteps().forEach(IterationTerminationCondition::initialize);
        configuration.getEpochTerminationConditions().forEach(EpochTerminationCondition::initialize);
    }

    private List<IterationTerminationCondition> ofSteps() {
        return configuration.getIterationTerminationConditions();
    }

    /** Fails if the conditions need what a process that comes later cannot know. */
    void checkGenerations() {
        ofSteps().stream()
                .filter(condition -> !OF_ONE_STEP.contains(condition.getClass()))
                .findFirst()
                .ifPresent(condition -> {
                    throw new GyreException("early stopping: the condition of steps '" + condition + "' is of "
                            + condition.getClass().getName() + ", which may remember steps that a process that comes"
                            + " later has not seen. In a run whose processes may change use those of Deeplearning4j, or"
                            + " a condition of epochs; or start the run without --processes, --spares, --min-processes"
                            + " and --restarts");
                });
    }

    /**
     * Initialises the conditions as they are on the process that has {@link #begin begun}.
     *
     * @param begun what it has returned
     */
    void followBeginning(String begun) {
        initialise();
        for (IterationTerminationCondition condition : ofSteps()) {
            if (condition instanceof MaxTimeIterationTerminationCondition time) {
                long begin = Long.parseLong(begun);
                time.setInitializationTime(begin);
                time.setEndTime(begin + time.getMaxTimeUnit().toMillis(time.getMaxTimeAmount()));
            }
        }
    }

    /**
     * Whether a condition ends the training after a step.
     *
     * @param score of the step; NaN if its gradients were not finite
     */
    boolean endsAfterStep(double score) {
        return endsAfterStep(score, true);
    }

    /**
     * As {@link #endsAfterStep(double)}.
     *
     * @param asksTime whether conditions of time are asked: one process looks at its clock for all
     */
    boolean endsAfterStep(double score, boolean asksTime) {
        for (IterationTerminationCondition condition : ofSteps()) {
            boolean asked = asksTime || !(condition instanceof MaxTimeIterationTerminationCondition);
            if (met.isEmpty() && asked && condition.terminate(score)) {
                met = condition.toString();
            }
        }
        return !met.isEmpty();
    }

    /** The condition that ends the training after a step, as far as this process knows; empty for none. */
    String met() {
        return met;
    }

    /** The condition of time that is met by now, whoever has met it first; empty for none. */
    String timeOver() {
        return ofSteps().stream()
                .filter(condition ->
                        condition instanceof MaxTimeIterationTerminationCondition && condition.terminate(Double.NaN))
                .map(IterationTerminationCondition::toString)
                .findFirst()
                .orElse("");
    }

    /**
     * After a step whose gradients were not finite: whether a condition ends the training for that.
     *
     * @param reason the condition that was met before, as far as any process knows; empty for none
     */
    EarlyStoppingVerdict afterBadStep(String reason) {
        if (!reason.isEmpty()) {
            return withinPass(reason);
        }
        return endsAfterStep(Double.NaN) ? withinPass(met) : EarlyStoppingVerdict.nothing();
    }

    /**
     * After a pass.
     *
     * @param stopped whether a rank asked to stop
     * @param reason the condition that was met, as far as any process knows; empty for none
     */
    EarlyStoppingVerdict afterPass(int epoch, boolean stopped, String reason) {
        if (!reason.isEmpty()) {
            return withinPass(reason);
        }
        if (stopped) {
            return withinPass("a rank asked to stop");
        }
        return epoch % configuration.getEvaluateEveryNEpochs() == 0 ? evaluate(epoch) : EarlyStoppingVerdict.nothing();
    }

    private EarlyStoppingVerdict withinPass(String details) {
        if (configuration.isSaveLastModel()) {
            call(saver(), "saving the latest model", () -> {
                saver().saveLatestModel(model, 0);
                return "";
            });
        }
        return EarlyStoppingVerdict.withinPass(details);
    }

    private EarlyStoppingVerdict evaluate(int epoch) {
        EarlyStoppingVerdict given = verdict;
        if (given != null && heardEpoch == epoch) {
            // Not all have heard it.
            return given;
        }
        String when = "after epoch " + epoch;
        ScoreCalculator<T> calculator = configuration.getScoreCalculator();
        boolean minimizes = calculator.minimizeScore();
        double score = call(calculator, when, () -> calculator.calculateScore(model));
        boolean best = (bestEpoch < 0 && !Double.isFinite(score)) || isBetter(score, minimizes);
        call(saver(), when, () -> {
            if (best) {
                saver().saveBestModel(model, score);
                savedEpoch = epoch;
            }
            if (configuration.isSaveLastModel()) {
                saver().saveLatestModel(model, score);
            }
            return "";
        });
        String ending = hear(epoch, score);
        EarlyStoppingVerdict made = new EarlyStoppingVerdict(
                ending.isEmpty() ? Ends.NOTHING : Ends.EPOCH_CONDITION, ending, true, score, best);
        verdict = made;
        return made;
    }

    /** The conditions of epochs hear of a score; returns the first that is met, or nothing. */
    private String hear(int epoch, double score) {
        heardEpoch = epoch;
        verdict = null;
        boolean minimizes = configuration.getScoreCalculator().minimizeScore();
        for (EpochTerminationCondition condition : configuration.getEpochTerminationConditions()) {
            if (call(condition, "after epoch " + epoch, () -> condition.terminate(epoch, score, minimizes))) {
                return condition.toString();
            }
        }
        return "";
    }

    private boolean isBetter(double score, boolean minimizes) {
        double before = bestEpoch >= 0 ? bestScore : minimizes ? Double.MAX_VALUE : -Double.MAX_VALUE;
        return minimizes ? score < before : score > before;
    }

    /** All have heard the verdict on an epoch that has a score, which this process or another has given. */
    void follow(int epoch, EarlyStoppingVerdict ofAll) {
        if (heardEpoch != epoch) {
            String unused = hear(epoch, ofAll.score());
        }
        if (ofAll.best()) {
            bestEpoch = epoch;
            bestScore = ofAll.score();
        }
    }

    /** Whether the saver of this process lacks the best model, since another process had rank 0 then. */
    boolean lacksBest() {
        return savedEpoch < bestEpoch;
    }

    /** Gives the best model to the saver of this process. */
    void saveBest(T best) {
        call(saver(), "saving the best model of epoch " + bestEpoch + " again", () -> {
            saver().saveBestModel(best, bestScore);
            savedEpoch = bestEpoch;
            return "";
        });
    }

    private EarlyStoppingModelSaver<T> saver() {
        return configuration.getModelSaver();
    }

    /** Reads the best model. */
    T best() {
        return call(saver(), "reading the best model", saver()::getBestModel);
    }
}
