package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.Session;
import io.gyre.StepSummary;
import io.gyre.UpdateStrategy;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** One optimiser step on all ranks: backward pass, exchange, update. */
final class TrainingStep {

    private static final String REMEDY =
            " No update was applied: the parameters are those before this step. Look for bad"
                    + " values in the data; else lower the learning rate, or clip the gradients.";

    private final Session session;
    private final UpdateStrategy strategy;
    private final Replica replica;
    private final long seed;

    /**
     * Creates the steps of one rank.
     *
     * @param seed of dropout and other noise in the layers
     */
    TrainingStep(Session session, UpdateStrategy strategy, Replica replica, long seed) {
        this.session = session;
        this.strategy = strategy;
        this.replica = replica;
        this.seed = seed;
    }

    /**
     * Takes part in a step.
     *
     * @param rows this rank's examples; null if it has none
     * @param stop whether this rank's program asks to stop
     * @param step number of the step, for seeds and errors
     * @return what all ranks brought; if that is no examples, nothing was updated
     */
    StepSummary run(@Nullable MultiDataSet rows, boolean stop, long step) {
        Nd4j.getRandom().setSeed(Seeds.derive(seed, session.world().rank(), step));
        if (rows != null) {
            strategy.beforeStep(replica, step);
            replica.parametersChanged();
        }
        double ownScore = replica.backward(rows);
        StepSummary own = StepSummary.ofRank(rows == null ? 0 : Rows.count(rows), ownScore, stop);
        StepSummary total = strategy.summarise(own, step);
        if (total.failedScores() > 0) {
            throw strategy.inLockStep() ? notFinite(ownScore, step) : ownNotFinite(ownScore, step);
        }
        if (total.examples() > 0) {
            if (strategy.updatesHere()) {
                replica.weigh(own.examples(), total.examples());
                strategy.combine(replica, total, step);
                checkFinite(total, step);
                replica.update(total);
            } else {
                replica.average(own.examples());
                checkFinite(total, step);
                strategy.combine(replica, total, step);
                replica.endStep(total);
            }
            strategy.afterStep(replica, step);
            replica.parametersChanged();
        }
        return total;
    }

    private void checkFinite(StepSummary total, long step) {
        if (!replica.gradientsAreFinite()) {
            String whose = strategy.inLockStep() ? ", summed over all ranks," : " of " + ownMember();
            throw new GyreException("the gradients of step " + step + whose + " are not finite, though the loss is "
                    + total.meanScore() + "." + REMEDY);
        }
    }

    private Member ownMember() {
        return session.members().get(session.world().rank());
    }

    private GyreException ownNotFinite(double ownScore, long step) {
        return new GyreException("the loss of step " + step + " is " + ownScore + " on " + ownMember() + "." + REMEDY);
    }

    /** All ranks know that some rank's loss is not finite, and come here together to learn whose. */
    private GyreException notFinite(double ownScore, long step) {
        List<byte[]> scores = session.exchange(
                "losses of step " + step, Double.toString(ownScore).getBytes(StandardCharsets.UTF_8));
        StringBuilder failed = new StringBuilder();
        for (int rank = 0; rank < scores.size(); rank++) {
            double ofRank = Double.parseDouble(new String(scores.get(rank), StandardCharsets.UTF_8));
            if (!Double.isFinite(ofRank)) {
                failed.append(failed.isEmpty() ? "" : ", ")
                        .append(ofRank)
                        .append(" on ")
                        .append(session.members().get(rank));
            }
        }
        return new GyreException("the loss of step " + step + " is " + failed + "." + REMEDY);
    }
}
