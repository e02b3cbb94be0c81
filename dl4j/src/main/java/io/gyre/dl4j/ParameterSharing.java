package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.allreduce.DirectCollective;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.util.List;
import java.util.Set;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.listeners.CollectScoresIterationListener;
import org.deeplearning4j.optimize.listeners.CollectScoresListener;
import org.deeplearning4j.optimize.listeners.PerformanceListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.deeplearning4j.optimize.listeners.TimeIterationListener;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ranks of a host have one copy of the parameters during a call of {@code fit}, and each its own between calls. They
 * do not while the model has listeners: all ranks have them, so one that changes parameters would change the common copy
 * once for each rank, and it may read the whole update, of which a rank has a part.
 *
 * <dl>
 *   <dt>Order
 *   <dd>{@link #begin} on all ranks together; {@link #end} at the end of the call, or {@link #abandon} if it fails.
 *   <dt>Threading
 *   <dd>The thread that trains.
 *   <dt>Ownership
 *   <dd>Everything is borrowed.
 * </dl>
 */
final class ParameterSharing {

    private static final int NO_BUCKET = -1;

    /** They read the score, and the size of the batch. */
    private static final Set<Class<?>> HARMLESS = Set.of(
            ScoreIterationListener.class,
            PerformanceListener.class,
            TimeIterationListener.class,
            CollectScoresIterationListener.class,
            CollectScoresListener.class);

    private static final Logger LOG = LoggerFactory.getLogger(ParameterSharing.class);

    private final Session session;
    private final Network network;
    private final @Nullable DirectCollective sharers;
    private final @Nullable SharedParameters parameters;
    private final @Nullable ChunkSums sums;
    private boolean inParts;

    /**
     * Creates the sharing of one rank.
     *
     * @param sharers the ranks of this host; null if they share nothing, and others do
     * @param parameters theirs; null with {@code sharers}
     * @param sums if all ranks share memory, and each needs the sums of its chunk only; else null
     */
    ParameterSharing(
            Session session,
            Network network,
            @Nullable DirectCollective sharers,
            @Nullable SharedParameters parameters,
            @Nullable ChunkSums sums) {
        this.session = session;
        this.network = network;
        this.sharers = sharers;
        this.parameters = parameters;
        this.sums = sums;
    }

    /** Begins a call of {@code fit}: the ranks share if they all may. They have the same parameters, or all fail. */
    void begin(ReplicaCheck replicas, long step) {
        byte[] own = {(byte) (isAllowedNow() ? 1 : 0)};
        List<byte[]> all = session.exchange("who may share its parameters", own);
        RankTexts.checkPresent(session, all, step);
        if (all.stream().anyMatch(each -> each[0] == 0)) {
            return;
        }
        replicas.check(step);
        if (parameters != null) {
            parameters.enter();
        }
    }

    /** Whether the model has no listener that might change parameters or read the update. */
    boolean isAllowedNow() {
        List<TrainingListener> listeners = network.listeners();
        for (int i = 0; i < listeners.size(); i++) {
            if (!HARMLESS.contains(listeners.get(i).getClass())) {
                return false;
            }
        }
        return true;
    }

    /** Whether this rank shares its parameters now. */
    boolean isUsed() {
        return parameters != null && parameters.areUsed();
    }

    /** Whether all ranks that train share them now: there is one copy. */
    boolean isOfAllRanks() {
        return isUsed()
                && sharers != null
                && sharers.world().size() == session.world().size();
    }

    /** How ranks add up those gradients now; null if each needs all sums. */
    @Nullable ChunkSums sumsOf(Region gradients) {
        return sums != null && isUsed() && sums.areOf(gradients) ? sums : null;
    }

    /** This rank begins to update its chunk, after all have arrived there. */
    void beginUpdate() {
        if (parameters != null) {
            inParts = true;
            parameters.beginUpdate();
        }
    }

    /** This rank has updated its chunk. */
    void finishUpdate() {
        if (parameters != null) {
            parameters.finishUpdate();
        }
    }

    /** In the middle of a call, before an update: each rank has its own parameters from now on. All do the same. */
    void leave(long step) {
        if (parameters != null && !parameters.leave()) {
            throw torn(step);
        }
        inParts = false;
    }

    /**
     * Ends a call: each rank has its own parameters again, and the whole of the last update in its gradients. All ranks
     * call it together.
     */
    void end(Replica replica, long step) {
        if (isUsed() && inParts && sharers != null) {
            sharers.allGather(replica.gradients(), replica.elementType(), step, NO_BUCKET);
        }
        leave(step);
    }

    /** As {@link #end}, when this rank has failed: adds to the failure if the parameters are of no step. */
    void abandon(long step, Throwable failure) {
        inParts = false;
        if (parameters != null && !parameters.leave()) {
            GyreException torn = torn(step);
            LOG.error(torn.getMessage());
            failure.addSuppressed(torn);
        }
    }

    private GyreException torn(long step) {
        return new GyreException("the parameters of " + RankTexts.ownName(session) + " are between steps " + step
                + " and " + (step + 1) + ", since a rank of its host has failed in the middle of an update, and are NaN"
                + " now: go on from a checkpoint. With shardedUpdate(OFF) each rank has parameters of its own");
    }
}
