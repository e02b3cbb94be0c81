package io.gyre.transport;

import io.gyre.membership.Message.Welcome;
import io.gyre.transport.CoordinatorLink.TurnedAway;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The place that the ranks have agreed on to meet. */
sealed interface RendezvousPlace {

    /** The place that the options name: an address, or a file. */
    static RendezvousPlace of(JoinOptions options) {
        InetSocketAddress fixed = parse(options.rendezvous());
        return fixed != null
                ? new AtAddress(fixed)
                : new InFile(new RendezvousFile(Path.of(options.rendezvous())), options.bind());
    }

    /** The address in {@code host:port}, or null if the text is a path. */
    static @Nullable InetSocketAddress parse(String rendezvous) {
        HostPort place = HostPort.parse(rendezvous);
        return place == null ? null : new InetSocketAddress(place.host(), place.port());
    }

    /** The agreed address; null if the place is a file. */
    @Nullable InetSocketAddress fixedAddress();

    /** Where the coordinator should be, if it is running. */
    InetSocketAddress address() throws IOException;

    /** Fails unless this is the expected coordinator. */
    void check(Welcome welcome) throws IOException;

    /** Whether rank 0 may host the coordinator here, after it has met this obstacle. */
    boolean isFree(IOException obstacle);

    /** Address to listen on. */
    InetSocketAddress bind();

    /** Publishes the coordinator's address. */
    void announce(RendezvousServer server) throws IOException;

    /** Undoes the announcement. */
    void retract(RendezvousServer server) throws IOException;

    /** An address. */
    record AtAddress(InetSocketAddress address) implements RendezvousPlace {

        @Override
        public InetSocketAddress fixedAddress() {
            return address;
        }

        @Override
        public void check(Welcome welcome) {}

        /** Who listens may be the launcher, which strangers keep busy. */
        @Override
        public boolean isFree(IOException obstacle) {
            return !(obstacle instanceof TurnedAway);
        }

        @Override
        public InetSocketAddress bind() {
            return address;
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
     *
     * @param host address on which rank 0 listens
     */
    record InFile(RendezvousFile file, String host) implements RendezvousPlace {

        @Override
        public @Nullable InetSocketAddress fixedAddress() {
            return null;
        }

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
        public InetSocketAddress bind() {
            return new InetSocketAddress(host, 0);
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
