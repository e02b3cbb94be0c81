package io.gyre.transport;

import io.gyre.Member;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Admitted;
import io.gyre.membership.Reception;
import io.gyre.membership.RunId;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.agrona.concurrent.NoOpIdleStrategy;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where processes that nobody of the run has started ask to take part in a run with seats: a {@link Reception} behind a
 * socket. Hosted by the launcher, beside its {@link UsherServer}; {@link Invitation#ask} is the other side.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>A daemon thread, from {@link #open} to {@link #close}, which also calls the listener.
 *   <dt>Security
 *   <dd>As for {@link RendezvousServer}. A newcomer does not have the launcher's token yet: it proves the user's secret
 *       or, on one host, that the same user has started it. Only then it is given the token, over the encrypted
 *       connection.
 * </dl>
 */
public final class NewcomerServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(NewcomerServer.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

    private final RendezvousAgent<Reception> agent;
    private final AgentThread thread;

    private NewcomerServer(RendezvousAgent<Reception> agent) {
        this.agent = agent;
        thread = new AgentThread(
                agent,
                NoOpIdleStrategy.INSTANCE,
                error -> LOG.error("the reception on {} has failed", agent.address(), error),
                agent::wake);
    }

    /**
     * Opens it.
     *
     * @param bind where to listen; port 0 selects a free one
     * @param proof the user's secret; null for none
     * @param trusted whether the network is declared trusted
     * @param program the run's program and options, as those of a newcomer must be
     * @param variables of the environment of a newcomer
     * @param token of the run
     * @param news gets a sentence about each newcomer, on this server's thread
     * @throws IllegalArgumentException if the address is not loopback, and there is no secret
     * @throws UncheckedIOException if it cannot listen
     */
    public static NewcomerServer open(
            InetSocketAddress bind,
            @Nullable RunSecret proof,
            boolean trusted,
            int seats,
            String program,
            Map<String, String> variables,
            RunSecret token,
            Consumer<String> news) {
        RunSecret secret = TrustedNetwork.secret(proof, trusted, false, List.of(bind));
        SecureRandom random = new SecureRandom();
        RunId run = new RunId(random.nextLong(), random.nextLong());
        Member host = new Member(
                Message.NO_RANK, HostIdentity.name(), ProcessHandle.current().pid());
        return new NewcomerServer(RendezvousServer.listen(
                bind,
                secret,
                seats,
                (outbox, now) -> new Reception(
                        run, host, seats, program, new Admitted(variables, token.bytes()), outbox, news)));
    }

    /** The address that newcomers use: {@code host:port}. */
    public String endpoint() {
        return RendezvousServer.endpoint(agent.address());
    }

    /** Admits nobody any more. A second call does nothing. */
    @Override
    public void close() {
        thread.close(CLOSE_TIMEOUT);
    }
}
