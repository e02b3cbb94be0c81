package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.Coordinator;
import io.gyre.membership.Membership;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Outbox;
import io.gyre.membership.RunId;
import io.gyre.membership.RunListener;
import io.gyre.membership.SilenceLimits;
import io.gyre.network.WaitObservers;
import io.gyre.transport.Rejections.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;

/**
 * Ranks with drivers and UDP sockets of their own in one JVM, whose coordinator a test plays: it may change what a rank
 * is told, such as the addresses of its peers, and says when a further rank, which exists for the coordinator alone, is
 * lost and comes back. No time passes for coordinator and memberships, so nobody is lost otherwise.
 */
final class WiredRun implements Outbox, AutoCloseable {

    static final RunId RUN = new RunId(0x1122334455667788L, 0x99aabbccddeeff00L);

    private static final Duration TIMEOUT = Duration.ofSeconds(60);

    private final BiFunction<Integer, Message, Message> tamper;
    private final Coordinator coordinator;
    private final int ranks;
    private final List<Membership> memberships = new ArrayList<>();
    private final List<AeronSite> sites = new ArrayList<>();
    private final List<AeronEndpoint> endpoints = new ArrayList<>();
    private int connections;

    /**
     * Joins all ranks.
     *
     * @param tamper what a rank receives instead of a message of the coordinator; called with its number
     */
    WiredRun(int ranks, boolean sealed, Path directory, BiFunction<Integer, Message, Message> tamper)
            throws IOException {
        this(ranks, sealed, SealedPeer.MOST_BLOCKS, directory, tamper);
    }

    /** The same with keys that seal fewer blocks. */
    WiredRun(int ranks, boolean sealed, long blocksPerKey, Path directory, BiFunction<Integer, Message, Message> tamper)
            throws IOException {
        this.ranks = ranks;
        this.tamper = tamper;
        int world = ranks + 1;
        coordinator = new Coordinator(
                RUN,
                world,
                new Member(Message.NO_RANK, "here", 0),
                TIMEOUT,
                SilenceLimits.DEFAULT,
                this,
                RunListener.NONE,
                0,
                new SplittableRandom(7));
        connections = ranks;
        JoinOptions.Builder options = JoinOptions.builder(0, world, "nowhere")
                .transport(TransportMode.UDP)
                .mtu(1_408);
        options.trustedNetwork(!sealed).peerTimeout(TIMEOUT);
        for (int rank = 0; rank < ranks; rank++) {
            int own = rank;
            Membership membership =
                    new Membership(rank, "here", message -> received(own, message), System::nanoTime, this);
            memberships.add(membership);
            Path shared = Files.createDirectory(directory.resolve("rank" + rank));
            sites.add(new AeronSite(
                    options.build(), "wired" + rank, shared, StorageSpace.OF_SYSTEM, membership, RUN, blocksPerKey));
        }
        for (int rank = 0; rank < ranks; rank++) {
            join(rank, rank);
        }
        join(connections, ranks);
        for (int rank = 0; rank < ranks; rank++) {
            received(rank, new Ready(sites.get(rank).addresses()));
        }
        ready(connections);
        received(connections, new Expendable(ranks));
        for (int rank = 0; rank < ranks; rank++) {
            endpoints.add(new AeronEndpoint(
                    options.build(), RUN, sites.get(rank), memberships.get(rank), 0, new WaitObservers()));
        }
    }

    private synchronized void received(int connection, Message message) {
        coordinator.received(connection, message);
    }

    private void join(int connection, int rank) {
        Member member = new Member(rank, "here", rank);
        received(connection, new Join(Message.PROTOCOL_VERSION, ranks + 1, member, Map.of()));
    }

    private void ready(int connection) {
        received(
                connection,
                new Ready(Map.of(
                        AeronSite.HOST, "elsewhere",
                        AeronSite.DIRECTORY, "/nowhere",
                        AeronSite.UDP, "127.0.0.1:9",
                        AeronSite.SALT, "salt" + connection)));
    }

    /** The last rank is lost: a new generation begins. */
    synchronized void loseTheLast() {
        coordinator.disconnected(connections, "it was lost on purpose");
    }

    /** The last rank comes back: a new generation begins. */
    void bringTheLastBack() {
        connections++;
        join(connections, ranks);
        ready(connections);
    }

    Membership membership(int rank) {
        return memberships.get(rank);
    }

    AeronSite site(int rank) {
        return sites.get(rank);
    }

    AeronEndpoint endpoint(int rank) {
        return endpoints.get(rank);
    }

    Rejections rejections(int rank) {
        DatagramSeal seal = sites.get(rank).seal();
        assertThat(seal).as("what seals for rank %d", rank).isNotNull();
        return seal.rejections();
    }

    /** Number of datagrams that a rank has dropped. */
    long dropped(int rank) {
        return Arrays.stream(Reason.values()).mapToLong(rejections(rank)::of).sum();
    }

    /** The same, without those that a change of key explains. */
    long alarming(int rank) {
        return dropped(rank)
                - rejections(rank).of(Reason.EARLIER)
                - rejections(rank).of(Reason.LATER)
                - rejections(rank).of(Reason.STALE);
    }

    /** Where a rank receives. */
    String address(int rank) {
        return sites.get(rank).addresses().get(AeronSite.UDP);
    }

    @Override
    public void send(int connection, Message message) {
        if (connection < ranks) {
            memberships.get(connection).received(tamper.apply(connection, message));
        }
    }

    @Override
    public void close(int connection) {}

    @Override
    public void close() {
        endpoints.forEach(AeronEndpoint::shut);
        endpoints.forEach(AeronEndpoint::closeBoxes);
        sites.forEach(AeronSite::close);
    }
}
