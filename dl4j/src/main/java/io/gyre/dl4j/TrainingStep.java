package io.gyre.dl4j;

import io.gyre.Bucket;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.Session;
import io.gyre.StepReport;
import io.gyre.StepSummary;
import io.gyre.UpdateStrategy;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One optimiser step on all ranks that are in step: backward pass, exchange, update. The exchange may overlap the pass. */
final class TrainingStep {

    private static final String REMEDY =
            " No update was applied: the parameters are those before this step. Look for bad"
                    + " values in the data; else lower the learning rate, or clip the gradients.";

    private static final Logger LOG = LoggerFactory.getLogger(TrainingStep.class);
    private static final long STEPS_BETWEEN_WARNINGS = 100;

    private final Session session;
    private final Session inStep;
    private final UpdateStrategy strategy;
    private final Replica replica;
    private final MicroBatches batches;
    private final @Nullable GradientExchange duringPass;
    private long exchangeNanos;
    private long exposedNanos;
    private long nextWarning;

    /**
     * Creates the steps of one rank.
     *
     * @param session all who train
     * @param inStep those of them who take each step together
     * @param batches compute the gradients
     * @param duringPass exchanges gradients during backward passes; null to do it afterwards. Borrowed
     */
    TrainingStep(
            Session session,
            Session inStep,
            UpdateStrategy strategy,
            Replica replica,
            MicroBatches batches,
            @Nullable GradientExchange duringPass) {
        this.session = session;
        this.inStep = inStep;
        this.strategy = strategy;
        this.replica = replica;
        this.batches = batches;
        this.duringPass = duringPass;
    }

    /**
     * Takes part in a step.
     *
     * @param share this rank's examples
     * @param stop whether this rank's program asks to stop
     * @param step number of the step, for seeds and errors
     * @param epoch of the data, for errors
     * @return what all in step brought; if that is no examples, nothing was updated
     */
    StepSummary run(Share share, boolean stop, long step, int epoch) {
        MultiDataSet rows = share.rows();
        exchangeNanos = 0;
        exposedNanos = 0;
        if (rows != null || isTogether()) {
            long begin = System.nanoTime();
            strategy.beforeStep(replica, step);
            waitedFor(begin);
            replica.parametersChanged();
        }
        int examples = rows == null ? 0 : count(rows, step, epoch);
        double ownScore = duringPass == null
                ? batches.backward(rows, null, step)
                : backwardAndExchange(duringPass, rows, examples, step);
        StepReport own = new StepReport(examples, ownScore, stop, share.fingerprint(), 0);
        StepSummary total = strategy.summarise(own, step);
        DataAgreement.check(total, share, inStep, step, epoch);
        if (total.examples() > 0) {
            if (strategy.updatesHere() || isTogether()) {
                addUp(own, total, step);
            }
            if (strategy.updatesHere()) {
                checkFinite(total, step);
                replica.update(total);
            } else {
                replica.average(total.examples());
                replica.side().awaitAll();
                replica.side().giveBackAll();
                replica.endExchange();
                checkFinite(total, step);
                long begin = System.nanoTime();
                strategy.combine(replica, total, step);
                waitedFor(begin);
                replica.endStep(total);
            }
            long begin = System.nanoTime();
            strategy.afterStep(replica, step);
            waitedFor(begin);
            replica.parametersChanged();
        }
        return total;
    }

    private int count(MultiDataSet rows, long step, int epoch) {
        String lacking = replica.network().lackingIn(rows);
        if (!lacking.isEmpty()) {
            throw new IllegalArgumentException("the batch of " + ownMember() + " for step " + step + " in epoch "
                    + epoch + " has no " + lacking + ": look at what the iterator or source returns");
        }
        return Rows.countTrained(rows);
    }

    private double backwardAndExchange(
            GradientExchange exchange, @Nullable MultiDataSet rows, int examples, long step) {
        double score = exchange.begin(listener -> batches.backward(rows, listener, step), examples, step);
        long begin = System.nanoTime();
        exchange.finish();
        exposedNanos += System.nanoTime() - begin;
        exchangeNanos += exchange.busyNanos();
        replica.endExchange();
        return score;
    }

    /** Replaces this rank's gradients by the sums over all that are in step, unless that has been done during the pass. */
    private void addUp(StepReport own, StepSummary total, long step) {
        if (duringPass == null) {
            if (isTogether()) {
                for (Bucket bucket : replica.bucketPlan().buckets()) {
                    replica.weigh(bucket, own.examples());
                }
            }
            replica.beginExchange();
            long begin = System.nanoTime();
            if (!strategy.updatesHere() || (replica.isStaged() && strategy.combinesBuckets())) {
                combineBuckets(step);
            } else {
                replica.side().awaitAll();
                strategy.combine(replica, total, step);
                replica.side().giveBackAll();
            }
            waitedFor(begin);
            replica.endExchange();
        }
        if (isTogether()) {
            replica.divideMeans(total.examples());
        }
    }

    /** Combines one bucket while the next is on its way from a device, and the one before on its way back. */
    private void combineBuckets(long step) {
        HostSide side = replica.side();
        for (Bucket bucket : replica.bucketPlan().buckets()) {
            side.await(bucket.index());
            strategy.combine(replica, bucket, step);
            side.giveBack(bucket.index());
        }
    }

    private void waitedFor(long beginNanos) {
        long nanos = System.nanoTime() - beginNanos;
        exchangeNanos += nanos;
        exposedNanos += nanos;
    }

    /** Whether gradients of several ranks are added up: one rank alone has the bits of a plain {@code fit}. */
    private boolean isTogether() {
        return inStep.world().size() > 1;
    }

    /** How long the exchange of the last step took. */
    long exchangeNanos() {
        return exchangeNanos;
    }

    /** How much of that the step waited. */
    long exposedNanos() {
        return exposedNanos;
    }

    /** A loss that is not finite while the gradients are says nothing about the update: Deeplearning4j trains on, and so does this. */
    private void checkFinite(StepSummary total, long step) {
        boolean failedScore = total.failedScores() > 0;
        if (!replica.gradientsAreFinite()) {
            String whose = strategy.inLockStep()
                    ? ", summed over all ranks,"
                    : isTogether() ? ", summed over the group of " + ownMember() + "," : " of " + ownMember();
            throw new GyreException(
                    failedScore
                            ? "the loss of step " + step + " is " + failedScores(total)
                                    + ", and the gradients are not finite either." + REMEDY
                            : "the gradients of step " + step + whose + " are not finite, though the loss is "
                                    + total.meanScore() + "." + REMEDY);
        }
        if (failedScore && inStep.world().isRoot()) {
            warn(total, step);
        }
    }

    private void warn(StepSummary total, long step) {
        if (step >= nextWarning) {
            LOG.warn(
                    "The loss of step {} is {}, but the gradients are finite: training goes on. Of the next {} steps none is"
                            + " reported if it has such a loss too",
                    step,
                    failedScores(total),
                    STEPS_BETWEEN_WARNINGS);
            nextWarning = step + STEPS_BETWEEN_WARNINGS;
        }
    }

    private Member ownMember() {
        return session.members().get(session.world().rank());
    }

    /** Losses that are not finite, and whose. */
    private String failedScores(StepSummary total) {
        StringBuilder failed = new StringBuilder();
        for (int rank = 0; rank < total.reports().size(); rank++) {
            StepReport report = total.reports().get(rank);
            if (report.hasFailedScore()) {
                failed.append(failed.isEmpty() ? "" : ", ")
                        .append(report.score())
                        .append(" on ")
                        .append(inStep.members().get(rank));
            }
        }
        return failed.toString();
    }
}
