package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.session.Session;
import io.gyre.session.UserCode;
import io.gyre.training.GradientProgress;
import io.gyre.training.GradientReduction;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import io.gyre.training.StepWork;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one process computes and checks in an optimiser step, for each rank that it holds. {@link
 * io.gyre.training.StepDriver} calls it.
 *
 * <p>One object serves all steps: {@link #with} gives it the data of the next.
 */
final class TrainingStep implements StepWork {

    private static final String REMEDY =
            " No update was applied: the parameters are those before this step. Look for bad"
                    + " values in the data; else lower the learning rate, or clip the gradients.";

    private static final String PASS = "the backward pass or a listener in it";

    private static final Logger LOG = LoggerFactory.getLogger(TrainingStep.class);
    private static final long STEPS_BETWEEN_WARNINGS = 100;

    private final Session session;
    private final Session inStep;
    private final List<Integer> equalRanks;
    private final GradientReduction reduction;
    private final Replica replica;
    private final List<SeatPart> parts;
    private final TriedHooks hooks;
    private final ReplicaCheck replicas;
    private final UserCode code;
    private final @Nullable LossScale lossScale;
    private final BooleanSupplier regroup;
    private Share share = Share.own(null, false);
    private int segment;
    private int seat;
    private boolean stop;
    private long step;
    private int epoch;
    private boolean finite;
    private boolean overflow;
    private long replicaFingerprint;
    private long nextWarning;
    private boolean warnedOfUnknown;

    /**
     * Creates the steps of one rank.
     *
     * @param session all ranks that train
     * @param inStep those of them that take each step together
     * @param reduction of the gradients
     * @param parts of the ranks that this process holds, in the order of its seats
     * @param replicas check of the ranks whose replicas must be equal
     * @param code notified when the thread is in the model and its listeners
     * @param lossScale null if gradients that are not finite are always an error
     * @param regroup whether the ranks are to regroup after a step
     */
    TrainingStep(
            Session session,
            Session inStep,
            GradientReduction reduction,
            Replica replica,
            List<SeatPart> parts,
            ReplicaCheck replicas,
            UserCode code,
            @Nullable LossScale lossScale,
            BooleanSupplier regroup) {
        this.session = session;
        this.inStep = inStep;
        this.reduction = reduction;
        equalRanks = List.copyOf(reduction.equalRanks(session.world()));
        this.replica = replica;
        this.parts = List.copyOf(parts);
        this.replicas = replicas;
        this.code = code;
        this.lossScale = lossScale;
        this.regroup = regroup;
        hooks = new TriedHooks(replica, session.world().isRoot());
    }

    /**
     * Begins the next step, the first with these examples.
     *
     * @param ownShare the examples of this process's ranks
     * @param stops whether this rank's program asks to stop
     * @param number of the step, for seeds and errors
     * @param ofEpoch of the data, for errors
     */
    TrainingStep with(Share ownShare, boolean stops, long number, int ofEpoch) {
        share = ownShare;
        stop = stops;
        step = number;
        epoch = ofEpoch;
        for (int i = 0; i < parts.size(); i++) {
            MultiDataSet rows = ownShare.rows(i);
            int segments =
                    rows == null ? 0 : Segments.count(rows, replica.network().segmentLength());
            parts.get(i).with(rows, rows == null ? 0 : count(rows, i), segments);
        }
        begin(0);
        return this;
    }

    /**
     * Begins the next step with the same examples: with truncated backpropagation, that of their next segment; without
     * examples, if their sequences are over and those of other ranks are not.
     *
     * @param stops whether this rank's program asks to stop, which it then does until the share's last step
     * @param number of the step, for seeds and errors
     */
    void withNextSegment(boolean stops, long number) {
        stop |= stops;
        step = number;
        begin(segment + 1);
    }

    private void begin(int ofShare) {
        segment = ofShare;
        for (int i = 0; i < parts.size(); i++) {
            parts.get(i).begin(segment);
        }
        replica.checksums().begin();
        if (lossScale != null) {
            lossScale.use();
        }
    }

    private int count(MultiDataSet rows, int ofSeat) {
        String fault = replica.network().faultOf(rows);
        if (!fault.isEmpty()) {
            throw new IllegalArgumentException("the batch of " + member(ofSeat) + " for step " + step + " in epoch "
                    + epoch + " " + fault + ": look at what the iterator or source returns");
        }
        return replica.network().examplesIn(rows);
    }

    @Override
    public void seat(int index) {
        seat = index;
    }

    @Override
    public long examples() {
        return parts.get(seat).examples();
    }

    @Override
    public double backward(@Nullable GradientProgress progress) {
        SeatPart part = parts.get(seat);
        code.enter(PASS, step);
        try {
            return progress == null || examples() == 0
                    ? part.backward(null, step)
                    : hooks.run(heard -> part.backward(heard, step), progress);
        } finally {
            code.leave();
        }
    }

    @Override
    public StepReport report(double loss) {
        if (seat == 0) {
            // The sums are those of all seats.
            finite = !(hasPeersInStep() || examples() > 0) || replica.gradientsAreFinite();
            overflow = !finite && hasPeersInStep() && lossScale != null && lossScale.canFall();
            replicaFingerprint = replicas.fingerprint(step, finite);
        }
        return new StepReport(
                examples(),
                loss,
                stop,
                parts.get(seat).isUnfinished(),
                regroup.getAsBoolean(),
                overflow,
                share.fingerprint(),
                replicaFingerprint);
    }

    @Override
    public void check(StepSummary total) {
        DataAgreement.check(total, share, inStep, step, epoch);
        warnOfUnknownData(total);
        boolean allEqual = equalRanks.size() == total.reports().size();
        replicas.compare(allEqual ? total : total.of(equalRanks), step);
        if (hasPeersInStep()) {
            finite = replicas.sumsAreFinite(total);
        }
        if (!finite && !total.skipped()) {
            throw hasPeersInStep()
                    ? sumsNotFinite(total)
                    : gradientsNotFinite(total, "the first is " + NotFinite.first(replica));
        }
        if (lossScale != null && total.examples() > 0) {
            lossScale.stepDone(total.skipped(), step, inStep.world().isRoot());
        }
        if (finite) {
            warnOfScores(total);
        }
        ParameterSharing sharing = replica.sharing();
        if (sharing != null && replicas.anyNeedsOwnParameters(total)) {
            sharing.leave(step);
        }
    }

    /** Whether gradients of several ranks are reduced: a single rank is bit-identical to a plain {@code fit}. */
    private boolean hasPeersInStep() {
        return inStep.world().size() > 1;
    }

    /** Warns once for data that cannot be compared, until the data change. */
    private void warnOfUnknownData(StepSummary total) {
        boolean unknown = DataAgreement.anyUnknown(total);
        if (unknown && !warnedOfUnknown && inStep.world().isRoot()) {
            LOG.warn(DataAgreement.unknown(total, inStep));
        }
        warnedOfUnknown = unknown;
    }

    /**
     * A loss that is not finite does not affect the update if the gradients are finite: Deeplearning4j continues, and
     * so does this.
     */
    private void warnOfScores(StepSummary total) {
        if (total.failedScores() > 0 && inStep.world().isRoot() && step >= nextWarning) {
            LOG.warn(
                    "The loss of step {} is {}, but the gradients are finite: training continues. In the next {} steps"
                            + " such a loss is not reported again",
                    step,
                    failedScores(total),
                    STEPS_BETWEEN_WARNINGS);
            nextWarning = step + STEPS_BETWEEN_WARNINGS;
        }
    }

    /**
     * All ranks have found that the sums, or those of some groups, are not finite. The sums have overwritten each
     * rank's own gradients, so each computes its own again, from the same parameters, examples and seeds.
     */
    private GyreException sumsNotFinite(StepSummary total) {
        replicas.check(step);
        List<String> ofSeats = new ArrayList<>();
        for (SeatPart part : parts) {
            code.enter(PASS, step);
            try {
                part.backwardAlone(step);
            } finally {
                code.leave();
            }
            ofSeats.add(NotFinite.first(replica));
        }
        return gradientsNotFinite(total, NotFinite.ofAllRanks(inStep, ofSeats, step));
    }

    private GyreException gradientsNotFinite(StepSummary total, String which) {
        String whose = !hasPeersInStep()
                ? " of " + ownMember()
                : reduction.isLocal(step)
                        ? ", which is local,"
                        : inStep.world().size() == session.world().size()
                                ? ", summed over all ranks,"
                                : ", summed over the group of " + ownMember() + ",";
        String what = total.failedScores() == 0
                ? "the gradients of step " + step + whose + " are not finite, though the loss is " + total.meanScore()
                : "the loss of step " + step + " is " + failedScores(total) + ", and the gradients" + whose
                        + " are not finite either";
        return new NotFiniteException(what + ": " + which + "." + REMEDY);
    }

    private Member ownMember() {
        return member(0);
    }

    private Member member(int ofSeat) {
        return session.members().get(session.seats().get(ofSeat).world().rank());
    }

    /** Losses that are not finite, with their ranks. */
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
