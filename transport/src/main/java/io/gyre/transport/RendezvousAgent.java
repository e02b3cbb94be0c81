package io.gyre.transport;

import io.gyre.Member;
import io.gyre.ProtocolException;
import io.gyre.membership.Coordinator;
import io.gyre.membership.Message;
import io.gyre.membership.Outbox;
import io.gyre.membership.RunId;
import io.gyre.membership.RunListener;
import java.io.IOException;
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
import java.util.function.LongSupplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentTerminationException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The work of a {@link RendezvousServer}, turn by turn: accepts connections, carries messages between them and the
 * coordinator, and tells it the time. A turn waits for the sockets until the next tick is due.
 *
 * <p>One thread takes the turns. {@link #members}, {@link #isOver} and {@link #wake} may be called from any thread.
 */
final class RendezvousAgent implements Agent {

    private static final Logger LOG = LoggerFactory.getLogger(RendezvousAgent.class);

    /** Limit of connections that have not joined; more are closed at once. */
    private static final int MAX_STRANGERS = 64;

    /** How long a connection may stay open without joining, and how long an ended one may linger. */
    private static final long STRANGER_NANOS = Duration.ofSeconds(10).toNanos();

    private final LongSupplier clock;
    private final ServerSocketChannel listening;
    private final Selector selector;
    private final InetSocketAddress address;
    private final Coordinator coordinator;
    private final TreeMap<Integer, Connection> connections = new TreeMap<>();
    private int nextConnection;
    private long nextTick;
    private volatile List<Member> members = List.of();
    private volatile boolean over;

    private static final class Connection {
        final int number;
        final MessageChannel channel;

        /** When it connected, or was told to end: it is kept only briefly in either state. */
        long since;

        Connection(int number, MessageChannel channel, long now) {
            this.number = number;
            this.channel = channel;
            since = now;
        }
    }

    /**
     * Listens on an address.
     *
     * @param host member that runs the coordinator
     * @param clock nanoseconds, from any origin
     * @throws IOException if the port is in use, or the address is not this host's
     */
    RendezvousAgent(
            InetSocketAddress bind,
            RunId run,
            int worldSize,
            Member host,
            Duration joinTimeout,
            RunListener listener,
            LongSupplier clock)
            throws IOException {
        this.clock = clock;
        nextTick = clock.getAsLong();
        coordinator =
                new Coordinator(run, worldSize, host, joinTimeout, new Post(), listener, nextTick, new SecureRandom());
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
    }

    InetSocketAddress address() {
        return address;
    }

    /** The ranks that have joined so far, by rank. */
    List<Member> members() {
        return members;
    }

    /** Whether the run is over: it failed, or every rank has left. */
    boolean isOver() {
        return over;
    }

    /** Ends the present wait for the sockets. */
    void wake() {
        selector.wakeup();
    }

    @Override
    public int doWork() {
        try {
            select();
            for (SelectionKey key : selector.selectedKeys()) {
                handle(key);
            }
            selector.selectedKeys().clear();
            tick();
        } catch (IOException | RuntimeException e) {
            // The ranks see their connections end, and stop.
            LOG.error("the rendezvous on {} has failed", address, e);
            throw new AgentTerminationException(e, true);
        }
        members = coordinator.members();
        over = coordinator.isOver();
        return 0;
    }

    private void select() throws IOException {
        long wait = (nextTick - clock.getAsLong()) / 1_000_000;
        if (wait > 0) {
            selector.select(wait);
        } else {
            selector.selectNow();
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
        connections.put(number, new Connection(number, new MessageChannel(socket, selector), clock.getAsLong()));
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
        long now = clock.getAsLong();
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

    @Override
    public void onClose() {
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

    @Override
    public String roleName() {
        return "gyre-rendezvous-" + address.getPort();
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
            receiver.since = clock.getAsLong();
            try {
                receiver.channel.finish();
            } catch (IOException e) {
                LOG.debug("ending connection {} failed", connection, e);
            }
        }
    }
}
