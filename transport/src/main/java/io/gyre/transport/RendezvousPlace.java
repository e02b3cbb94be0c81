package io.gyre.transport;

import io.gyre.membership.Message.Welcome;
import io.gyre.network.Time;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The place that the ranks have agreed on to meet. */
sealed interface RendezvousPlace {

    /** The place that a text names: an address, or a file. */
    static RendezvousPlace of(String rendezvous, HostNames names, Time time) {
        HostPort place = HostPort.parse(rendezvous);
        return place == null
                ? new InFile(new RendezvousFile(Path.of(rendezvous)))
                : new AtAddress(new LateName(place.host(), names, time), place.port());
    }

    /** The address in {@code host:port}, or null if the text is a path. */
    static @Nullable InetSocketAddress parse(String rendezvous) {
        HostPort place = HostPort.parse(rendezvous);
        return place == null ? null : new InetSocketAddress(place.host(), place.port());
    }

    /** Where the coordinator should be, if it is running; fails while that is unknown. */
    InetSocketAddress address() throws IOException;

    /** Fails unless this is the expected coordinator. */
    void check(Welcome welcome) throws IOException;

    /** Whether rank 0 may host the coordinator here, after it has met this obstacle. */
    boolean isFree(IOException obstacle);

    /** Address on which rank 0 listens, with these options. */
    InetSocketAddress toListen(JoinOptions options) throws IOException;

    /** Publishes the coordinator's address. */
    void announce(RendezvousServer server) throws IOException;

    /** Undoes the announcement. */
    void retract(RendezvousServer server) throws IOException;

    /** The name or address of a host, and a port. */
    record AtAddress(LateName host, int port) implements RendezvousPlace {

        @Override
        public InetSocketAddress address() throws IOException {
            return new InetSocketAddress(host.address(), port);
        }

        @Override
        public void check(Welcome welcome) {}

        /** Nobody listens there, and it is here. Who does listen may be the launcher, which strangers keep busy. */
        @Override
        public boolean isFree(IOException obstacle) {
            InetAddress known = host.known();
            return obstacle instanceof ConnectException && known != null && OwnAddress.isOwn(known);
        }

        /** The others cannot reach loopback, to which many hosts resolve their own name. */
        @Override
        public InetSocketAddress toListen(JoinOptions options) throws IOException {
            InetAddress place = host.address();
            OwnAddress own = OwnAddress.choose(options, place);
            return new InetSocketAddress(
                    place.isLoopbackAddress() && !own.address().isLoopbackAddress() ? own.address() : place, port);
        }

        @Override
        public void announce(RendezvousServer server) {}

        @Override
        public void retract(RendezvousServer server) {}
    }

    /**
     * A file with the address, which may be left over from an earlier run: only the run that wrote it counts, and only
     * while it can be joined. Others may be able to write the file; that the process at the address knows the run's
     * secret is proved by the connection.
     */
    record InFile(RendezvousFile file) implements RendezvousPlace {

        @Override
        public InetSocketAddress address() throws IOException {
            String endpoint = file.read().endpoint();
            InetSocketAddress address = null;
            try {
                address = parse(endpoint);
            } catch (IllegalArgumentException e) {
                throw new IOException("file " + file + " is wrong: " + e.getMessage(), e);
            }
            if (address == null || address.isUnresolved()) {
                throw new IOException("file " + file + " holds '" + endpoint + "', which is no address");
            }
            return address;
        }

        @Override
        public void check(Welcome welcome) throws IOException {
            if (welcome.complete()
                    || !welcome.run().toString().equals(file.read().run())) {
                throw new IOException("file " + file + " is left over from an earlier run");
            }
        }

        /** Another process may have taken the address since it was written. */
        @Override
        public boolean isFree(IOException obstacle) {
            return true;
        }

        @Override
        public InetSocketAddress toListen(JoinOptions options) throws IOException {
            return new InetSocketAddress(OwnAddress.choose(options, null).address(), 0);
        }

        @Override
        public void announce(RendezvousServer server) throws IOException {
            file.write(new RendezvousFile.Entry(server.endpoint(), server.run().toString()));
        }

        @Override
        public void retract(RendezvousServer server) throws IOException {
            file.remove(server.run().toString());
        }
    }
}
