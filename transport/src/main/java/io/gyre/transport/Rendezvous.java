package io.gyre.transport;

import io.gyre.GyreException;
import io.gyre.membership.Membership;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.RunListener;
import io.gyre.transport.CoordinatorLink.TurnedAway;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a rank finds the coordinator. If one answers at the agreed place, the rank joins it. Otherwise rank 0 hosts it
 * there, and the other ranks retry until the join deadline.
 *
 * @param link connection to the coordinator, after its greeting
 * @param welcome its greeting
 * @param hosted the coordinator and its place, if this rank hosts it
 */
record Rendezvous(
        CoordinatorLink link, Welcome welcome, @Nullable Hosted hosted) implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Rendezvous.class);

    /** A coordinator greets at once. */
    private static final Duration GREETING_TIMEOUT = Duration.ofSeconds(5);

    /** How long rank 0 keeps the coordinator for ranks that have not left yet. */
    private static final Duration FAREWELL_TIMEOUT = Duration.ofSeconds(2);

    private static final long RETRY_NANOS = 50_000_000;

    private record Hosted(RendezvousServer server, RendezvousPlace place) {}

    /** Finds the coordinator, or starts it. */
    static Rendezvous find(JoinOptions options) {
        RendezvousPlace place = RendezvousPlace.of(options);
        RunSecret secret = secret(options, place);
        ControlKey key = new ControlKey(secret);
        long deadline = System.nanoTime() + options.joinTimeout().toNanos();
        Rendezvous found = search(options, place, null, key, deadline);
        if (found != null) {
            return found;
        }
        Hosted hosted = host(options, place, secret);
        try {
            return Objects.requireNonNull(search(options, place, hosted, key, deadline));
        } catch (RuntimeException e) {
            close(hosted);
            throw e;
        }
    }

    private static RunSecret secret(JoinOptions options, RendezvousPlace place) {
        InetSocketAddress fixed = place.fixedAddress();
        InetSocketAddress bind = new InetSocketAddress(options.bind(), 0);
        return TrustedNetwork.secret(
                options.secret(),
                options.trustedNetwork(),
                options.transport().isOneHost(),
                fixed == null ? List.of(bind) : List.of(fixed, bind));
    }

    /** Tries until the deadline to reach the coordinator; returns null if rank 0 is to host it instead. */
    private static @Nullable Rendezvous search(
            JoinOptions options, RendezvousPlace place, @Nullable Hosted hosted, ControlKey key, long deadline) {
        boolean warned = false;
        while (true) {
            IOException obstacle;
            try {
                return reach(options, place, hosted, key);
            } catch (IOException e) {
                obstacle = e;
            }
            if (options.rank() == 0 && hosted == null && place.isFree(obstacle)) {
                return null;
            }
            if (System.nanoTime() - deadline >= 0) {
                throw new GyreException(notFound(options, obstacle), obstacle);
            }
            if (obstacle instanceof TurnedAway && !warned) {
                warned = true;
                LOG.warn("rank {} tries again until its join timeout: {}", options.rank(), obstacle.getMessage());
            }
            LockSupport.parkNanos(RETRY_NANOS);
            if (Thread.currentThread().isInterrupted()) {
                throw new GyreException("rank " + options.rank() + " was interrupted on its way to the rendezvous");
            }
        }
    }

    private static String notFound(JoinOptions options, IOException obstacle) {
        String text = "rank " + options.rank() + " did not find the rendezvous at " + options.rendezvous() + " within "
                + options.joinTimeout().toMillis() + " ms: " + obstacle.getMessage();
        return obstacle instanceof TurnedAway
                ? text
                : text + ". It is opened by rank 0, or by the launcher: is that running?";
    }

    /** Connects and waits for the greeting; fails with an IOException if another attempt makes sense. */
    private static Rendezvous reach(JoinOptions options, RendezvousPlace place, @Nullable Hosted hosted, ControlKey key)
            throws IOException {
        InetSocketAddress address = hosted == null ? place.address() : hosted.server.address();
        CoordinatorLink link = CoordinatorLink.connect(address, key, options.rank(), GREETING_TIMEOUT);
        try {
            Welcome welcome = link.membership().welcome(GREETING_TIMEOUT);
            if (hosted == null) {
                place.check(welcome);
            }
            return new Rendezvous(link, welcome, hosted);
        } catch (GyreException e) {
            link.close();
            throw new TurnedAway(e);
        } catch (IOException | RuntimeException e) {
            link.close();
            throw e;
        }
    }

    private static Hosted host(JoinOptions options, RendezvousPlace place, RunSecret secret) {
        RendezvousServer server = RendezvousServer.open(
                place.bind(), options.worldSize(), options.joinTimeout(), secret, RunListener.NONE, options.rank());
        try {
            place.announce(server);
            return new Hosted(server, place);
        } catch (IOException e) {
            server.close();
            throw new GyreException(
                    "rank 0 cannot open the rendezvous " + options.rendezvous() + ": " + e.getMessage(), e);
        }
    }

    /** The membership whose messages the connection carries. */
    Membership membership() {
        return link.membership();
    }

    /** Keeps a coordinator that is hosted here for a short time, for ranks that have not left yet. */
    void awaitOthers() {
        if (hosted == null) {
            return;
        }
        long deadline = System.nanoTime() + FAREWELL_TIMEOUT.toNanos();
        while (!hosted.server.isOver() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(RETRY_NANOS / 10);
        }
    }

    /** Closes the connection, and the coordinator if it is hosted here. */
    @Override
    public void close() {
        link.close();
        if (hosted != null) {
            close(hosted);
        }
    }

    private static void close(Hosted hosted) {
        hosted.server.close();
        try {
            hosted.place.retract(hosted.server);
        } catch (IOException e) {
            LOG.debug("the rendezvous file cannot be removed", e);
        }
    }
}
