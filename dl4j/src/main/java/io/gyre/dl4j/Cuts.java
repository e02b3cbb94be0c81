package io.gyre.dl4j;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import io.gyre.training.ServerState;
import io.gyre.training.StepDriver;
import io.gyre.training.UpdateStrategy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checkpoints of ranks that are not in lockstep: at a {@link ServerState cut} all ranks wait for each other, and rank 0
 * writes what the servers hold, where each rank is, and the replicas, if each has its own.
 *
 * <p><b>Meeting.</b> Ranks come to a cut in the middle of their steps, and for different reasons: after so many steps,
 * at the end of an epoch, at a border in dealt data. One that takes no more steps in its call of {@code fit} comes to
 * every cut until all have come to the same one at their end. So however unequal the ranks are, none waits in vain.
 *
 * <p><b>Restarted workers</b> make the calls of their predecessors again ({@code Session.exchange}), these meetings
 * too. Rank 0 writes only if all others say that they have met this very process.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>The thread that trains.
 * </dl>
 */
final class Cuts {

    private static final Logger LOG = LoggerFactory.getLogger(Cuts.class);
    private static final char DONE = '+';
    private static final long NOBODY = 0;

    private final Session session;
    private final Replica replica;
    private final Checkpoints checkpoints;
    private final StepDriver driver;
    private final @Nullable ServerState server;
    private final String strategy;
    private final String description;
    private final SplittableRandom random = new SplittableRandom();
    private final CutMemory memory;

    /** Of the data in use. */
    private @Nullable ShardedData data;

    /** What the resumed run had trained on; null if that is known to the data, or if there was none. */
    private @Nullable Dealing earlier;

    /** Where all ranks were when the last checkpoint was written. */
    private List<Progress> saved = List.of();

    Cuts(Session session, UpdateStrategy strategy, StepDriver driver, Replica replica, Checkpoints checkpoints) {
        this.session = session;
        this.driver = driver;
        this.replica = replica;
        this.checkpoints = checkpoints;
        this.strategy = strategy.name();
        description = strategy.description();
        server = checkpoints.areWritten() ? strategy.exchange().serverState() : null;
        memory = new CutMemory(replica);
    }

    /** Whether checkpoints are written, of ranks that are not in lockstep. */
    boolean areOn() {
        return server != null;
    }

    private ServerState server() {
        return Objects.requireNonNull(server);
    }

    /** Continues where another run was: see {@link CutStart}. */
    void continueFrom(Cut cut) {
        earlier = cut.dealing();
        saved = cut.ranks().stream()
                .flatMap(Optional::stream)
                .map(Cut.OfRank::progress)
                .toList();
    }

    /**
     * A call of {@code fit} begins.
     *
     * @param continued whether in the data in which the resumed run was
     */
    void beginCall(ShardedData next, boolean continued) {
        data = next;
        long every = checkpoints.everySteps();
        if (every > 0) {
            next.setBorders(
                    every > Long.MAX_VALUE / 2 / session.world().size()
                            ? Long.MAX_VALUE / 2
                            : every * session.world().size());
        }
        Dealing known = earlier;
        earlier = null;
        if (continued && known != null && known.firstEpoch() >= 0) {
            next.continueFrom(known);
        }
    }

    /** A checkpoint, if one is due after a batch. Returns the step at which this rank continues. */
    long afterBatch(Progress progress, long stepsBefore) {
        boolean due = !Objects.requireNonNull(data).hasBorders() && checkpoints.isDue(progress, stepsBefore);
        return due ? cut(progress) : progress.step();
    }

    /** A checkpoint, if one is due after an epoch. Returns the step at which this rank continues. */
    long afterEpoch(Progress progress) {
        return checkpoints.isDueAfterEpoch(progress) ? cut(progress) : progress.step();
    }

    /** A checkpoint at a border in dealt data. Returns the step at which this rank continues. */
    long cut(Progress progress) {
        meet(progress, false);
        return driver.resume(progress.step());
    }

    /** A checkpoint at the end of a call of {@code fit}, and before, as long as other ranks take steps. */
    void endCall(Progress progress) {
        while (!meet(progress, true)) {
            driver.resume(progress.step());
        }
    }

    /** Returns whether all ranks are at the end of their call. */
    private boolean meet(Progress progress, boolean atEnd) {
        long begin = System.nanoTime();
        server().pause();
        ShardedData in = Objects.requireNonNull(data);
        String checksum = server().replicasDiffer() ? Checksums.ofState(replica.state()) : "";
        Arrival own = new Arrival(
                random.nextLong(1, 1L << 59),
                atEnd,
                server().lead(),
                in.lastBorder(),
                in.unread(),
                new Cut.OfRank(progress, checksum));
        List<byte[]> arrivals = session.exchange("a checkpoint of ranks that are not in step", own.bytes());
        if (server().lead() > 0 && server().replicasDiffer()) {
            server().putOwn(replica.state());
        }
        List<byte[]> met = session.exchange("the replicas of a checkpoint", nonces(arrivals));
        List<Optional<Arrival>> all = asOthersSawThem(arrivals, met);
        List<Arrival> present = all.stream().flatMap(Optional::stream).toList();
        boolean allAtEnd = present.stream().allMatch(Arrival::atEnd);
        in.passBorder(present.stream().mapToLong(Arrival::border).max().orElse(0));
        save(own, all, met, allAtEnd);
        LOG.debug("the checkpoint took {} us", (System.nanoTime() - begin) / 1_000);
        return allAtEnd;
    }

    private static byte[] nonces(List<byte[]> arrivals) {
        ByteBuffer nonces = ByteBuffer.allocate(arrivals.size() * Long.BYTES);
        for (byte[] arrival : arrivals) {
            nonces.putLong(arrival.length == 0 ? NOBODY : Arrival.of(arrival).nonce());
        }
        return nonces.array();
    }

    /** What is repeated for a restarted worker has its own value where the others saw nobody. */
    private List<Optional<Arrival>> asOthersSawThem(List<byte[]> arrivals, List<byte[]> met) {
        int own = session.world().rank();
        List<Optional<Arrival>> all = new ArrayList<>();
        for (int rank = 0; rank < arrivals.size(); rank++) {
            boolean isHere = arrivals.get(rank).length > 0 && !(rank == own && seen(own, NOBODY, met));
            all.add(isHere ? Optional.of(Arrival.of(arrivals.get(rank))) : Optional.empty());
        }
        return all;
    }

    /** Whether another rank says that it saw a process with that nonce as a rank. */
    private boolean seen(int rank, long nonce, List<byte[]> met) {
        for (int other = 0; other < met.size(); other++) {
            byte[] answer = met.get(other);
            if (other != session.world().rank() && answer.length > 0) {
                return ByteBuffer.wrap(answer).getLong(rank * Long.BYTES) == nonce;
            }
        }
        return false;
    }

    private void save(Arrival own, List<Optional<Arrival>> all, List<byte[]> met, boolean allAtEnd) {
        List<Progress> places = all.stream()
                .flatMap(Optional::stream)
                .map(arrival -> arrival.place().progress())
                .toList();
        Progress progress = own.place().progress();
        String outcome = "";
        if (session.world().isRoot() && isMet(own, met) && !places.equals(saved)) {
            outcome = write(all, progress);
            saved = outcome.isEmpty() ? places : List.of();
        }
        byte[] ofRoot = session.exchange("the file of a checkpoint", (DONE + outcome).getBytes(StandardCharsets.UTF_8))
                .get(0);
        String failure = ofRoot.length == 0
                ? "no checkpoint is written: " + session.members().get(0) + ", which writes them, was lost"
                : new String(ofRoot, StandardCharsets.UTF_8).substring(1);
        if (failure.isEmpty()) {
            return;
        }
        if (allAtEnd && ofRoot.length > 0 && checkpoints.areRequired()) {
            throw Checkpoints.inModelOnly(failure, progress);
        }
        int first = 0;
        while (first < all.size() && all.get(first).isEmpty()) {
            first++;
        }
        if (first == session.world().rank()) {
            Checkpoints.warn(failure);
        }
    }

    /** Whether the others have met this process here, and not one before it. */
    private boolean isMet(Arrival own, List<byte[]> met) {
        boolean alone = met.stream().filter(answer -> answer.length > 0).count() == 1;
        return alone || seen(session.world().rank(), own.nonce(), met);
    }

    /** Returns what failed; empty if nothing did. The loss of a server ends the training. */
    private String write(List<Optional<Arrival>> all, Progress progress) {
        try {
            checkpoints.write(progress, parts(all));
            return "";
        } catch (PeerLostException | PeerTimeoutException e) {
            throw e;
        } catch (GyreException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private List<Checkpoint.Part> parts(List<Optional<Arrival>> all) {
        List<Checkpoint.Part> parts = new ArrayList<>();
        long[] updates = new long[1];
        for (int i = 0; i < server().vectors(); i++) {
            int vector = i;
            parts.add(Checkpoint.Part.memory(CutStart.VECTOR + vector, () -> {
                updates[0] = Math.max(updates[0], server().read(vector, memory.vector()));
                return List.of(memory.vector());
            }));
        }
        if (server().replicasDiffer()) {
            ofLeads(all)
                    .forEach((lead, arrival) -> parts.add(Checkpoint.Part.memory(
                            CutStart.REPLICA + lead,
                            () -> taken(lead, arrival.place().stateChecksum()))));
        }
        parts.add(Checkpoint.Part.text(Cut.PART, () -> ofAll(all, updates[0]).text()));
        return parts;
    }

    private static Map<Integer, Arrival> ofLeads(List<Optional<Arrival>> all) {
        Map<Integer, Arrival> leads = new HashMap<>();
        all.stream()
                .flatMap(Optional::stream)
                .filter(arrival -> arrival.lead() > 0)
                .forEach(arrival -> leads.put(arrival.lead(), arrival));
        return leads;
    }

    private List<Region> taken(int lead, String checksum) {
        List<Region> into = memory.replica();
        server().take(lead, into);
        String found = Checksums.ofState(into);
        if (!found.equals(checksum)) {
            throw new GyreException("the checkpoint is not kept: replica " + lead + " has the checksum " + checksum
                    + ", and what has come of it " + found);
        }
        return into;
    }

    private Cut ofAll(List<Optional<Arrival>> all, long updates) {
        List<Long> unread = all.stream()
                .flatMap(Optional::stream)
                .flatMap(arrival -> arrival.unread().stream())
                .toList();
        return new Cut(
                strategy,
                description,
                updates,
                Objects.requireNonNull(data).dealing(unread),
                all.stream().map(arrival -> arrival.map(Arrival::place)).toList());
    }
}
