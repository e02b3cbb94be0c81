package io.gyre.transport;

import io.gyre.membership.Membership;
import io.gyre.membership.Message;
import io.gyre.network.Time;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;

/**
 * A rank's connection to the coordinator of its run.
 *
 * @param link carries the messages
 */
record CoordinatorLink(ControlLink<Membership> link) implements AutoCloseable {

    /**
     * Connects to a coordinator. On return it has proved that it knows the secret.
     *
     * @param key of the run
     * @param rank the rank requested, or {@link Message#ANY_RANK}
     * @throws ControlLink.TurnedAway if something listens there that has not proved the secret by the timeout
     * @throws IOException if nothing listens there
     */
    static CoordinatorLink connect(InetSocketAddress address, ControlKey key, int rank, Duration timeout)
            throws IOException {
        return new CoordinatorLink(ControlLink.connect(
                address,
                key,
                (uplink, monitor) -> new Membership(rank, address.toString(), uplink, Time.SYSTEM, monitor),
                timeout));
    }

    /** The membership whose messages this connection carries. */
    Membership membership() {
        return link.downlink();
    }

    /** Closes the connection after sending what is queued. A second call does nothing. */
    @Override
    public void close() {
        link.close();
    }
}
