package io.gyre.dl4j;

import io.gyre.Bucket;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.Session;
import io.gyre.StepReport;
import io.gyre.StepSummary;
import io.gyre.UpdateStrategy;
import io.gyre.UserCode;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** One optimiser step on all ranks that are in step: backward pass, exchange, update. The exchange may overlap the pass. */
final class TrainingStep {

    private static final String REMEDY =
            " No update was applied: the parameters are those before this step. Look for bad"
                    + " values in the data; else lower the learning rate, or clip the gradients.";

    private static final String UPDATE = "the update or a listener after it";

    private final Session session;
    private final Session inStep;
    private final UpdateStrategy strategy;
    private final Replica replica;
    private final MicroBatches batches;
    private final @Nullable GradientExchange duringPass;
    private final UserCode code;
    private long exchangeNanos;
    private long exposedNanos;

    /**
     * Creates the steps of one rank.
     *
     * @param session all who train
     * @param inStep those of them who take each step together
     * @param batches compute the gradients
     * @param duringPass exchanges gradients during backward passes; null to do it afterwards. Borrowed
     * @param code is told when the thread is in the model and its listeners
     */
    TrainingStep(
            Session session,
            Session inStep,
            UpdateStrategy strategy,
            Replica replica,
            MicroBatches batches,
            @Nullable GradientExchange duringPass,
            UserCode code) {
        this.session = session;
        this.inStep = inStep;
        this.strategy = strategy;
        this.replica = replica;
        this.batches = batches;
        this.duringPass = duringPass;
        this.code = code;
    }

    /**
     * Takes part in a step.
     *
     * @param rows this rank's examples; null if it has none
     * @param stop whether this rank's program asks to stop
     * @param step number of the step, for seeds and errors
     * @return what all in step brought; if that is no examples, nothing was updated
     */
    StepSummary run(@Nullable MultiDataSet rows, boolean stop, long step) {
        exchangeNanos = 0;
        exposedNanos = 0;
        if (rows != null || isTogether()) {
            long begin = System.nanoTime();
            strategy.beforeStep(replica, step);
            waitedFor(begin);
            replica.parametersChanged();
        }
        int examples = rows == null ? 0 : Rows.count(rows);
        double ownScore =
                duringPass == null ? backward(rows, null, step) : backwardAndExchange(duringPass, rows, examples, step);
        StepReport own = StepReport.of(examples, ownScore, stop);
        StepSummary total = strategy.summarise(own, step);
        if (total.failedScores() > 0) {
            throw notFinite(total, step);
        }
        if (total.examples() > 0) {
            if (strategy.updatesHere() || isTogether()) {
                addUp(own, total, step);
            }
            if (strategy.updatesHere()) {
                checkFinite(total, step);
                update(total, step);
            } else {
                replica.average(total.examples());
                replica.side().awaitAll();
                replica.side().giveBackAll();
                replica.endExchange();
                checkFinite(total, step);
                long begin = System.nanoTime();
                strategy.combine(replica, total, step);
                waitedFor(begin);
                endStep(total, step);
            }
            long begin = System.nanoTime();
            strategy.afterStep(replica, step);
            waitedFor(begin);
            replica.parametersChanged();
        }
        return total;
    }

    private double backward(@Nullable MultiDataSet rows, BackwardHooks.@Nullable Listener listener, long step) {
        code.enter("the backward pass or a listener in it", step);
        try {
            return batches.backward(rows, listener, step);
        } finally {
            code.leave();
        }
    }

    private double backwardAndExchange(
            GradientExchange exchange, @Nullable MultiDataSet rows, int examples, long step) {
        double score = exchange.begin(listener -> backward(rows, listener, step), examples, step);
        long begin = System.nanoTime();
        exchange.finish();
        exposedNanos += System.nanoTime() - begin;
        exchangeNanos += exchange.busyNanos();
        replica.endExchange();
        return score;
    }

    private void update(StepSummary total, long step) {
        code.enter(UPDATE, step);
        try {
            replica.update(total);
        } finally {
            code.leave();
        }
    }

    private void endStep(StepSummary total, long step) {
        code.enter(UPDATE, step);
        try {
            replica.endStep(total);
        } finally {
            code.leave();
        }
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

    private void checkFinite(StepSummary total, long step) {
        if (!replica.gradientsAreFinite()) {
            String whose = strategy.inLockStep()
                    ? ", summed over all ranks,"
                    : isTogether() ? ", summed over the group of " + ownMember() + "," : " of " + ownMember();
            throw new GyreException("the gradients of step " + step + whose + " are not finite, though the loss is "
                    + total.meanScore() + "." + REMEDY);
        }
    }

    private Member ownMember() {
        return session.members().get(session.world().rank());
    }

    private GyreException notFinite(StepSummary total, long step) {
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
        return new GyreException("the loss of step " + step + " is " + failed + "." + REMEDY);
    }
}
