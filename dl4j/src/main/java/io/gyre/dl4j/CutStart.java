package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.training.ServerState;
import io.gyre.training.StepDriver;
import io.gyre.training.UpdateStrategy;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Begins a run from a {@link Cut}, or makes room for those that it will write. The calls are made in the order of the
 * methods, by all ranks together.
 *
 * <p>A restarted worker makes them again: it gets what was told then, and changes nothing on the servers.
 */
final class CutStart {

    static final String VECTOR = "vector ";
    static final String REPLICA = "replica ";

    private static final Logger LOG = LoggerFactory.getLogger(CutStart.class);
    private static final byte[] NOTHING = {};

    private final Session session;
    private final String strategy;
    private final String description;
    private final ServerState server;
    private final StepDriver driver;
    private final Replica replica;
    private final Checkpoints checkpoints;
    private final CutMemory memory;

    /** From which the run continues; null if it is new. */
    private @Nullable Cut cut;

    CutStart(Session session, UpdateStrategy strategy, StepDriver driver, Replica replica, Checkpoints checkpoints) {
        this.session = session;
        this.strategy = strategy.name();
        description = strategy.description();
        server = Objects.requireNonNull(strategy.exchange().serverState());
        this.driver = driver;
        this.replica = replica;
        this.checkpoints = checkpoints;
        memory = new CutMemory(replica);
    }

    private int own() {
        return session.world().rank();
    }

    private boolean isRestarted() {
        return session.incarnation(own()) > 0;
    }

    /** Fails if a checkpoint with a cut is to be continued by ranks in lockstep. */
    static void checkNone(@Nullable CheckpointFile file, String strategy) {
        try {
            Cut found = file == null ? null : file.cut();
            if (found != null) {
                throw ofAnother(found.strategy(), strategy);
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private static GyreException ofAnother(String inFile, String inProgram) {
        return new GyreException("the checkpoint is of the strategy " + inFile + ", and this program has " + inProgram
                + ": they keep different states. Resume with the same strategy, or begin with an exported model");
    }

    private static GyreException unreadable(IOException e) {
        return new GyreException("the checkpoint cannot be read: " + e.getMessage(), e);
    }

    /**
     * Reads the cut on rank 0, whose replica has its parameters then; all ranks learn of it.
     *
     * @param ofRoot where rank 0 begins
     * @return where this rank begins
     */
    Progress read(Beginning ofRoot) {
        if (!ofRoot.isResumed()) {
            return ofRoot.progress();
        }
        Cut found = Cut.parse(OnRoot.call(session, "place of each rank", this::readOnRoot));
        cut = found;
        return own(found);
    }

    private String readOnRoot() {
        CheckpointFile file = checkpoints.resumed();
        if (file == null) {
            return "";
        }
        try {
            Cut found = file.cut();
            if (found == null) {
                throw ofAnother("allreduce", strategy);
            }
            if (!found.strategy().equals(strategy)) {
                throw ofAnother(found.strategy(), strategy);
            }
            checkRanks(found);
            file.read(VECTOR + 0, List.of(replica.parameters()));
            replica.parametersChanged();
            return found.text();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private void checkRanks(Cut found) {
        boolean sameRanks = found.ranks().size() == session.world().size();
        if (!sameRanks && found.dealing().firstEpoch() < 0) {
            long places = found.ranks().stream()
                    .flatMap(Optional::stream)
                    .map(rank -> List.of(
                            (long) rank.progress().epoch(), rank.progress().position()))
                    .distinct()
                    .count();
            if (places > 1) {
                throw new GyreException("the checkpoint is of " + found.ranks().size()
                        + " ranks, which were at different places of their shares of the data: resume with as many, and"
                        + " not with " + session.world().size());
            }
        }
        if (!sameRanks || !found.description().equals(description)) {
            LOG.info(
                    "the checkpoint is of {} ranks with '{}', and this run has {} with '{}': vectors are divided anew,"
                            + " and the ranks' clocks begin anew",
                    found.ranks().size(),
                    found.description(),
                    session.world().size(),
                    description);
        }
    }

    /** This rank's place; that of another if it had none. In dealt data all ranks are in the pass of the last. */
    private Progress own(Cut found) {
        boolean sameRanks = found.ranks().size() == session.world().size();
        List<Progress> present = found.ranks().stream()
                .flatMap(Optional::stream)
                .map(Cut.OfRank::progress)
                .toList();
        if (present.isEmpty()) {
            throw new GyreException("the checkpoint has the place of no rank");
        }
        Progress place =
                sameRanks ? found.ranks().get(own()).map(Cut.OfRank::progress).orElse(present.get(0)) : present.get(0);
        if (found.dealing().firstEpoch() < 0) {
            return place;
        }
        int last = present.stream().mapToInt(Progress::epoch).min().orElseThrow();
        return new Progress(
                place.step(),
                last,
                place.position(),
                place.mark(),
                place.data(),
                place.callsDone(),
                place.callStep(),
                place.callEpoch());
    }

    /** The servers have the parameters or the centre: gives them, and all replicas, the rest. */
    void restore() {
        if (server.replicasDiffer()) {
            server.makeRoom(replica.state());
        }
        Cut found = cut;
        if (found == null) {
            return;
        }
        OnRoot.call(session, "state of the servers", () -> {
            CheckpointFile file = checkpoints.resumed();
            if (file != null) {
                restoreOnRoot(file, found);
            }
            return "";
        });
        if (server.replicasDiffer() && server.lead() > 0 && !isRestarted()) {
            server.takeOwn(replica.state());
            replica.stateChanged();
        }
        driver.shareState();
        replica.stateChanged();
        verify(found);
        session.exchange("the replicas of a checkpoint that is resumed", NOTHING);
    }

    private void restoreOnRoot(CheckpointFile file, Cut found) {
        try {
            for (int vector = 1; vector < server.vectors(); vector++) {
                if (file.has(VECTOR + vector)) {
                    file.read(VECTOR + vector, List.of(memory.vector()));
                    server.write(vector, memory.vector());
                }
            }
            server.countFrom(found.updates());
            if (server.replicasDiffer()) {
                for (int lead = 1; lead < server.leads(); lead++) {
                    server.put(lead, replicaOf(lead, file));
                }
                file.readState(replica.state());
            }
            checkpoints.loaded();
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    /** One that was not there begins at the centre. */
    private List<Region> replicaOf(int lead, CheckpointFile file) throws IOException {
        List<Region> into = memory.replica();
        if (file.has(REPLICA + lead)) {
            file.read(REPLICA + lead, into);
        } else {
            into.forEach(Region::clear);
            file.read(VECTOR + 0, List.of(into.get(0)));
        }
        return into;
    }

    private void verify(Cut found) {
        boolean sameRanks = found.ranks().size() == session.world().size();
        String expected = sameRanks
                ? found.ranks().get(own()).map(Cut.OfRank::stateChecksum).orElse("")
                : "";
        if (expected.isEmpty() || isRestarted()) {
            return;
        }
        String has = Checksums.ofState(replica.state());
        if (!has.equals(expected)) {
            throw new GyreException(RankTexts.ownName(session) + " holds a replica with the checksum " + has
                    + ", and that in the checkpoint has " + expected
                    + ": it was changed on its way there. Start again, and have the memory of that host tested if it"
                    + " happens twice");
        }
    }

    /** The cut from which the run continues; null if it is new. */
    @Nullable Cut cut() {
        return cut;
    }
}
