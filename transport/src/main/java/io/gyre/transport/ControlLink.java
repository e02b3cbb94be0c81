package io.gyre.transport;

import io.gyre.GyreException;
import io.gyre.ProtocolException;
import io.gyre.membership.Downlink;
import io.gyre.membership.Message;
import io.gyre.membership.Uplink;
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
 * A process's connection to a rendezvous: carries messages to and from a {@link Downlink} without interpreting them.
 *
 * <p>A daemon thread owns the socket from {@link #connect} to {@link #close}; other threads queue messages for it.
 * After the connection breaks, the thread still tells the receiver the time.
 *
 * @param <D> what receives the messages
 */
final class ControlLink<D extends Downlink> implements Uplink, Agent, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ControlLink.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);
    private static final long POLL_MILLIS = 100;
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final Selector selector;
    private final MessageChannel channel;
    private final InetSocketAddress address;
    private final D downlink;
    private final Queue<ByteBuffer> outgoing = new ConcurrentLinkedQueue<>();
    private @Nullable AgentThread thread;

    /** A process listens at the address, but this one did not get to talk to it: it may later. */
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

    /** Makes the receiver of messages, guarded by the monitor. */
    @FunctionalInterface
    interface Receiving<D extends Downlink> {
        D start(Uplink uplink, Object monitor);
    }

    /**
     * Connects to a rendezvous. On return it has proved that it knows the secret.
     *
     * @param key of the run
     * @param receiving makes what receives the messages
     * @throws TurnedAway if something listens there that has not proved the secret by the timeout
     * @throws IOException if nothing listens there
     */
    static <D extends Downlink> ControlLink<D> connect(
            InetSocketAddress address, ControlKey key, Receiving<D> receiving, Duration timeout) throws IOException {
        long deadline = System.nanoTime() + timeout.toNanos();
        // Made first: the other side waits for it as soon as there is a connection.
        ControlTls tls = key.connect();
        ControlLink<D> link = new ControlLink<>(open(address, timeout), tls, address, receiving);
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

    private ControlLink(SocketChannel socket, ControlTls tls, InetSocketAddress address, Receiving<D> receiving)
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
        downlink = receiving.start(this, this);
    }

    /** Both sides prove the secret, on the caller's thread. */
    private void prove(long deadline, Duration timeout) throws IOException {
        channel.flush();
        while (!channel.prove()) {
            long rest = (deadline - System.nanoTime()) / NANOS_PER_MILLI;
            if (rest <= 0) {
                throw new IOException(
                        "it did not answer within " + timeout.toMillis() + " ms, as on a host that is overloaded");
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

    /** What receives the messages of this connection. */
    D downlink() {
        return downlink;
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
            if (!downlink.isDetached()) {
                carry();
            }
            selector.selectedKeys().clear();
        } catch (IOException | RuntimeException e) {
            downlink.disconnected(e.getMessage() == null ? e.toString() : e.getMessage());
        }
        downlink.tick();
        if (downlink.isDetached()) {
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
            downlink.received(message);
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
        downlink.close();
        AgentThread started = thread;
        if (started != null) {
            started.close(CLOSE_TIMEOUT);
        }
    }
}
