package io.gyre.transport;

import io.gyre.GyreException;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.RunListener;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * How a rank finds the coordinator. If somebody answers at the address it is joined; otherwise rank 0 hosts it, and the others
 * try again until the join deadline.
 *
 * @param link connection to the coordinator, which has greeted
 * @param welcome its greeting
 * @param hosted the coordinator, if this rank hosts it
 * @param file where its address stands, if it was written by this rank
 */
record Rendezvous(
        CoordinatorLink link,
        Welcome welcome,
        @Nullable RendezvousServer hosted,
        @Nullable RendezvousFile file) {

    /** A coordinator greets at once. */
    private static final Duration GREETING_TIMEOUT = Duration.ofSeconds(5);

    private static final long RETRY_NANOS = 50_000_000;

    static Rendezvous find(JoinOptions options) {
        InetSocketAddress fixed = address(options.rendezvous());
        RendezvousFile file = fixed == null ? new RendezvousFile(Path.of(options.rendezvous())) : null;
        if (fixed != null) {
            options.checkTrusted(fixed);
        }
        long deadline = System.nanoTime() + options.joinTimeout().toNanos();
        String obstacle = "";
        do {
            try {
                return file == null && fixed != null ? reach(options, fixed) : reach(options, file);
            } catch (IOException e) {
                obstacle = e.getMessage() == null ? e.toString() : e.getMessage();
                if (options.rank() == 0) {
                    return host(options, fixed, file);
                }
            }
            pause(options);
        } while (System.nanoTime() - deadline < 0);
        throw new GyreException("rank " + options.rank() + " did not find the rendezvous at " + options.rendezvous()
                + " within " + options.joinTimeout().toMillis() + " ms: " + obstacle
                + ". It is opened by rank 0, or by the launcher: is that running?");
    }

    /** The address in {@code host:port}, or null if the text is a path. */
    static @Nullable InetSocketAddress address(String rendezvous) {
        int colon = rendezvous.lastIndexOf(':');
        String port = rendezvous.substring(colon + 1);
        if (colon <= 0 || port.isEmpty() || !port.chars().allMatch(c -> c >= '0' && c <= '9') || port.length() > 5) {
            return null;
        }
        int number = Integer.parseInt(port);
        if (number > 65_535) {
            throw new IllegalArgumentException("rendezvous " + rendezvous + ": there is no port " + number);
        }
        String host = rendezvous.substring(0, colon);
        return new InetSocketAddress(host.startsWith("[") ? host.substring(1, host.length() - 1) : host, number);
    }

    private static Rendezvous reach(JoinOptions options, InetSocketAddress address) throws IOException {
        CoordinatorLink link = CoordinatorLink.connect(address, GREETING_TIMEOUT);
        try {
            return new Rendezvous(link, link.welcome(options.rank(), GREETING_TIMEOUT), null, null);
        } catch (RuntimeException e) {
            link.close();
            throw e;
        }
    }

    /** A file may be left over from an earlier run: only the run that wrote it counts, and only while it can be joined. */
    private static Rendezvous reach(JoinOptions options, RendezvousFile file) throws IOException {
        RendezvousFile.Entry entry = file.read();
        InetSocketAddress address = address(entry.endpoint());
        if (address == null) {
            throw new IOException("file " + file + " holds '" + entry.endpoint() + "', which is no address");
        }
        options.checkTrusted(address);
        CoordinatorLink link = CoordinatorLink.connect(address, GREETING_TIMEOUT);
        try {
            Welcome welcome = link.welcome(options.rank(), GREETING_TIMEOUT);
            if (welcome.complete() || !welcome.run().toString().equals(entry.run())) {
                throw new IOException("file " + file + " is left over from an earlier run");
            }
            return new Rendezvous(link, welcome, null, null);
        } catch (GyreException e) {
            link.close();
            throw new IOException(e.getMessage(), e);
        } catch (IOException | RuntimeException e) {
            link.close();
            throw e;
        }
    }

    private static Rendezvous host(
            JoinOptions options, @Nullable InetSocketAddress fixed, @Nullable RendezvousFile file) {
        InetSocketAddress bind = fixed == null ? new InetSocketAddress(options.bind(), 0) : fixed;
        RendezvousServer server = RendezvousServer.open(
                bind, options.worldSize(), options.joinTimeout(), options.trustedNetwork(), RunListener.NONE, 0);
        try {
            if (file != null) {
                file.write(
                        new RendezvousFile.Entry(server.endpoint(), server.run().toString()));
            }
            CoordinatorLink link = CoordinatorLink.connect(server.address(), GREETING_TIMEOUT);
            return new Rendezvous(link, link.welcome(options.rank(), GREETING_TIMEOUT), server, file);
        } catch (IOException e) {
            server.close();
            throw new GyreException(
                    "rank 0 cannot open the rendezvous " + options.rendezvous() + ": " + e.getMessage(), e);
        }
    }

    private static void pause(JoinOptions options) {
        LockSupport.parkNanos(RETRY_NANOS);
        if (Thread.currentThread().isInterrupted()) {
            throw new GyreException("rank " + options.rank() + " was interrupted on its way to the rendezvous");
        }
    }
}
