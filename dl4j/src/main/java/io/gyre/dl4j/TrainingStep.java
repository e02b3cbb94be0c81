package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.session.Session;
import io.gyre.session.UserCode;
import io.gyre.training.Bucket;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import io.gyre.training.UpdateStrategy;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One optimiser step on all ranks that are in step: backward pass, exchange, update. The exchange may overlap the
 * pass.
 */
final class TrainingStep {

    private static final String REMEDY =
            " No update was applied: the parameters are those before this step. Look for bad"
                    + " values in the data; else lower the learning rate, or clip the gradients.";

    private static final String UPDATE = "the update or a listener after it";
    private static final Logger LOG = LoggerFactory.getLogger(TrainingStep.class);
    private static final long STEPS_BETWEEN_WARNINGS = 100;

    private final Session session;
    private final Session inStep;
    private final UpdateStrategy strategy;
    private final Replica replica;
    private final MicroBatches batches;
    private final @Nullable GradientExchange duringPass;
    private final GradientSeals seals;
    private final ReplicaCheck replicas;
    private final UserCode code;
    private long exchangeNanos;
    private long exposedNanos;
    private long nextWarning;
    private boolean saidUnknown;

    /**
     * Creates the steps of one rank.
     *
     * @param session all who train
     * @param inStep those of them who take each step together
     * @param batches compute the gradients
     * @param duringPass exchanges gradients during backward passes; null to do it afterwards. Borrowed
     * @param seals of the gradients, until they are added up
     * @param replicas of those whose replicas are to be equal
     * @param code is told when the thread is in the model and its listeners
     */
    TrainingStep(
            Session session,
            Session inStep,
            UpdateStrategy strategy,
            Replica replica,
            MicroBatches batches,
            @Nullable GradientExchange duringPass,
            GradientSeals seals,
            ReplicaCheck replicas,
            UserCode code) {
        this.session = session;
        this.inStep = inStep;
        this.strategy = strategy;
        this.replica = replica;
        this.batches = batches;
        this.duringPass = duringPass;
        this.seals = seals;
        this.replicas = replicas;
        this.code = code;
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
        // The summary comes after the sums where it can, so that all ranks hear of it if one rank's have gone wrong.
        boolean early = isTogether() && strategy.combinesBuckets();
        seals.begin();
        double ownScore;
        if (duringPass != null) {
            ownScore = backwardAndExchange(duringPass, rows, examples, step);
        } else {
            ownScore = backward(rows, null, step);
            if (early) {
                addUpBuckets(examples, step);
            }
        }
        boolean finite = !early || replica.gradientsAreFinite();
        StepReport own =
                new StepReport(examples, ownScore, stop, share.fingerprint(), replicas.fingerprint(step, finite));
        StepSummary total = strategy.summarise(own, step);
        DataAgreement.check(total, share, inStep, step, epoch);
        warnOfUnknownData(total);
        replicas.compare(total, step);
        if (!finite) {
            throw sumsNotFinite(rows, total, step);
        }
        if (early) {
            warnOfScores(total, step);
        }
        if (total.examples() > 0) {
            if (!early && strategy.updatesHere()) {
                addUp(examples, total, step);
            }
            if (isTogether()) {
                replica.divideMeans(total.examples());
            }
            if (strategy.updatesHere()) {
                if (!early) {
                    checkFinite(total, step);
                }
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

    private int count(MultiDataSet rows, long step, int epoch) {
        String lacking = replica.network().lackingIn(rows);
        if (!lacking.isEmpty()) {
            throw new IllegalArgumentException("the batch of " + ownMember() + " for step " + step + " in epoch "
                    + epoch + " has no " + lacking + ": look at what the iterator or source returns");
        }
        return Rows.countTrained(rows);
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

    /**
     * Replaces this rank's gradients by the sums over all that are in step: one bucket while the next is on its way
     * from a device, and the one before on its way back.
     */
    private void addUpBuckets(long examples, long step) {
        weigh(examples);
        replica.bucketPlan().buckets().forEach(seals::seal);
        replica.beginExchange();
        long begin = System.nanoTime();
        HostSide side = replica.side();
        for (Bucket bucket : replica.bucketPlan().buckets()) {
            side.await(bucket.index());
            seals.check(bucket);
            strategy.combine(replica, bucket, step);
            side.giveBack(bucket.index());
        }
        waitedFor(begin);
        replica.endExchange();
    }

    /** The same by a strategy that takes all gradients at once. */
    private void addUp(long examples, StepSummary total, long step) {
        if (isTogether()) {
            weigh(examples);
        }
        replica.beginExchange();
        long begin = System.nanoTime();
        replica.side().awaitAll();
        strategy.combine(replica, total, step);
        replica.side().giveBackAll();
        waitedFor(begin);
        replica.endExchange();
    }

    private void weigh(long examples) {
        for (Bucket bucket : replica.bucketPlan().buckets()) {
            replica.weigh(bucket, examples);
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

    /** Where one rank alone knows: its own gradients, or sums of a strategy that takes all of them at once. */
    private void checkFinite(StepSummary total, long step) {
        if (!replica.gradientsAreFinite()) {
            throw gradientsNotFinite(total, step, "the first is " + NotFinite.first(replica));
        }
        warnOfScores(total, step);
    }

    /** Once for data that cannot be compared, until there are others. */
    private void warnOfUnknownData(StepSummary total) {
        boolean unknown = DataAgreement.anyUnknown(total);
        if (unknown && !saidUnknown && inStep.world().isRoot()) {
            LOG.warn(DataAgreement.unknown(total, inStep));
        }
        saidUnknown = unknown;
    }

    /**
     * A loss that is not finite while the gradients are says nothing about the update: Deeplearning4j trains on, and so
     * does this.
     */
    private void warnOfScores(StepSummary total, long step) {
        if (total.failedScores() > 0 && inStep.world().isRoot() && step >= nextWarning) {
            LOG.warn(
                    "The loss of step {} is {}, but the gradients are finite: training goes on. Of the next {} steps"
                            + " none is reported if it has such a loss too",
                    step,
                    failedScores(total),
                    STEPS_BETWEEN_WARNINGS);
            nextWarning = step + STEPS_BETWEEN_WARNINGS;
        }
    }

    /**
     * All ranks have found that the sums are not finite. A rank's own gradients were overwritten by them, so each
     * computes its own again, from the same parameters, examples and seeds.
     */
    private GyreException sumsNotFinite(@Nullable MultiDataSet rows, StepSummary total, long step) {
        replicas.check(step);
        backward(rows, null, step);
        return gradientsNotFinite(total, step, NotFinite.ofAllRanks(inStep, NotFinite.first(replica), step));
    }

    private GyreException gradientsNotFinite(StepSummary total, long step, String which) {
        String whose = strategy.inLockStep()
                ? ", summed over all ranks,"
                : isTogether() ? ", summed over the group of " + ownMember() + "," : " of " + ownMember();
        String what = total.failedScores() == 0
                ? "the gradients of step " + step + whose + " are not finite, though the loss is " + total.meanScore()
                : "the loss of step " + step + " is " + failedScores(total) + ", and the gradients" + whose
                        + " are not finite either";
        return new GyreException(what + ": " + which + "." + REMEDY);
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
