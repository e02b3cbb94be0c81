package io.gyre.transport;

import io.gyre.Member;
import io.gyre.ProtocolException;
import io.gyre.membership.Coordinator;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Outbox;
import io.gyre.membership.Supervisor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongSupplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentTerminationException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The work of a {@link RendezvousServer}, turn by turn: lets connections in by an {@link Entrance}, carries messages
 * between those that have proved the run's secret and the supervisor, and tells it the time. A turn waits for the
 * sockets until the next tick is due.
 *
 * <p>One thread takes the turns, and calls the supervisor. {@link #members}, {@link #isOver}, {@link #request} and
 * {@link #wake} may be called from any thread.
 */
final class RendezvousAgent<S extends Supervisor> implements Agent {

    private static final Logger LOG = LoggerFactory.getLogger(RendezvousAgent.class);

    /** Limit, besides one for each rank, of connections that have not joined; the oldest is closed for another. */
    private static final int MAX_GUESTS = 64;

    /** How long a connection may stay open without joining, and how long an ended one may linger. */
    private static final Duration GUEST_TIMEOUT = Duration.ofSeconds(10);

    private final LongSupplier clock;
    private final Selector selector;
    private final Entrance entrance;
    private final S supervisor;
    private final Queue<Runnable> requests = new ConcurrentLinkedQueue<>();

    /** Those that have proved the secret, by number. */
    private final TreeMap<Integer, Connection> connections = new TreeMap<>();

    /** Those of them that have not joined, or have been told to end. */
    private final WaitingRoom<Connection> guests;

    private int nextConnection;
    private long nextTick;
    private volatile List<Member> members = List.of();
    private volatile boolean over;

    private record Connection(int number, MessageChannel channel) {}

    /** Makes the state machine that answers the processes. */
    @FunctionalInterface
    interface Supervising<S extends Supervisor> {
        S start(Outbox outbox, long now);
    }

    /**
     * Listens on an address.
     *
     * @param secret proved by every process
     * @param most number of processes that will join
     * @param supervising makes the supervisor
     * @param clock nanoseconds, from any origin
     * @throws IOException if the port is in use, or the address is not this host's
     */
    RendezvousAgent(InetSocketAddress bind, RunSecret secret, int most, Supervising<S> supervising, LongSupplier clock)
            throws IOException {
        this.clock = clock;
        nextTick = clock.getAsLong();
        supervisor = supervising.start(new Post(), nextTick);
        guests = new WaitingRoom<>(most + MAX_GUESTS, GUEST_TIMEOUT.toNanos());
        selector = Selector.open();
        try {
            entrance = new Entrance(bind, selector, new ControlKey(secret));
        } catch (IOException e) {
            selector.close();
            throw e;
        }
    }

    /** What answers the processes; called by {@link #request}ed actions only. */
    S supervisor() {
        return supervisor;
    }

    InetSocketAddress address() {
        return entrance.address();
    }

    /** The ranks that have joined so far, by rank. */
    List<Member> members() {
        return members;
    }

    /** Whether the run is over: it failed, or every rank has left. */
    boolean isOver() {
        return over;
    }

    /** Runs an action on the thread of the turns, before the next one. */
    void request(Runnable action) {
        requests.add(action);
        wake();
    }

    /** Ends the present wait for the sockets. */
    void wake() {
        selector.wakeup();
    }

    @Override
    public int doWork() {
        try {
            select();
            for (Runnable request = requests.poll(); request != null; request = requests.poll()) {
                request.run();
            }
            for (SelectionKey ready : selector.selectedKeys()) {
                handle(ready);
            }
            entrance.accept(clock.getAsLong());
            selector.selectedKeys().clear();
            tick();
        } catch (IOException | RuntimeException e) {
            // The ranks see their connections end, and stop.
            LOG.error("the rendezvous on {} has failed", address(), e);
            throw new AgentTerminationException(e, true);
        }
        // In this order: who sees that nobody is left sees why.
        over = supervisor.isOver();
        members = supervisor.members();
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

    private void handle(SelectionKey ready) {
        Object from = ready.attachment();
        if (from instanceof Connection connection) {
            handle(connection, ready);
        } else if (from instanceof MessageChannel stranger && entrance.hear(stranger)) {
            greet(stranger, ready);
        }
    }

    private void greet(MessageChannel channel, SelectionKey ready) {
        Connection connection = new Connection(nextConnection++, channel);
        ready.attach(connection);
        connections.put(connection.number, connection);
        receiveAsGuest(connection);
        supervisor.connected(connection.number);
        handle(connection, ready);
    }

    private void receiveAsGuest(Connection connection) {
        Connection oldest = guests.enter(connection, clock.getAsLong());
        if (oldest != null) {
            drop(oldest, "others came after it");
        }
    }

    private void handle(Connection connection, SelectionKey ready) {
        // Another one of this turn may have had it closed.
        if (!ready.isValid()) {
            return;
        }
        try {
            if (ready.isWritable()) {
                connection.channel.flush();
            }
            if (ready.isReadable()) {
                read(connection);
            }
        } catch (MessageChannel.EndOfStream e) {
            drop(connection, "its process has ended: " + e.getMessage());
        } catch (IOException | ProtocolException e) {
            drop(connection, "its connection broke: " + e.getMessage());
        }
    }

    private void read(Connection connection) throws IOException {
        MessageChannel channel = connection.channel;
        for (Message message = channel.receive(); message != null; message = channel.receive()) {
            if (channel.isFinishing()) {
                continue;
            }
            supervisor.received(connection.number, message);
            if (supervisor.hasJoined(connection.number) && !channel.isFinishing()) {
                guests.leave(connection);
                channel.trust();
            }
        }
    }

    private void tick() {
        long now = clock.getAsLong();
        if (now < nextTick) {
            return;
        }
        nextTick = now + Coordinator.TICK.toNanos();
        supervisor.tick(now);
        entrance.tick(now);
        guests.removeExpired(now).forEach(guest -> drop(guest, "it did not end its connection"));
    }

    private void drop(Connection connection, String how) {
        connections.remove(connection.number);
        guests.leave(connection);
        closeQuietly(connection.channel);
        if (!connection.channel.isFinishing()) {
            supervisor.disconnected(connection.number, how);
        }
    }

    @Override
    public void onClose() {
        supervisor.refuseLatecomers(connections.values().stream()
                .filter(connection -> !connection.channel.isFinishing())
                .map(Connection::number)
                .toList());
        for (Connection connection : connections.values()) {
            // Flushes the last messages first: closing with unread bytes resets a connection.
            closeQuietly(connection.channel::finish);
            closeQuietly(connection.channel);
        }
        closeQuietly(entrance);
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
        return "gyre-rendezvous-" + address().getPort();
    }

    /**
     * Sends the supervisor's messages. A connection that breaks meanwhile is reported when the selector finds it
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
                if (message instanceof Heartbeat) {
                    // A process that is sent long values is alive, and can say so.
                    receiver.channel.sendAhead(lastFrame);
                } else {
                    receiver.channel.send(lastFrame);
                }
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
            receiveAsGuest(receiver);
            try {
                receiver.channel.finish();
            } catch (IOException e) {
                LOG.debug("ending connection {} failed", connection, e);
            }
        }
    }
}
