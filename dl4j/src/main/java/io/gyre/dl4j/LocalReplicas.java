package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.dl4j.LocalRanks.OfRank;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.training.LocalState;
import io.gyre.training.UpdateStrategy;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The replicas of ranks that take local steps, and what their exchange remembers, on their way to a checkpoint and
 * back. The first rank of each group has the replica of all its ranks. Blocks are broadcast one after the other, so
 * that no rank needs room for more than one of them.
 *
 * <p>As long as no step was local, all replicas are equal, and the checkpoint is that of synchronous training.
 *
 * <dl>
 *   <dt>Order
 *   <dd>All ranks call the same methods together.
 *   <dt>Threading
 *   <dd>The thread that trains, between two steps.
 * </dl>
 */
final class LocalReplicas implements RankParts {

    private static final Logger LOG = LoggerFactory.getLogger(LocalReplicas.class);
    private static final String TOPIC = "state of local steps";
    private static final String COMMON = "common ";
    private static final String REPLICA = "replica ";
    private static final String OWN = "own ";
    private static final long BLOCK_BYTES = 1 << 20;

    private final Session session;
    private final UpdateStrategy strategy;
    private final LocalState local;
    private final Replica replica;

    /** Allocated when it is first used. */
    private @Nullable Region room;

    /** Creates the way for one rank. */
    LocalReplicas(Session session, UpdateStrategy strategy, LocalState local, Replica replica) {
        this.session = session;
        this.strategy = strategy;
        this.local = local;
        this.replica = replica;
    }

    private int own() {
        return session.world().rank();
    }

    /** The first rank of this one's group. */
    private int lead() {
        return strategy.reduction().equalRanks(session.world()).get(0);
    }

    @Override
    public Gathering gather(long step) {
        Gathering gathering =
                new Gathering((memory, rank) -> strategy.reduction().give(List.of(memory), rank));
        if (!local.replicasDiffer(step)) {
            return gathering;
        }
        OfRank mine = new OfRank(lead(), Checksums.ofState(replica.state()), local.counts());
        LocalRanks saved = new LocalRanks(
                local.settings(),
                RankTexts.exchange(session, TOPIC, mine.text(), step).stream()
                        .map(OfRank::parse)
                        .toList());
        gathering.add(Checkpoint.Part.text(LocalRanks.PART, saved::text));
        List<Region> common = local.common();
        for (int i = 0; i < common.size(); i++) {
            Region region = common.get(i);
            gathering.add(Checkpoint.Part.memory(COMMON + i, () -> List.of(region)));
        }
        for (int lead : saved.leads()) {
            gather(gathering, REPLICA, lead, replica.state());
        }
        for (int rank = 0; rank < saved.ranks().size(); rank++) {
            gather(gathering, OWN, rank, local.own());
        }
        return gathering;
    }

    /** A part of memory that this rank holds, or of the same shape as that of another. */
    private record Slice(String part, Region region, long offset, long length) {

        /** Those of a rank, in one order. */
        static List<Slice> of(String what, int rank, List<Region> memory) {
            List<Slice> slices = new ArrayList<>();
            for (Region region : memory) {
                for (long at = 0; at < region.byteLength(); at += BLOCK_BYTES) {
                    slices.add(new Slice(
                            what + rank + " " + slices.size(),
                            region,
                            at,
                            Math.min(BLOCK_BYTES, region.byteLength() - at)));
                }
            }
            return slices;
        }
    }

    private void gather(Gathering gathering, String what, int rank, List<Region> memory) {
        for (Slice each : Slice.of(what, rank, memory)) {
            gathering.add(new Gathering.Block(each.part(), rank, () -> {
                Region block = room().slice(0, each.length());
                if (rank == own()) {
                    block.copyFrom(0, each.region(), each.offset(), each.length());
                }
                return block;
            }));
        }
    }

    /** Room for a block of any rank: shared memory would have to be broadcast in place on all of them. */
    private Region room() {
        Region known = room;
        if (known == null) {
            known = Region.allocate("block of another rank", BLOCK_BYTES);
            room = known;
        }
        return known;
    }

    @Override
    public void restore(@Nullable CheckpointFile file, long step) {
        String text = OnRoot.call(session, TOPIC, () -> file == null ? "" : usable(file));
        if (text.isEmpty()) {
            return;
        }
        LocalRanks saved = LocalRanks.parse(text);
        List<Region> common = local.common();
        for (int i = 0; i < common.size(); i++) {
            if (file != null) {
                read(file, COMMON + i, common.get(i));
            }
            strategy.reduction().give(List.of(common.get(i)), 0);
        }
        for (int lead : saved.leads()) {
            give(file, Slice.of(REPLICA, lead, replica.state()), lead == lead());
        }
        boolean sameRanks = saved.ranks().size() == session.world().size();
        for (int rank = 0; sameRanks && rank < saved.ranks().size(); rank++) {
            give(file, Slice.of(OWN, rank, local.own()), rank == own());
        }
        replica.stateChanged();
        restore(saved, sameRanks, step);
    }

    /** Reads on rank 0, and gives all ranks, what those for which {@code isOwn} take. */
    private void give(@Nullable CheckpointFile file, List<Slice> slices, boolean isOwn) {
        for (Slice each : slices) {
            Region block = room().slice(0, each.length());
            if (file != null) {
                read(file, each.part(), block);
            }
            strategy.reduction().give(List.of(block), 0);
            if (isOwn) {
                each.region().copyFrom(each.offset(), block, 0, each.length());
            }
        }
    }

    private void restore(LocalRanks saved, boolean sameRanks, long step) {
        OfRank mine = sameRanks ? saved.ranks().get(own()) : null;
        try {
            local.restore(mine == null ? "" : mine.counts(), step);
        } catch (IllegalArgumentException e) {
            throw new GyreException("the checkpoint of step " + step + " cannot be used: " + e.getMessage(), e);
        }
        String has = Checksums.ofState(replica.state());
        if (mine != null && mine.lead() == lead() && !has.equals(mine.checksum())) {
            throw new GyreException(RankTexts.ownName(session) + " holds a replica with the checksum " + has
                    + ", and that in the checkpoint of step " + step + " has " + mine.checksum()
                    + ": it was changed on its way there. Start again, and have the memory of that host tested if it"
                    + " happens twice");
        }
    }

    /** What a checkpoint has; empty if its replicas are equal. */
    private String usable(CheckpointFile file) {
        try {
            LocalRanks saved = file.localRanks();
            if (saved == null) {
                return "";
            }
            Checkpoints.require("strategy", saved.settings(), local.settings());
            int ranks = session.world().size();
            if (saved.ranks().size() != ranks) {
                LOG.warn(
                        "The checkpoint is of {} ranks, and this run is one of {}: ranks that it does not have begin"
                                + " with the replica of rank 0, and what ranks that are no more have found since the"
                                + " last synchronisation is lost",
                        saved.ranks().size(),
                        ranks);
            }
            return saved.text();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static void read(CheckpointFile file, String part, Region memory) {
        try {
            file.read(part, List.of(memory));
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static GyreException unreadable(IOException e) {
        return new GyreException("the state of local steps in the checkpoint cannot be read: " + e.getMessage(), e);
    }

    /** Fails if the replicas in a checkpoint differ, and a strategy without local steps is to go on from it. */
    static void checkNone(@Nullable CheckpointFile file, String strategy) {
        try {
            LocalRanks saved = file == null ? null : file.localRanks();
            if (saved != null) {
                throw new GyreException("the checkpoint is of local steps (" + saved.settings()
                        + "), after which ranks have different replicas, and this program has " + strategy
                        + ". Resume with the same strategy, or begin with an exported model");
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
    }
}
