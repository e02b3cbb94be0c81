package io.gyre.dl4j;

import io.gyre.Chunk;
import io.gyre.allreduce.DirectCollective;
import io.gyre.memory.MemoryBox;
import io.gyre.session.Session;
import io.gyre.training.Synchronous;
import io.gyre.training.UpdateStrategy;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Arranges a {@link ShardedUpdate}: decides, says why, and lets the ranks of a host share the updater's state and,
 * during {@code fit}, the parameters.
 */
final class UpdateShards {

    /**
     * By ResNet-50's figures in docs/benchmarks.md, one rank takes some milliseconds to update as many: of a shorter
     * vector there is little to divide.
     */
    static final long LEAST_ELEMENTS = 1 << 20;

    private static final String USER = "Deeplearning4j's updater";

    private static final int DIVIDES = 1;
    private static final int SHARES = 2;

    private static final Logger LOG = LoggerFactory.getLogger(UpdateShards.class);

    private UpdateShards() {}

    /**
     * Returns the strategy with which to train. All ranks call it together, when they have agreed on the model.
     *
     * @param overlap whether gradients are reduced during the backward pass
     * @param opened closes what is shared
     */
    static UpdateStrategy arrange(
            ShardedUpdate wanted,
            UpdateStrategy strategy,
            Session session,
            Replica replica,
            boolean overlap,
            Opened opened) {
        if (session.world().size() == 1 || !(strategy instanceof Synchronous synchronous)) {
            return strategy;
        }
        session.agree("update", Map.of("sharded", wanted.toString()));
        String obstacle = obstacle(session, replica);
        List<Integer> near = session.endpoint().boxes().ranks();
        long elements = replica.network().parameters().length();
        String reason = reason(wanted, obstacle, elements, near.size());
        DirectCollective sharers = reason.isEmpty() ? sharers(synchronous, session, near, opened) : null;
        if (sharers != null && !divide(sharers, replica, opened)) {
            sharers = null;
            reason = "there is no shared memory for the updater's state";
        }
        if (session.world().isRoot()) {
            say(wanted, reason, !obstacle.isEmpty(), near.size());
        }
        if (wanted != ShardedUpdate.OFF && obstacle.isEmpty() && replica.network() instanceof Network network) {
            share(sharers, network, session, replica, overlap, opened);
        }
        return sharers == null ? strategy : synchronous.sharded(sharers);
    }

    /**
     * Why this rank updates everything; empty if it is to update a part.
     *
     * @param near number of ranks that share memory with this one, itself included
     */
    static String reason(ShardedUpdate wanted, String obstacle, long elements, int near) {
        if (wanted == ShardedUpdate.OFF) {
            return "as requested";
        }
        if (!obstacle.isEmpty()) {
            return obstacle;
        }
        if (wanted == ShardedUpdate.AUTO && elements < LEAST_ELEMENTS) {
            return "they are " + elements + ", and ranks divide them from " + LEAST_ELEMENTS + " on";
        }
        return near == 1 ? "no other rank shares memory with this one" : "";
    }

    /** Why no update can be divided in this run; empty if it can. The same on all ranks. */
    private static String obstacle(Session session, Replica replica) {
        if (session.hasSeats()) {
            return "a process of this run may hold several ranks, or be replaced in the middle of an update";
        }
        if (!(replica.network() instanceof Network network)) {
            return "a graph of SameDiff is updated variable by variable";
        }
        if (!replica.reducesInPlace()) {
            return "gradients are not reduced where the model computes them";
        }
        return ElementwiseUpdates.obstacle(network);
    }

    /** The collective of the ranks of this host: in place in the gradients, if they were allocated with it. */
    private static DirectCollective sharers(Synchronous strategy, Session session, List<Integer> near, Opened opened) {
        if (strategy.collective() instanceof DirectCollective all) {
            return all;
        }
        DirectCollective ofHost = new DirectCollective(session.endpoint()
                .group(near.stream().mapToInt(Integer::intValue).toArray()));
        opened.onClose(ofHost::close);
        return ofHost;
    }

    /** Begins to divide the update; false, on all ranks of the host, if they cannot share the updater's state. */
    private static boolean divide(DirectCollective sharers, Replica replica, Opened opened) {
        Chunk chunk = Chunk.of(
                sharers.world().rank(),
                sharers.world().size(),
                replica.network().parameters().length());
        INDArray own = replica.updaterState();
        if (own == null) {
            replica.beginDividing(null, chunk);
            opened.onClose(replica::endDividing);
            return true;
        }
        MemoryBox box = sharers.allocateOnce(
                "updater-state", own.length() * own.dataType().width());
        if (box == null) {
            return false;
        }
        opened.onClose(box::close);
        INDArray shared = SharedGradients.arrayOver(box.region(), own);
        if (shared == null) {
            return false;
        }
        if (sharers.world().isRoot()) {
            shared.assign(own);
        }
        sharers.barrier(0);
        box.region().enter(USER);
        opened.onClose(() -> {
            replica.endDividing();
            box.region().exit();
        });
        replica.beginDividing(shared, chunk);
        return true;
    }

    /**
     * Lets ranks share parameters during calls of {@code fit}, if there are any that can. All ranks call it together,
     * also those that are alone on their hosts.
     *
     * @param sharers the ranks of this host that divide the update; null if they do not
     */
    private static void share(
            @Nullable DirectCollective sharers,
            Network network,
            Session session,
            Replica replica,
            boolean overlap,
            Opened opened) {
        String obstacle = ParameterOwners.obstacle(network);
        SharedParameters parameters =
                sharers == null || !obstacle.isEmpty() ? null : SharedParameters.allocate(network, sharers, opened);
        byte[] own = {(byte) (sharers == null ? 0 : parameters == null ? DIVIDES : DIVIDES | SHARES)};
        List<byte[]> all = session.exchange("what the ranks of each host share", own);
        RankTexts.checkPresent(session, all, 0);
        if (sharers == null && any(all, DIVIDES)) {
            // Alone on its host it updates everything, and compares what the others do.
            replica.beginDividing(null, new Chunk(0, network.parameters().length()));
            opened.onClose(replica::endDividing);
        }
        if (any(all, SHARES)) {
            ChunkSums sums = sharers == null || parameters == null || overlap
                    ? null
                    : sums(sharers, network, session, replica, opened);
            replica.shareParameters(
                    new ParameterSharing(session, network, parameters == null ? null : sharers, parameters, sums));
        }
        if (session.world().isRoot() && sharers != null) {
            LOG.info(
                    "Each rank has parameters of its own{}",
                    parameters != null
                            ? ", but during fit there is one copy on this host while the model has no listeners"
                            : obstacle.isEmpty() ? ": there is no shared memory for them" : ": " + obstacle);
        }
    }

    private static boolean any(List<byte[]> all, int bit) {
        return all.stream().anyMatch(each -> (each[0] & bit) != 0);
    }

    /** The sums of a rank's chunk; null if it needs all sums, or ranks do not add up in memory that they all share. */
    private static @Nullable ChunkSums sums(
            DirectCollective sharers, Network network, Session session, Replica replica, Opened opened) {
        boolean areAll = sharers.world().size() == session.world().size();
        return areAll && !ChunkUpdater.clips(network) && sharers.reducesInPlace(replica.gradients())
                ? ChunkSums.create(sharers, replica.gradients(), replica.elementType(), opened)
                : null;
    }

    private static void say(ShardedUpdate wanted, String reason, boolean impossible, int near) {
        if (reason.isEmpty()) {
            LOG.info(
                    "The {} ranks of this host update a part of the parameters each: {}",
                    near,
                    wanted == ShardedUpdate.ON ? "as requested" : "they share memory, and one copy of its state");
        } else if (wanted == ShardedUpdate.ON && impossible) {
            LOG.warn("Every rank updates all parameters, and not a part of them: {}", reason);
        } else {
            LOG.info("Every rank updates all parameters: {}", reason);
        }
    }
}
