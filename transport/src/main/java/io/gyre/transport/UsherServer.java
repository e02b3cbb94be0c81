package io.gyre.transport;

import io.gyre.Member;
import io.gyre.membership.Message;
import io.gyre.membership.RunId;
import io.gyre.membership.RunListener;
import io.gyre.membership.SeatListener;
import io.gyre.membership.Usher;
import io.gyre.membership.UsherPlan;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import org.agrona.concurrent.NoOpIdleStrategy;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the processes of a run with seats meet: an {@link Usher} behind a socket, and for each generation a {@link
 * RendezvousServer} of its own, on another port of the same address. Hosted by the launcher.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>A daemon thread, from {@link #open} to {@link #close}, which also calls the listener; another for each
 *       generation. Methods may be called from any thread.
 *   <dt>Security
 *   <dd>As for {@link RendezvousServer}.
 * </dl>
 */
public final class UsherServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(UsherServer.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

    /** For a generation: its processes run already, and need no JVM to start. */
    private static final Duration GENERATION_TIMEOUT = Duration.ofSeconds(60);

    private final RendezvousAgent<Usher> agent;
    private final AgentThread thread;
    private final Rooms rooms;

    /**
     * Opens it.
     *
     * @param bind where to listen; port 0 selects a free one
     * @param secret given to every process, by its environment
     * @param listener called on this server's thread
     * @throws UncheckedIOException if the port is in use, or the address is not this host's
     */
    public static UsherServer open(InetSocketAddress bind, UsherPlan plan, RunSecret secret, SeatListener listener) {
        SecureRandom random = new SecureRandom();
        RunId run = new RunId(random.nextLong(), random.nextLong());
        Member host = new Member(
                Message.NO_RANK, HostIdentity.name(), ProcessHandle.current().pid());
        Rooms rooms = new Rooms(bind.getAddress(), plan, secret);
        return new UsherServer(
                RendezvousServer.listen(
                        bind,
                        secret,
                        plan.seats(),
                        (outbox, now) -> new Usher(run, plan, host, outbox, rooms, listener, now)),
                rooms);
    }

    private UsherServer(RendezvousAgent<Usher> agent, Rooms rooms) {
        this.agent = agent;
        this.rooms = rooms;
        thread = new AgentThread(
                agent,
                NoOpIdleStrategy.INSTANCE,
                error -> LOG.error("the rendezvous on {} has failed", agent.address(), error),
                agent::wake);
    }

    /** The address that processes use to find it: {@code host:port}. */
    public String endpoint() {
        return RendezvousServer.endpoint(agent.address());
    }

    /** Whether the run is over: it failed, or all processes have ended. */
    public boolean isOver() {
        return agent.isOver();
    }

    /** Whether processes take part; those that have just ended may still be among them. */
    public boolean hasMembers() {
        return !agent.members().isEmpty();
    }

    /** Ends the run, if it is not over. A second call does nothing. */
    @Override
    public void close() {
        thread.close(CLOSE_TIMEOUT);
        rooms.close();
    }

    /** The rendezvous of the generations, one at a time. Used by the usher's thread, and after its end. */
    private static final class Rooms implements Usher.Venue {

        private final InetAddress address;
        private final UsherPlan plan;
        private final RunSecret secret;
        private @Nullable RendezvousServer open;

        Rooms(InetAddress address, UsherPlan plan, RunSecret secret) {
            this.address = address;
            this.plan = plan;
            this.secret = secret;
        }

        @Override
        public String open(int generation, int ranks) {
            close();
            RendezvousServer next = RendezvousServer.open(
                    new InetSocketAddress(address, 0),
                    ranks,
                    GENERATION_TIMEOUT,
                    plan.limits(),
                    secret,
                    RunListener.NONE,
                    Message.NO_RANK);
            open = next;
            return next.endpoint();
        }

        @Override
        public void giveUp(Member lost, String reason) {
            if (open != null) {
                open.giveUp(lost, reason);
            }
        }

        void close() {
            if (open != null) {
                open.close();
                open = null;
            }
        }
    }
}
