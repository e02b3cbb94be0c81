package io.gyre.transport;

import io.gyre.GyreException;
import io.gyre.ProtocolException;
import io.gyre.membership.Membership;
import io.gyre.membership.Message;
import io.gyre.membership.Uplink;
import io.gyre.network.Time;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.NoOpIdleStrategy;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rank's connection to the coordinator of its run: carries the messages of a {@link Membership} without interpreting
 * them.
 *
 * <p>A daemon thread owns the socket from {@link #connect} to {@link #close}; other threads queue messages for it.
 * After the connection breaks, the thread still advances the membership's time.
 */
final class CoordinatorLink implements Uplink, Agent, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(CoordinatorLink.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);
    private static final long POLL_MILLIS = 200;
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final Selector selector;
    private final MessageChannel channel;
    private final InetSocketAddress address;
    private final Membership membership;
    private final Queue<ByteBuffer> outgoing = new ConcurrentLinkedQueue<>();
    private @Nullable AgentThread thread;

    /** A process listens at the address, but this rank did not get to talk to it: it may later. */
    static final class TurnedAway extends IOException {
        TurnedAway(InetSocketAddress address, String how) {
            super("the process at " + address.getHostString() + ":" + address.getPort()
                    + " did not prove this run's secret: " + how
                    + ". Has it another secret, or another version of Gyre? Is the port in use by another program?");
        }

        /** It ended before it greeted. */
        TurnedAway(GyreException reason) {
            super(reason.getMessage(), reason);
        }
    }

    /**
     * Connects to a coordinator. On return it has proved that it knows the secret.
     *
     * @param key of the run
     * @param rank the rank requested, or {@link Message#ANY_RANK}
     * @throws TurnedAway if something listens there that has not proved the secret by the timeout
     * @throws IOException if nothing listens there
     */
    static CoordinatorLink connect(InetSocketAddress address, ControlKey key, int rank, Duration timeout)
            throws IOException {
        long deadline = System.nanoTime() + timeout.toNanos();
        // Made first: the other side waits for it as soon as there is a connection.
        ControlTls tls = key.connect();
        CoordinatorLink link = new CoordinatorLink(open(address, timeout), tls, address, rank);
        try {
            link.prove(deadline, timeout);
        } catch (IOException | ProtocolException e) {
            link.onClose();
            throw new TurnedAway(address, String.valueOf(e.getMessage()));
        }
        link.start();
        return link;
    }

    private static SocketChannel open(InetSocketAddress address, Duration timeout) throws IOException {
        SocketChannel socket = SocketChannel.open();
        try {
            socket.socket().connect(address, Math.toIntExact(Math.max(1, timeout.toMillis())));
            return socket;
        } catch (SocketTimeoutException e) {
            socket.close();
            throw new TurnedAway(address, "it accepted no connection within " + timeout.toMillis() + " ms");
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private CoordinatorLink(SocketChannel socket, ControlTls tls, InetSocketAddress address, int rank)
            throws IOException {
        this.address = address;
        try {
            selector = Selector.open();
            channel = new MessageChannel(socket, selector, tls);
        } catch (IOException e) {
            socket.close();
            throw e;
        }
        channel.trust();
        membership = new Membership(rank, address.toString(), this, Time.SYSTEM, this);
    }

    /** Both sides prove the secret, on the caller's thread. */
    private void prove(long deadline, Duration timeout) throws IOException {
        channel.flush();
        while (!channel.prove()) {
            long rest = (deadline - System.nanoTime()) / NANOS_PER_MILLI;
            if (rest <= 0) {
                throw new IOException("it did not answer within " + timeout.toMillis() + " ms");
            }
            selector.select(rest);
            selector.selectedKeys().clear();
            if (Thread.currentThread().isInterrupted()) {
                throw new IOException("this thread was interrupted");
            }
            channel.flush();
        }
    }

    private void start() {
        thread = new AgentThread(
                this,
                NoOpIdleStrategy.INSTANCE,
                error -> LOG.error("the link to {} has failed", address, error),
                selector::wakeup);
    }

    /** The membership whose messages this connection carries. */
    Membership membership() {
        return membership;
    }

    @Override
    public void send(Message message) {
        outgoing.add(MessageChannel.frame(message));
        selector.wakeup();
    }

    /** Waits briefly for the socket, and carries messages in and out. */
    @Override
    public int doWork() {
        try {
            selector.select(POLL_MILLIS);
            if (!membership.isDetached()) {
                carry();
            }
            selector.selectedKeys().clear();
        } catch (IOException | RuntimeException e) {
            membership.disconnected(e.getMessage() == null ? e.toString() : e.getMessage());
        }
        membership.tick();
        if (membership.isDetached()) {
            closeChannel();
        }
        return 0;
    }

    private void carry() throws IOException {
        sendAll();
        for (SelectionKey key : selector.selectedKeys()) {
            if (key.isWritable()) {
                channel.flush();
            }
            if (key.isReadable()) {
                receiveAll();
            }
        }
    }

    private void sendAll() throws IOException {
        for (ByteBuffer frame = outgoing.poll(); frame != null; frame = outgoing.poll()) {
            channel.send(frame);
        }
    }

    private void receiveAll() throws IOException {
        for (Message message = channel.receive(); message != null; message = channel.receive()) {
            membership.received(message);
        }
    }

    @Override
    public void onClose() {
        try {
            sendAll();
        } catch (IOException e) {
            LOG.debug("the last messages to {} were not sent", address, e);
        }
        closeChannel();
        try {
            selector.close();
        } catch (IOException e) {
            LOG.debug("closing the selector for {} failed", address, e);
        }
    }

    private void closeChannel() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.debug("closing the connection to {} failed", address, e);
        }
    }

    @Override
    public String roleName() {
        return "gyre-control-" + address.getPort();
    }

    /** Closes the connection after sending what is queued. A second call does nothing. */
    @Override
    public void close() {
        membership.close();
        AgentThread started = thread;
        if (started != null) {
            started.close(CLOSE_TIMEOUT);
        }
    }
}
