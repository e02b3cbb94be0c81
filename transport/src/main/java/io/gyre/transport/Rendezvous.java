package io.gyre.transport;

import io.gyre.GyreException;
import io.gyre.membership.Membership;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.RunListener;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
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

    /** The agreed place. */
    private sealed interface Place {

        /** Where the coordinator should be, if it is running. */
        InetSocketAddress address() throws IOException;

        /** Fails unless this is the expected coordinator. */
        void check(Welcome welcome) throws IOException;

        /** Whether another process may have taken the address since it was agreed, so that a retry makes sense. */
        boolean mayBeStale();

        /** Address to listen on. */
        InetSocketAddress bind();

        /** Publishes the coordinator's address. */
        void announce(RendezvousServer server) throws IOException;

        /** Undoes the announcement. */
        void retract(RendezvousServer server) throws IOException;
    }

    private record Hosted(RendezvousServer server, Place place) {}

    private record AtAddress(InetSocketAddress address) implements Place {

        @Override
        public void check(Welcome welcome) {}

        @Override
        public boolean mayBeStale() {
            return false;
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
     * A file may be left over from an earlier run: only the run that wrote it counts, and only while it can be joined.
     */
    private record InFile(RendezvousFile file, String host) implements Place {

        @Override
        public InetSocketAddress address() throws IOException {
            String endpoint = file.read().endpoint();
            InetSocketAddress address = parse(endpoint);
            if (address == null) {
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

        @Override
        public boolean mayBeStale() {
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

    /** Finds the coordinator, or starts it. */
    static Rendezvous find(JoinOptions options) {
        InetSocketAddress fixed = parse(options.rendezvous());
        Place place = fixed != null
                ? new AtAddress(fixed)
                : new InFile(new RendezvousFile(Path.of(options.rendezvous())), options.bind());
        long deadline = System.nanoTime() + options.joinTimeout().toNanos();
        String obstacle;
        do {
            try {
                return reach(options, place);
            } catch (IOException e) {
                obstacle = e.getMessage() == null ? e.toString() : e.getMessage();
            }
            if (options.rank() == 0) {
                return host(options, place);
            }
            LockSupport.parkNanos(RETRY_NANOS);
            if (Thread.currentThread().isInterrupted()) {
                throw new GyreException("rank " + options.rank() + " was interrupted on its way to the rendezvous");
            }
        } while (System.nanoTime() - deadline < 0);
        throw new GyreException("rank " + options.rank() + " did not find the rendezvous at " + options.rendezvous()
                + " within " + options.joinTimeout().toMillis() + " ms: " + obstacle
                + ". It is opened by rank 0, or by the launcher: is that running?");
    }

    /** The address in {@code host:port}, or null if the text is a path. */
    static @Nullable InetSocketAddress parse(String rendezvous) {
        HostPort place = HostPort.parse(rendezvous);
        return place == null ? null : new InetSocketAddress(place.host(), place.port());
    }

    private static Rendezvous reach(JoinOptions options, Place place) throws IOException {
        InetSocketAddress address = place.address();
        TrustedNetwork.check(address, options.trustedNetwork());
        CoordinatorLink link = CoordinatorLink.connect(address, options.rank(), GREETING_TIMEOUT);
        try {
            Welcome welcome = link.membership().welcome(GREETING_TIMEOUT);
            place.check(welcome);
            return new Rendezvous(link, welcome, null);
        } catch (IOException | RuntimeException e) {
            link.close();
            if (e instanceof GyreException && place.mayBeStale()) {
                throw new IOException(e.getMessage(), e);
            }
            throw e;
        }
    }

    private static Rendezvous host(JoinOptions options, Place place) {
        RendezvousServer server = RendezvousServer.open(
                place.bind(),
                options.worldSize(),
                options.joinTimeout(),
                options.trustedNetwork(),
                RunListener.NONE,
                options.rank());
        try {
            place.announce(server);
            CoordinatorLink link = CoordinatorLink.connect(server.address(), options.rank(), GREETING_TIMEOUT);
            Welcome welcome = link.membership().welcome(GREETING_TIMEOUT);
            return new Rendezvous(link, welcome, new Hosted(server, place));
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
        if (hosted == null) {
            return;
        }
        hosted.server.close();
        try {
            hosted.place.retract(hosted.server);
        } catch (IOException e) {
            LOG.debug("the rendezvous file cannot be removed", e);
        }
    }
}
