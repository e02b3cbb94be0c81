package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.training.StepReport;
import io.gyre.training.StepSummary;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Checks that replicas which should be equal are: a slice in every step, before its update, and all of them on request.
 * A difference fails all ranks alike, with an error that names the differing rank.
 *
 * <dl>
 *   <dt>What is compared
 *   <dd>In a step: a slice of parameters, updater state and the gradients' sums, and whether the sums are finite. On
 *       request: all parameters and updater state. Of a rank's own gradients: whether they were reduced as its pass
 *       left them.
 *   <dt>What cannot be detected
 *   <dd>A pass, or data, that produced wrong gradients: all ranks then get the same wrong sum.
 *   <dt>Cost
 *   <dd>A CRC32C at memory bandwidth. Nothing for a single rank.
 * </dl>
 */
final class ReplicaCheck {

    /** Above the 32 bits of the checksum. */
    private static final long SUMS_NOT_FINITE = 1L << 32;

    private static final long GRADIENT_CHANGED = 1L << 33;

    /** What a rank reports about itself, and is not compared. */
    private static final long OWN_PARAMETERS = 1L << 34;

    /** One rank for each process: those of a process have one replica. */
    private final Session session;

    private final List<Integer> leads;
    private final boolean alone;
    private final Replica replica;
    private final long leastSliceBytes;

    private @Nullable ReplicaSlices slices;
    private @Nullable DataBuffer parameters;
    private @Nullable INDArray updaterState;
    private @Nullable Region sums;

    /**
     * Creates the check of one rank.
     *
     * @param inStep the ranks whose replicas must be equal
     * @param leastSliceBytes see {@link ReplicaSlices}
     */
    ReplicaCheck(Session inStep, Replica replica, long leastSliceBytes) {
        session = inStep.ofLeads();
        leads = inStep.seating().leads();
        alone = inStep.world().size() == 1;
        this.replica = replica;
        this.leastSliceBytes = leastSliceBytes;
    }

    /**
     * This rank's fingerprint of its replica in a step: see {@link StepReport#replicaFingerprint}.
     *
     * @param sumsAreFinite whether the sums of the gradients, if there are any, hold no NaN and no infinity
     */
    long fingerprint(long step, boolean sumsAreFinite) {
        long finite = sumsAreFinite ? 0 : SUMS_NOT_FINITE;
        if (alone) {
            return finite;
        }
        return slices().crc32c(step)
                | finite
                | (replica.gradientsAreWhole() ? 0 : GRADIENT_CHANGED)
                | (replica.needsOwnParameters() ? OWN_PARAMETERS : 0);
    }

    /** Created again whenever the model has a new vector, or other memory for one. */
    @SuppressWarnings("ReferenceEquality")
    private ReplicaSlices slices() {
        DataBuffer parametersNow = replica.network().parameterVector().data();
        INDArray updaterStateNow = replica.updaterState();
        Region sumsNow = replica.gradients();
        ReplicaSlices current = slices;
        if (current == null || parameters != parametersNow || updaterState != updaterStateNow || sums != sumsNow) {
            current = new ReplicaSlices(replica.parts(), leastSliceBytes);
            slices = current;
            parameters = parametersNow;
            updaterState = updaterStateNow;
            sums = sumsNow;
        }
        return current;
    }

    /**
     * Fails unless all ranks reported the same fingerprint and intact gradients. All ranks call it with the same
     * summary.
     */
    void compare(StepSummary total, long step) {
        List<StepReport> reports = total.reports();
        for (StepReport report : reports) {
            if ((report.replicaFingerprint() & GRADIENT_CHANGED) != 0) {
                throw changedGradients(step);
            }
        }
        long ofFirst = compared(reports.get(0));
        for (int i = 1; i < leads.size(); i++) {
            if (compared(reports.get(leads.get(i))) != ofFirst) {
                ReplicaVote vote = ReplicaVote.of(
                        leads.stream().map(rank -> compared(reports.get(rank))).toList());
                throw new ReplicaDifference(session, step).describe(vote, replica.parts());
            }
        }
    }

    /** Ranks that divide the update have looked at different sums. */
    private long compared(StepReport report) {
        long own = replica.isDivided() ? OWN_PARAMETERS | SUMS_NOT_FINITE : OWN_PARAMETERS;
        return report.replicaFingerprint() & ~own;
    }

    /** Whether on any rank a program may change the parameters from now on, so that each needs its own. */
    boolean anyNeedsOwnParameters(StepSummary total) {
        List<StepReport> reports = total.reports();
        for (int rank = 0; rank < reports.size(); rank++) {
            if ((reports.get(rank).replicaFingerprint() & OWN_PARAMETERS) != 0) {
                return true;
            }
        }
        return false;
    }

    /** Whether no rank has found NaN or infinity in the sums that it uses. */
    boolean sumsAreFinite(StepSummary total) {
        List<StepReport> reports = total.reports();
        for (int rank = 0; rank < reports.size(); rank++) {
            if ((reports.get(rank).replicaFingerprint() & SUMS_NOT_FINITE) != 0) {
                return false;
            }
        }
        return true;
    }

    private GyreException changedGradients(long step) {
        List<ChangedGradients> found = replica.changedGradients(session.world().rank());
        List<String> all =
                RankTexts.exchange(session, "changed gradients of step " + step, ChangedGradients.text(found), step);
        List<String> broken = new ArrayList<>();
        for (ChangedGradients each : ChangedGradients.parse(all)) {
            broken.add("on " + session.members().get(each.rank()) + ", first " + each.where());
        }
        return new GyreException("the gradients of step " + step
                + " were changed between the backward pass and their sum: " + String.join("; ", broken)
                + ". No update was applied: the parameters are those before this step. If a listener changes gradients"
                + " after the pass, train without overlap; if there is none, have the memory of that host tested.");
    }

    /**
     * Compares all parameters and updater state; all ranks call it together.
     *
     * @param step number of steps so far
     */
    void check(long step) {
        if (!alone) {
            agree(step);
        }
    }

    /** As {@link #check}; returns the checksum of the common state, see {@link Checksums#ofState}. */
    String agree(long step) {
        String own = Checksums.ofState(replica.state());
        if (!alone) {
            ReplicaVote vote = ReplicaVote.of(ofAllRanks(own, step));
            if (!vote.isUnanimous()) {
                throw new ReplicaDifference(session, step).describe(vote, replica.stateParts());
            }
        }
        return own;
    }

    /**
     * Fails unless all ranks hold the state with this checksum; all ranks call it together.
     *
     * @param what name of that state, for errors
     */
    void verify(String expected, String what, long step) {
        String own = Checksums.ofState(replica.state());
        List<String> all = alone ? List.of(own) : ofAllRanks(own, step);
        List<String> wrong = new ArrayList<>();
        for (int rank = 0; rank < all.size(); rank++) {
            if (!all.get(rank).equals(expected)) {
                wrong.add(session.members().get(rank) + " holds " + all.get(rank));
            }
        }
        if (!wrong.isEmpty()) {
            throw new GyreException("the state of " + what + " has the checksum " + expected + ", but "
                    + String.join(", ", wrong)
                    + ". It was changed on its way there: start again, and have the memory of that host tested if it"
                    + " happens twice.");
        }
    }

    private List<String> ofAllRanks(String own, long step) {
        return RankTexts.exchange(session, "checksums after step " + step, own, step);
    }
}
