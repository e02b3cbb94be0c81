package io.gyre.transport;

import io.gyre.GyreException;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.RunListener;
import io.gyre.membership.SilenceLimits;
import io.gyre.network.Time;
import io.gyre.transport.ControlLink.TurnedAway;
import io.gyre.transport.Rendezvous.Hosted;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How a rank finds the coordinator. If one answers at the agreed place, the rank joins it. Otherwise rank 0 hosts it
 * there, and the other ranks retry until the join deadline, also when the place's name has no address yet.
 */
final class RendezvousSearch {

    private static final Logger LOG = LoggerFactory.getLogger(RendezvousSearch.class);

    /** A coordinator greets at once. */
    private static final Duration GREETING_TIMEOUT = Duration.ofSeconds(5);

    private static final long RETRY_NANOS = 50_000_000;

    private final JoinOptions options;
    private final Time time;
    private final RendezvousPlace place;
    private final RunSecret secret;
    private final ControlKey key;
    private final long deadline;

    /**
     * Begins a search: its time runs from now on.
     *
     * @throws IllegalArgumentException if the address that the user has named for this host is none, or needs a secret
     */
    RendezvousSearch(JoinOptions options, HostNames names, Time time) {
        this.options = options;
        this.time = time;
        place = RendezvousPlace.of(options.rendezvous(), names, time);
        String given = options.bind();
        secret = TrustedNetwork.secret(
                options.secret(),
                options.trustedNetwork(),
                options.transport().isOneHost(),
                given == null
                        ? List.of()
                        : List.of(new InetSocketAddress(OwnAddress.named(given).address(), 0)));
        key = new ControlKey(secret);
        deadline = time.now() + options.joinTimeout().toNanos();
    }

    /** Finds the coordinator, or starts it. */
    Rendezvous find() {
        Rendezvous found = search(null);
        if (found == null) {
            Hosted hosted = host();
            try {
                found = Objects.requireNonNull(search(hosted));
            } catch (RuntimeException e) {
                hosted.close();
                throw e;
            }
        }
        log(found);
        return found;
    }

    /** Where every rank would say the same, the root speaks. */
    private void log(Rendezvous found) {
        String origin = options.origin();
        String text = "rank " + options.rank() + " of " + options.worldSize() + (origin == null ? "" : ", " + origin)
                + "; the others reach this one at " + found.own();
        boolean isChoice = origin != null || options.ranksOnHost() < options.worldSize();
        if (isChoice && options.rank() == 0) {
            LOG.info(text);
        } else {
            LOG.debug(text);
        }
    }

    /** Tries until the deadline to reach the coordinator; returns null if rank 0 is to host it instead. */
    private @Nullable Rendezvous search(@Nullable Hosted hosted) {
        boolean warned = false;
        while (true) {
            IOException obstacle;
            try {
                return reach(hosted);
            } catch (IOException e) {
                obstacle = e;
            }
            if (options.rank() == 0 && hosted == null && place.isFree(obstacle)) {
                return null;
            }
            if (time.now() - deadline >= 0) {
                throw new GyreException(notFound(obstacle), obstacle);
            }
            if (obstacle instanceof TurnedAway && !warned) {
                warned = true;
                LOG.warn("rank {} tries again until its join timeout: {}", options.rank(), obstacle.getMessage());
            }
            sleep();
        }
    }

    private void sleep() {
        try {
            synchronized (this) {
                time.await(this, RETRY_NANOS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new GyreException("rank " + options.rank() + " was interrupted on its way to the rendezvous", e);
        }
    }

    private String notFound(IOException obstacle) {
        String text = "rank " + options.rank() + " did not find the rendezvous at " + options.rendezvous() + " within "
                + options.joinTimeout().toMillis() + " ms: " + obstacle.getMessage();
        if (obstacle instanceof TurnedAway) {
            return text;
        }
        return options.rank() == 0 && obstacle instanceof ConnectException
                ? text + ". It is not on this host, where rank 0 could open it: is the launcher running there?"
                : text + ". It is opened by rank 0, or by the launcher: is that running?";
    }

    /** Connects and waits for the greeting; fails with an IOException if another attempt makes sense. */
    private Rendezvous reach(@Nullable Hosted hosted) throws IOException {
        InetSocketAddress address =
                hosted == null ? place.address() : hosted.server().address();
        check(address);
        OwnAddress own = OwnAddress.choose(options, address.getAddress());
        check(new InetSocketAddress(own.address(), 0));
        CoordinatorLink link = CoordinatorLink.connect(address, key, options.rank(), GREETING_TIMEOUT);
        try {
            Welcome welcome = link.membership().welcome(GREETING_TIMEOUT);
            if (hosted == null) {
                place.check(welcome);
            }
            return new Rendezvous(link, welcome, own, hosted);
        } catch (GyreException e) {
            link.close();
            throw new TurnedAway(e);
        } catch (IOException | RuntimeException e) {
            link.close();
            throw e;
        }
    }

    private void check(InetSocketAddress address) {
        TrustedNetwork.check(
                address,
                options.secret(),
                options.trustedNetwork() || options.transport().isOneHost());
    }

    private Hosted host() {
        try {
            InetSocketAddress address = place.toListen(options);
            check(address);
            RendezvousServer server = RendezvousServer.open(
                    address,
                    options.worldSize(),
                    options.joinTimeout(),
                    SilenceLimits.DEFAULT,
                    secret,
                    RunListener.NONE,
                    options.rank());
            try {
                place.announce(server);
                return new Hosted(server, place);
            } catch (IOException e) {
                server.close();
                throw e;
            }
        } catch (IOException e) {
            throw new GyreException(
                    "rank 0 cannot open the rendezvous " + options.rendezvous() + ": " + e.getMessage(), e);
        }
    }
}
