package io.gyre.transport;

import io.gyre.Member;
import io.gyre.membership.Coordinator;
import io.gyre.membership.Message;
import io.gyre.membership.RunId;
import io.gyre.membership.RunListener;
import io.gyre.membership.SilenceLimits;
import io.gyre.membership.Supervisor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import org.agrona.concurrent.NoOpIdleStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the ranks of one run meet: a socket that they connect to and keep open, so that its end is the first sign of a
 * lost rank. Hosted by the launcher, or by rank 0.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One daemon thread, from {@link #open} to {@link #close}, which also calls the listener. Methods may be called
 *       from any thread.
 *   <dt>Security
 *   <dd>Every connection is encrypted, and both sides prove to each other that they know the run's secret, before
 *       anything else is sent: a process without it gets a closed connection. Such processes cannot keep ranks out.
 * </dl>
 */
public final class RendezvousServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RendezvousServer.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

    private final RunId run;
    private final RendezvousAgent<Coordinator> agent;
    private final AgentThread thread;

    /**
     * Opens a rendezvous for processes of this user on this host, on a loopback address, without a listener.
     *
     * @param bind where to listen; port 0 selects a free one
     * @param worldSize number of ranks to wait for
     * @param joinTimeout after which the ranks that have joined are told who is missing
     * @throws UncheckedIOException if the port is in use, or the address is not this host's
     */
    public static RendezvousServer open(InetSocketAddress bind, int worldSize, Duration joinTimeout) {
        return open(bind, worldSize, joinTimeout, false, RunListener.NONE);
    }

    /**
     * Opens a rendezvous without a secret: for processes of this user on this host, or for everybody who reaches it.
     *
     * @param bind where to listen; port 0 selects a free one
     * @param worldSize number of ranks to wait for
     * @param joinTimeout after which the ranks that have joined are told who is missing
     * @param trustedNetwork whether every process is admitted, and addresses other than loopback are allowed
     * @param listener receives joins and losses, on this server's thread
     * @throws IllegalArgumentException if the address is not loopback, and the network not trusted
     * @throws UncheckedIOException if the port is in use, or the address is not this host's
     */
    public static RendezvousServer open(
            InetSocketAddress bind, int worldSize, Duration joinTimeout, boolean trustedNetwork, RunListener listener) {
        RunSecret secret = TrustedNetwork.secret(null, trustedNetwork, false, List.of(bind));
        return open(bind, worldSize, joinTimeout, secret, listener);
    }

    /**
     * Opens a rendezvous for processes that prove to know a secret.
     *
     * @param bind where to listen; port 0 selects a free one
     * @param worldSize number of ranks to wait for
     * @param joinTimeout after which the ranks that have joined are told who is missing
     * @param secret given to every rank, by {@link JoinOptions.Builder#secret} or its environment
     * @param listener receives joins and losses, on this server's thread
     * @throws UncheckedIOException if the port is in use, or the address is not this host's
     */
    public static RendezvousServer open(
            InetSocketAddress bind, int worldSize, Duration joinTimeout, RunSecret secret, RunListener listener) {
        return open(bind, worldSize, joinTimeout, SilenceLimits.DEFAULT, secret, listener, Message.NO_RANK);
    }

    /**
     * As {@link #open(InetSocketAddress, int, Duration, RunSecret, RunListener)}, with other limits of silence.
     *
     * @param limits how long a rank may be silent
     */
    public static RendezvousServer open(
            InetSocketAddress bind,
            int worldSize,
            Duration joinTimeout,
            SilenceLimits limits,
            RunSecret secret,
            RunListener listener) {
        return open(bind, worldSize, joinTimeout, limits, secret, listener, Message.NO_RANK);
    }

    /** As above, hosted by rank {@code hostRank}: when that is lost, the ranks know which one it was. */
    static RendezvousServer open(
            InetSocketAddress bind,
            int worldSize,
            Duration joinTimeout,
            SilenceLimits limits,
            RunSecret secret,
            RunListener listener,
            int hostRank) {
        if (TrustedNetwork.isKnown(secret)) {
            LOG.warn(
                    "the network is declared trusted: every process that reaches {} can join and alter the run, and"
                            + " nothing is encrypted with a secret. {} ends that",
                    bind.getHostString(),
                    GyreVariable.SECRET_FILE);
        }
        Member host = new Member(
                hostRank, HostIdentity.name(), ProcessHandle.current().pid());
        SecureRandom random = new SecureRandom();
        RunId run = new RunId(random.nextLong(), random.nextLong());
        return new RendezvousServer(
                run,
                listen(
                        bind,
                        secret,
                        worldSize,
                        (outbox, now) -> new Coordinator(
                                run, worldSize, host, joinTimeout, limits, outbox, listener, now, random)));
    }

    /** Listens on an address, without a thread yet. */
    static <S extends Supervisor> RendezvousAgent<S> listen(
            InetSocketAddress bind, RunSecret secret, int most, RendezvousAgent.Supervising<S> supervising) {
        try {
            return new RendezvousAgent<>(bind, secret, most, supervising, System::nanoTime);
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the rendezvous cannot listen on " + bind.getHostString() + ":" + bind.getPort() + ": "
                            + e.getMessage() + ". Choose another port (0 takes a free one) or an address of this host",
                    e);
        }
    }

    private RendezvousServer(RunId run, RendezvousAgent<Coordinator> agent) {
        this.run = run;
        this.agent = agent;
        thread = new AgentThread(
                agent,
                NoOpIdleStrategy.INSTANCE,
                error -> LOG.error("the rendezvous on {} has failed", agent.address(), error),
                agent::wake);
    }

    /** The address it listens on. */
    public InetSocketAddress address() {
        return agent.address();
    }

    /** The address that ranks use to find it: {@code host:port}. */
    public String endpoint() {
        return endpoint(address());
    }

    /** The address by which others find what listens there: {@code host:port}. */
    static String endpoint(InetSocketAddress address) {
        InetAddress host = address.getAddress();
        return (host.isAnyLocalAddress() ? HostIdentity.name() : host.getHostAddress()) + ":" + address.getPort();
    }

    /** Ends the run, since a rank is lost that may not even have joined. */
    void giveUp(Member lost, String reason) {
        agent.request(() -> agent.supervisor().giveUp(lost, reason));
    }

    /** Name of the run. */
    RunId run() {
        return run;
    }

    /** The ranks that have joined so far, by rank. */
    public List<Member> members() {
        return agent.members();
    }

    /** Whether the run is over: it failed, or every rank has left. */
    boolean isOver() {
        return agent.isOver();
    }

    /** Closes the rendezvous: ranks that are still in the run see it fail. A second call does nothing. */
    @Override
    public void close() {
        thread.close(CLOSE_TIMEOUT);
    }
}
