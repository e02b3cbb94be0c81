package io.gyre.transport;

import io.gyre.Member;
import io.gyre.ProtocolException;
import io.gyre.membership.Coordinator;
import io.gyre.membership.Message;
import io.gyre.membership.Outbox;
import io.gyre.membership.RunId;
import io.gyre.membership.RunListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the ranks of one run meet: a socket that they connect to and keep open, so that its end is the first sign of a
 * lost rank. Hosted by the launcher, or by rank 0.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One daemon thread, from {@link #open} to {@link #close}, which also calls the listener. Methods may be called
 *       from any thread.
 *   <dt>Security
 *   <dd>There is no authentication. Addresses other than loopback must be allowed explicitly.
 * </dl>
 */
public final class RendezvousServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(RendezvousServer.class);

    /** Limit of connections that have not joined; more are closed at once. */
    private static final int MAX_STRANGERS = 64;

    /** How long a connection may stay open without joining, and how long an ended one may linger. */
    private static final long STRANGER_NANOS = Duration.ofSeconds(10).toNanos();

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

    private final ServerSocketChannel listening;
    private final Selector selector;
    private final InetSocketAddress address;
    private final RunId run;
    private final Coordinator coordinator;
    private final TreeMap<Integer, Connection> connections = new TreeMap<>();
    private final Thread thread;
    private int nextConnection;
    private long nextTick;
    private volatile List<Member> members = List.of();
    private volatile boolean over;
    private volatile boolean closed;

    private static final class Connection {
        final int number;
        final MessageChannel channel;

        /** When it connected, or was told to end: it is kept only briefly in either state. */
        long since = System.nanoTime();

        Connection(int number, MessageChannel channel) {
            this.number = number;
            this.channel = channel;
        }
    }

    /**
     * Opens a rendezvous on a loopback address, without a listener.
     *
     * @param bind where to listen; port 0 selects a free one
     * @param worldSize number of ranks to wait for
     * @param joinTimeout after which the ranks that have joined are told who is missing
     * @throws UncheckedIOException if the port is in use, or the address is not this host's
     */
    public static RendezvousServer open(InetSocketAddress bind, int worldSize, Duration joinTimeout) {
        return open(bind, worldSize, joinTimeout, false, RunListener.NONE);
    }

    /**
     * Opens a rendezvous.
     *
     * @param bind where to listen; port 0 selects a free one
     * @param worldSize number of ranks to wait for
     * @param joinTimeout after which the ranks that have joined are told who is missing
     * @param trustedNetwork whether addresses other than loopback are allowed
     * @param listener receives joins and losses, on this server's thread
     * @throws UncheckedIOException if the port is in use, or the address is not this host's
     */
    public static RendezvousServer open(
            InetSocketAddress bind, int worldSize, Duration joinTimeout, boolean trustedNetwork, RunListener listener) {
        return open(bind, worldSize, joinTimeout, trustedNetwork, listener, Message.NO_RANK);
    }

    /** As above, hosted by rank {@code hostRank}: when that is lost, the ranks know which one it was. */
    static RendezvousServer open(
            InetSocketAddress bind,
            int worldSize,
            Duration joinTimeout,
            boolean trustedNetwork,
            RunListener listener,
            int hostRank) {
        TrustedNetwork.check(bind, trustedNetwork);
        Member host = new Member(
                hostRank, HostIdentity.name(), ProcessHandle.current().pid());
        try {
            RendezvousServer server = new RendezvousServer(bind, worldSize, joinTimeout, listener, host);
            server.thread.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "the rendezvous cannot listen on " + bind.getHostString() + ":" + bind.getPort() + ": "
                            + e.getMessage() + ". Choose another port (0 takes a free one) or an address of this host",
                    e);
        }
    }

    private RendezvousServer(
            InetSocketAddress bind, int worldSize, Duration joinTimeout, RunListener listener, Member host)
            throws IOException {
        SecureRandom random = new SecureRandom();
        run = new RunId(random.nextLong(), random.nextLong());
        coordinator = new Coordinator(run, worldSize, host, joinTimeout, new Post(), listener, System.nanoTime());
        selector = Selector.open();
        listening = ServerSocketChannel.open();
        try {
            // Without it, Linux would keep the port of a run that has just ended for a minute.
            listening.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            listening.bind(bind, MAX_STRANGERS);
            listening.configureBlocking(false);
            listening.register(selector, SelectionKey.OP_ACCEPT);
            address = (InetSocketAddress) listening.getLocalAddress();
        } catch (IOException e) {
            listening.close();
            selector.close();
            throw e;
        }
        thread = new Thread(this::serve, "gyre-rendezvous-" + address.getPort());
        thread.setDaemon(true);
    }

    /** The address it listens on. */
    public InetSocketAddress address() {
        return address;
    }

    /** The address that ranks use to find it: {@code host:port}. */
    public String endpoint() {
        InetAddress host = address.getAddress();
        return (host.isAnyLocalAddress() ? HostIdentity.name() : host.getHostAddress()) + ":" + address.getPort();
    }

    /** Name of the run. */
    RunId run() {
        return run;
    }

    /** The ranks that have joined so far, by rank. */
    public List<Member> members() {
        return members;
    }

    /** Whether the run is over: it failed, or every rank has left. */
    boolean isOver() {
        return over;
    }

    private void serve() {
        nextTick = System.nanoTime();
        try {
            while (!closed) {
                long wait = (nextTick - System.nanoTime()) / 1_000_000;
                if (wait > 0) {
                    selector.select(wait);
                } else {
                    selector.selectNow();
                }
                for (SelectionKey key : selector.selectedKeys()) {
                    handle(key);
                }
                selector.selectedKeys().clear();
                tick();
                members = coordinator.members();
                over = coordinator.isOver();
            }
        } catch (IOException | RuntimeException e) {
            // The ranks see their connections end, and stop.
            LOG.error("the rendezvous on {} has failed", address, e);
        } finally {
            release();
        }
    }

    private void handle(SelectionKey key) throws IOException {
        if (key.isValid() && key.isAcceptable()) {
            accept();
            return;
        }
        Connection connection = find((MessageChannel) key.attachment());
        if (connection == null) {
            return;
        }
        try {
            if (key.isWritable()) {
                connection.channel.flush();
            }
            if (key.isReadable()) {
                read(connection);
            }
        } catch (IOException | ProtocolException e) {
            drop(
                    connection,
                    e instanceof MessageChannel.EndOfStream ? "its process has ended: " + e.getMessage() : reason(e));
        }
    }

    private static String reason(Exception e) {
        return "its connection broke: " + e.getMessage();
    }

    private @Nullable Connection find(MessageChannel channel) {
        for (Connection connection : connections.values()) {
            if (connection.channel == channel) {
                return connection;
            }
        }
        return null;
    }

    private void accept() throws IOException {
        SocketChannel socket = listening.accept();
        if (socket == null) {
            return;
        }
        long strangers = connections.keySet().stream()
                .filter(number -> !coordinator.hasJoined(number))
                .count();
        if (strangers >= MAX_STRANGERS) {
            socket.close();
            return;
        }
        int number = nextConnection++;
        connections.put(number, new Connection(number, new MessageChannel(socket, selector)));
        coordinator.connected(number);
    }

    private void read(Connection connection) throws IOException {
        Message message = connection.channel.receive();
        while (message != null) {
            if (!connection.channel.isFinishing()) {
                coordinator.received(connection.number, message);
                if (coordinator.hasJoined(connection.number)) {
                    connection.channel.trust();
                }
            }
            message = connection.channel.receive();
        }
    }

    private void tick() throws IOException {
        long now = System.nanoTime();
        if (now < nextTick) {
            return;
        }
        nextTick = now + Coordinator.TICK.toNanos();
        coordinator.tick(now);
        for (Connection connection : new ArrayList<>(connections.values())) {
            boolean stranger = !coordinator.hasJoined(connection.number) || connection.channel.isFinishing();
            if (stranger && now - connection.since > STRANGER_NANOS) {
                drop(connection, "it did not end its connection");
            }
        }
    }

    private void drop(Connection connection, String how) throws IOException {
        connections.remove(connection.number);
        connection.channel.close();
        if (!connection.channel.isFinishing()) {
            coordinator.disconnected(connection.number, how);
        }
    }

    /**
     * Sends the coordinator's messages. A connection that breaks meanwhile is reported when the selector finds it
     * readable.
     */
    private final class Post implements Outbox {

        private @Nullable Message last;
        private ByteBuffer lastFrame = ByteBuffer.allocate(0);

        @Override
        @SuppressWarnings("ReferenceEquality") // A broadcast message is encoded once; equal messages need not be found.
        public void send(int connection, Message message) {
            Connection receiver = connections.get(connection);
            if (receiver == null) {
                return;
            }
            if (message != last) {
                last = message;
                lastFrame = MessageChannel.frame(message);
            }
            try {
                receiver.channel.send(lastFrame);
            } catch (IOException e) {
                LOG.debug("sending on connection {} failed", connection, e);
            }
        }

        @Override
        public void close(int connection) {
            Connection receiver = connections.get(connection);
            if (receiver == null) {
                return;
            }
            receiver.since = System.nanoTime();
            try {
                receiver.channel.finish();
            } catch (IOException e) {
                LOG.debug("ending connection {} failed", connection, e);
            }
        }
    }

    private void release() {
        for (Connection connection : connections.values()) {
            // Flushes the last messages first: closing with unread bytes resets a connection.
            closeQuietly(connection.channel::finish);
            closeQuietly(connection.channel);
        }
        closeQuietly(listening);
        closeQuietly(selector);
    }

    private static void closeQuietly(AutoCloseable resource) {
        try {
            resource.close();
        } catch (Exception e) {
            LOG.debug("closing {} failed", resource, e);
        }
    }

    /** Closes the rendezvous: ranks that are still in the run see it fail. A second call does nothing. */
    @Override
    public void close() {
        closed = true;
        selector.wakeup();
        if (Thread.currentThread() != thread) {
            Threads.join(thread, CLOSE_TIMEOUT);
        }
    }
}
