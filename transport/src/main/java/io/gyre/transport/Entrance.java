package io.gyre.transport;

import io.gyre.ProtocolException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where connections to a rendezvous arrive. Each is a stranger until its other side has proved that it knows the run's
 * secret. A stranger is answered by the handshake alone; whatever it does wrong only closes its connection. Strangers
 * are few and stay briefly: when there are too many, the oldest is closed, so that those who do nothing keep nobody
 * out. A rank that is turned away tries again.
 *
 * <p>Used by the thread that runs the selector. A stranger's {@link MessageChannel} is the attachment of its key.
 */
final class Entrance implements AutoCloseable {

    /** Limit of strangers. */
    static final int MAX_STRANGERS = 256;

    private static final Logger LOG = LoggerFactory.getLogger(Entrance.class);

    /** Far fewer than the limit of strangers, so that each is heard several times before it must go. */
    private static final int ACCEPTS_PER_TURN = 16;

    /** Connections that the system accepts ahead of this entrance. */
    private static final int BACKLOG = 1_024;

    /** How long a proof may take: a JVM that has just started on a loaded host needs seconds. */
    private static final Duration PROOF_TIMEOUT = Duration.ofSeconds(10);

    private final Selector selector;
    private final ControlKey key;
    private final ServerSocketChannel listening;
    private final SelectionKey arrivals;
    private final InetSocketAddress address;
    private final WaitingRoom<MessageChannel> strangers = new WaitingRoom<>(MAX_STRANGERS, PROOF_TIMEOUT.toNanos());

    /**
     * Listens on an address.
     *
     * @param selector borrowed
     * @throws IOException if the port is in use, or the address is not this host's
     */
    Entrance(InetSocketAddress bind, Selector selector, ControlKey key) throws IOException {
        this.selector = selector;
        this.key = key;
        listening = ServerSocketChannel.open();
        try {
            // Without it, Linux would keep the port of a run that has just ended for a minute.
            listening.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            listening.bind(bind, BACKLOG);
            listening.configureBlocking(false);
            arrivals = listening.register(selector, SelectionKey.OP_ACCEPT);
            address = (InetSocketAddress) listening.getLocalAddress();
        } catch (IOException e) {
            listening.close();
            throw e;
        }
    }

    InetSocketAddress address() {
        return address;
    }

    /** Accepts connections if the selector has found some; call it after the strangers that it found were heard. */
    void accept(long now) {
        if (!selector.selectedKeys().contains(arrivals)) {
            return;
        }
        for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
            try {
                SocketChannel socket = listening.accept();
                if (socket == null) {
                    return;
                }
                letIn(socket, now);
            } catch (IOException e) {
                makeRoom(e);
                return;
            }
        }
    }

    private void letIn(SocketChannel socket, long now) throws IOException {
        try {
            drop(strangers.enter(new MessageChannel(socket, selector, key.accept()), now), "others came after it");
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** Most likely all files that this process may open are in use; the system offers the connection again. */
    private void makeRoom(IOException refusal) {
        MessageChannel oldest = strangers.removeOldest();
        if (oldest == null) {
            LOG.warn("the rendezvous on {} cannot accept a connection now: {}", address, refusal.getMessage());
            arrivals.interestOps(0);
        } else {
            drop(oldest, refusal.getMessage());
        }
    }

    /**
     * Hears what a stranger has sent. Returns whether it has proved the secret: then it is a stranger no more, and the
     * caller's.
     */
    boolean hear(MessageChannel stranger) {
        if (!strangers.contains(stranger)) {
            return false;
        }
        try {
            stranger.flush();
            if (stranger.prove()) {
                strangers.leave(stranger);
                return true;
            }
        } catch (IOException | ProtocolException e) {
            strangers.leave(stranger);
            drop(stranger, e.getMessage());
        }
        return false;
    }

    /** Time has passed. */
    void tick(long now) {
        strangers.removeExpired(now).forEach(stranger -> drop(stranger, "its time for a proof is up"));
        arrivals.interestOps(SelectionKey.OP_ACCEPT);
    }

    /** Closes a stranger's connection without a word, and without a trace that strangers could make long. */
    private void drop(@Nullable MessageChannel stranger, @Nullable String why) {
        if (stranger == null) {
            return;
        }
        LOG.debug("a stranger at the rendezvous on {} is turned away: {}", address, why);
        try {
            stranger.close();
        } catch (IOException e) {
            LOG.debug("closing a stranger's connection failed", e);
        }
    }

    @Override
    public void close() throws IOException {
        for (MessageChannel one = strangers.removeOldest(); one != null; one = strangers.removeOldest()) {
            drop(one, "the rendezvous is closed");
        }
        listening.close();
    }
}
