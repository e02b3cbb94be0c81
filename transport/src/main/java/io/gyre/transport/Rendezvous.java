package io.gyre.transport;

import io.gyre.membership.Membership;
import io.gyre.membership.Message.Welcome;
import io.gyre.network.Time;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The coordinator that a rank has found, or hosts itself: see {@link RendezvousSearch}.
 *
 * @param link connection to the coordinator, after its greeting
 * @param welcome its greeting
 * @param own this rank's address, at which the others reach it
 * @param hosted the coordinator and its place, if this rank hosts it
 */
record Rendezvous(
        CoordinatorLink link,
        Welcome welcome,
        OwnAddress own,
        @Nullable Hosted hosted) implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Rendezvous.class);

    /** How long rank 0 keeps the coordinator for ranks that have not left yet. */
    private static final Duration FAREWELL_TIMEOUT = Duration.ofSeconds(2);

    private static final long POLL_NANOS = 5_000_000;

    /** A coordinator that this rank hosts, and its place. */
    record Hosted(RendezvousServer server, RendezvousPlace place) implements AutoCloseable {

        /** Closes the coordinator, and takes back what was announced. */
        @Override
        public void close() {
            server.close();
            try {
                place.retract(server);
            } catch (IOException e) {
                LOG.debug("the rendezvous file cannot be removed", e);
            }
        }
    }

    /** Finds the coordinator, or starts it. */
    static Rendezvous find(JoinOptions options) {
        return new RendezvousSearch(options, HostNames.OF_SYSTEM, Time.SYSTEM).find();
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
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /** Closes the connection, and the coordinator if it is hosted here. */
    @Override
    public void close() {
        link.close();
        if (hosted != null) {
            hosted.close();
        }
    }
}
