package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.dl4j.EarlyStoppingVerdict.Ends;
import java.io.IOException;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.ScoreCalculator;
import org.deeplearning4j.earlystopping.termination.EpochTerminationCondition;
import org.deeplearning4j.earlystopping.termination.IterationTerminationCondition;
import org.deeplearning4j.nn.api.Model;

/**
 * Rank 0's part in early stopping: it alone uses the conditions, the score calculator and the saver of a configuration,
 * in the order of Deeplearning4j's {@code BaseEarlyStoppingTrainer}. Every failure of these is a {@link GyreException}
 * that says which of them failed.
 */
final class EarlyStoppingRoot<T extends Model> {

    private final EarlyStoppingConfiguration<T> configuration;
    private final T model;
    private String met = "";
    private boolean hasBest;
    private double bestScore;

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

    /** Checks the configuration, and initialises the conditions. */
    String begin() {
        call("the configuration", "at the start", () -> {
            configuration.validate();
            if (configuration.getEvaluateEveryNEpochs() < 1) {
                throw new IllegalArgumentException("evaluateEveryNEpochs is " + configuration.getEvaluateEveryNEpochs()
                        + ": it must be at least 1");
            }
            configuration.getIterationTerminationConditions().forEach(IterationTerminationCondition::initialize);
            configuration.getEpochTerminationConditions().forEach(EpochTerminationCondition::initialize);
            return "";
        });
        return "";
    }

    /**
     * Whether a condition ends the training after a step.
     *
     * @param score of the step; NaN if its gradients were not finite
     */
    boolean endsAfterStep(double score) {
        for (IterationTerminationCondition condition : configuration.getIterationTerminationConditions()) {
            if (met.isEmpty() && condition.terminate(score)) {
                met = condition.toString();
            }
        }
        return !met.isEmpty();
    }

    /** After a step whose gradients were not finite: whether a condition ends the training for that. */
    EarlyStoppingVerdict afterBadStep() {
        return endsAfterStep(Double.NaN) ? withinPass(met) : EarlyStoppingVerdict.nothing();
    }

    /**
     * After a pass.
     *
     * @param stopped whether a rank asked to stop
     */
    EarlyStoppingVerdict afterPass(int epoch, boolean stopped) {
        if (!met.isEmpty()) {
            return withinPass(met);
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
        String when = "after epoch " + epoch;
        ScoreCalculator<T> calculator = configuration.getScoreCalculator();
        boolean minimizes = calculator.minimizeScore();
        double score = call(calculator, when, () -> calculator.calculateScore(model));
        boolean best = (!hasBest && !Double.isFinite(score)) || isBetter(score, minimizes);
        call(saver(), when, () -> {
            if (best) {
                saver().saveBestModel(model, score);
            }
            if (configuration.isSaveLastModel()) {
                saver().saveLatestModel(model, score);
            }
            return "";
        });
        if (best) {
            hasBest = true;
            bestScore = score;
        }
        String ending = "";
        for (EpochTerminationCondition condition : configuration.getEpochTerminationConditions()) {
            if (ending.isEmpty() && call(condition, when, () -> condition.terminate(epoch, score, minimizes))) {
                ending = condition.toString();
            }
        }
        return new EarlyStoppingVerdict(
                ending.isEmpty() ? Ends.NOTHING : Ends.EPOCH_CONDITION, ending, true, score, best);
    }

    private boolean isBetter(double score, boolean minimizes) {
        double before = hasBest ? bestScore : minimizes ? Double.MAX_VALUE : -Double.MAX_VALUE;
        return minimizes ? score < before : score > before;
    }

    private EarlyStoppingModelSaver<T> saver() {
        return configuration.getModelSaver();
    }

    /** Reads the best model. */
    T best() {
        return call(saver(), "reading the best model", saver()::getBestModel);
    }
}
