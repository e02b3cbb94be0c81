package io.gyre.transport;

import io.aeron.AeronVersion;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.World;
import io.gyre.membership.MemberSession;
import io.gyre.membership.Membership;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Join;
import io.gyre.membership.RunId;
import io.gyre.network.Endpoint;
import io.gyre.session.Session;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank's membership in a run of processes: shared memory between ranks of one host, UDP between hosts.
 *
 * <p>Requires a JVM with {@code --add-opens java.base/jdk.internal.misc=ALL-UNNAMED}, and fails with that advice
 * otherwise. Several sessions may live in one JVM.
 *
 * <dl>
 *   <dt>Threads
 *   <dd>Two daemon threads from {@link #join} to {@link #close}: one listens to the coordinator, one keeps the network
 *       alive while the rank computes. The rank that hosts the rendezvous has a third.
 *   <dt>Files
 *   <dd>A private directory in shared memory, removed at close. The next session on the host removes what killed
 *       processes leave behind.
 * </dl>
 */
public final class AeronSession extends MemberSession {

    private static final Logger LOG = LoggerFactory.getLogger(AeronSession.class);

    /** Limit for all of {@link #close}, except the coordinator's last messages. */
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(3);

    /** What the coordinator needs to report who is missing, once this rank's own time is up. */
    private static final Duration JOIN_GRACE = Duration.ofSeconds(5);

    private final JoinOptions options;
    private final Rendezvous rendezvous;
    private final AeronSite site;
    private final RunId run;
    private final AeronEndpoint endpoint;

    /** The lanes that have been requested. */
    private final AtomicReferenceArray<@Nullable AeronEndpoint> lanes = new AtomicReferenceArray<>(LANES);

    private boolean closed;

    /**
     * Joins a run, and returns when all ranks have joined. In a run that has begun, this process takes the seat of an
     * expendable rank that was lost: see {@link Session#incarnation}.
     *
     * @throws IllegalStateException if the JVM lacks the flag above
     * @throws IllegalArgumentException if an option is invalid, such as a public address without a secret
     * @throws GyreException if the rendezvous is not found, this rank is refused, or ranks are missing at the deadline
     * @throws io.gyre.PeerLostException if a rank is lost meanwhile
     */
    public static AeronSession join(JoinOptions options) {
        return join(options, RunDirectory.sharedMemory(), StorageSpace.OF_SYSTEM);
    }

    static AeronSession join(JoinOptions options, Path sharedMemory, StorageSpace space) {
        JvmRequirements.checkOpened();
        JvmRequirements.checkOpenFiles(options.rank(), options.worldSize());
        if (!options.transport().isOneHost()) {
            JvmRequirements.checkBoundsChecks();
        }
        LOG.debug("joining: {}", options);
        Rendezvous rendezvous = Rendezvous.find(options);
        try {
            String own = rendezvous.own().address().getHostAddress();
            return new AeronSession(options.toBuilder().bind(own).build(), rendezvous, sharedMemory, space);
        } catch (RuntimeException e) {
            rendezvous.membership().fail("it could not join: " + e.getMessage());
            rendezvous.close();
            throw e;
        }
    }

    private AeronSession(JoinOptions options, Rendezvous rendezvous, Path sharedMemory, StorageSpace space) {
        super(rendezvous.membership(), options.peerTimeout());
        this.options = options;
        this.rendezvous = rendezvous;
        Membership membership = rendezvous.membership();
        RunId run = rendezvous.welcome().run();
        Member own = new Member(
                options.rank(), HostIdentity.name(), ProcessHandle.current().pid());
        membership.join(new Join(Message.PROTOCOL_VERSION, options.worldSize(), own, common(options)));
        String label = "r" + (own.rank() < 0 ? "any" : own.rank()) + "-"
                + run.toString().substring(0, 8);
        site = new AeronSite(options, label, sharedMemory, space, membership, run, SealedPeer.MOST_BLOCKS);
        try {
            membership.ready(site.addresses());
            if (site.seal() != null) {
                // While the others get ready.
                DatagramCipher.warmUp();
            }
            int rank = membership.awaitEverybody(options.joinTimeout().plus(JOIN_GRACE));
            this.run = run;
            endpoint = new AeronEndpoint(options, run, site, membership, 0, waitObservers());
            lanes.set(0, endpoint);
            site.attestKey(membership);
            membership.endJoining(options.joinTimeout());
            logJoined(rank);
        } catch (RuntimeException e) {
            site.close();
            throw e;
        }
    }

    /** Settings that must be equal on all ranks. */
    static Map<String, String> common(JoinOptions options) {
        String transport = options.transport().toString();
        return options.transport().isOneHost()
                ? Map.of("transport", transport)
                : Map.of("transport", transport, "trustedNetwork", Boolean.toString(options.trustedNetwork()));
    }

    private void logJoined(int rank) {
        if (incarnation(rank) > 0) {
            LOG.info("{} was restarted, in run {}", members().get(rank), run);
        } else if (world().isRoot()) {
            LOG.info("run {}: {} ranks have joined, over {}", run, members().size(), transport());
        }
    }

    /** Name and version of the Aeron on the class path. */
    public static String aeronVersion() {
        return "Aeron " + new AeronVersion();
    }

    /**
     * Removes what killed processes of this user have left in shared memory. Joining does so too; this is for a caller
     * that has killed ranks and starts no others.
     */
    public static void removeLeftovers() {
        try {
            RunDirectory.removeLeftovers(new UserLock(RunDirectory.sharedMemory()));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot clean up: " + e.getMessage(), e);
        }
    }

    @Override
    public World world() {
        return endpoint.world();
    }

    @Override
    public String transport() {
        return endpoint.transport();
    }

    @Override
    public String linkTo(int rank) {
        return endpoint.linkTo(rank);
    }

    @Override
    public Endpoint endpoint() {
        return endpoint;
    }

    @Override
    public synchronized Endpoint endpoint(int lane) {
        AeronEndpoint known = lanes.get(lane);
        if (known == null) {
            known = new AeronEndpoint(options, run, site, membership(), lane, waitObservers());
            if (closed) {
                known.shut();
            }
            lanes.set(lane, known);
        }
        return known;
    }

    private List<AeronEndpoint> openLanes() {
        List<AeronEndpoint> open = new ArrayList<>();
        for (int lane = 0; lane < LANES; lane++) {
            AeronEndpoint known = lanes.get(lane);
            if (known != null) {
                open.add(known);
            }
        }
        return open;
    }

    @Override
    public long bytesSent() {
        // Observers ask for it in every step.
        long sum = 0;
        for (int lane = 0; lane < LANES; lane++) {
            AeronEndpoint known = lanes.get(lane);
            sum += known == null ? 0 : known.bytesSent();
        }
        return sum;
    }

    @Override
    public long networkBytesSent() {
        return openLanes().stream().mapToLong(AeronEndpoint::networkBytesSent).sum();
    }

    @Override
    public List<byte[]> exchange(List<Integer> ranks, String topic, byte[] value) {
        endpoint.check(world().rank(), topic);
        return super.exchange(ranks, topic, value);
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            openLanes().forEach(AeronEndpoint::shut);
        }
        // Sockets and Aeron would take an interrupt as a request to close.
        boolean interrupted = Thread.interrupted();
        try {
            leave();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void leave() {
        Membership membership = membership();
        long deadline = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
        boolean quiet = true;
        for (AeronEndpoint lane : openLanes()) {
            quiet &= lane.awaitQuiet(deadline);
        }
        if (quiet && !membership.hasEnded()) {
            openLanes().forEach(lane -> lane.drain(deadline));
            membership.leave(endpoint.framesSent(), deadline);
            // Until the peers have left too, they may find a datagram missing; the keep-alive thread retransmits it.
            for (AeronEndpoint lane : openLanes()) {
                membership.awaitDeparture(lane.farReaders(), deadline);
            }
        }
        membership.logUnreportedLoss();
        openLanes().forEach(AeronEndpoint::closeBoxes);
        if (quiet) {
            site.close();
        } else {
            LOG.warn(
                    "rank {} is closed while another thread uses its network: its memory stays until the process ends",
                    world().rank());
            site.abandon();
        }
        rendezvous.awaitOthers();
        rendezvous.close();
    }

    @Override
    public String toString() {
        return "AeronSession[" + members().get(world().rank()) + " of " + world().size() + " ranks, " + transport()
                + "]";
    }
}
