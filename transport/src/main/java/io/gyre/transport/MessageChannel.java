package io.gyre.transport;

import io.gyre.ProtocolException;
import io.gyre.membership.Message;
import io.gyre.membership.MessageCodec;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Messages over a non-blocking, encrypted socket, each preceded by its length in four bytes, big-endian. Used by the
 * thread that runs the selector.
 *
 * <p>First a handshake proves to each side that the other knows the run's secret ({@link #prove}). Messages that are
 * queued before go out after it.
 */
final class MessageChannel implements AutoCloseable {

    /** Most bytes that are received from a process which has not proved that it knows the secret. */
    static final int MAX_UNPROVED_BYTES = 4 << 10;

    private static final int PREFIX_BYTES = Integer.BYTES;

    /** Room for a whole record of TLS. */
    private static final int WIRE_BYTES = 18 << 10;

    private final SocketChannel socket;
    private final ControlTls tls;
    private final SelectionKey key;
    private final ByteBuffer prefix = ByteBuffer.allocate(PREFIX_BYTES);
    private final Deque<ByteBuffer> outgoing = new ArrayDeque<>();

    /** Encrypted bytes that the socket has not accepted yet. */
    private ByteBuffer wire = ByteBuffer.allocate(0);

    /** Encrypted bytes from the socket, during a call. */
    private ByteBuffer received = ByteBuffer.allocate(MAX_UNPROVED_BYTES);

    private @Nullable ByteBuffer incoming;
    private int limit = MessageCodec.MAX_STRANGER_BYTES;
    private int unproved;
    private boolean closing;

    /**
     * Registers a connected socket with a selector.
     *
     * @param socket owned from now on
     * @param tls this end of its encryption, owned from now on
     */
    MessageChannel(SocketChannel socket, Selector selector, ControlTls tls) throws IOException {
        this.socket = socket;
        this.tls = tls;
        socket.configureBlocking(false);
        socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
        key = socket.register(selector, SelectionKey.OP_READ, this);
    }

    private boolean isProved() {
        return tls.isProved();
    }

    /** Accepts long messages from now on, because the other side is a member. */
    void trust() {
        limit = MessageCodec.MAX_MEMBER_BYTES;
    }

    /** Encodes a message with its length in front; the same bytes may be queued on many channels. */
    static ByteBuffer frame(Message message) {
        byte[] body = MessageCodec.encode(message);
        return ByteBuffer.allocate(PREFIX_BYTES + body.length)
                .putInt(body.length)
                .put(body)
                .flip();
    }

    /** Queues a framed message and sends what the socket accepts at once. */
    void send(ByteBuffer frame) throws IOException {
        if (!closing) {
            outgoing.add(frame.duplicate());
            flush();
        }
    }

    /** As {@link #send}, but the message overtakes all that wait, except the first, which may have begun. */
    void sendAhead(ByteBuffer frame) throws IOException {
        if (closing || outgoing.isEmpty()) {
            send(frame);
            return;
        }
        ByteBuffer first = outgoing.remove();
        outgoing.addFirst(frame.duplicate());
        outgoing.addFirst(first);
        flush();
    }

    /** Sends what is queued, as far as the socket accepts it, and registers with the selector for the rest. */
    void flush() throws IOException {
        while (wire.hasRemaining() || encrypt()) {
            socket.write(wire);
            if (wire.hasRemaining()) {
                key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
                return;
            }
        }
        key.interestOps(SelectionKey.OP_READ);
        if (closing) {
            socket.shutdownOutput();
        }
    }

    /** Encrypts the next bytes to send, at most a record: more would only wait here. Returns whether there are any. */
    private boolean encrypt() throws IOException {
        if (wire.capacity() == 0) {
            wire = ByteBuffer.allocate(WIRE_BYTES);
        }
        wire.clear();
        tls.output(wire);
        ByteBuffer first = outgoing.peek();
        if (wire.position() == 0 && first != null && tls.isProved()) {
            tls.write(first);
            if (!first.hasRemaining()) {
                outgoing.remove();
            }
            tls.output(wire);
        }
        return wire.flip().hasRemaining();
    }

    /**
     * Ends this side of the connection after what is queued. The socket must stay open until the other side ends its
     * own: closing it with unread bytes would destroy the last message on its way.
     */
    void finish() throws IOException {
        if (!closing) {
            closing = true;
            flush();
        }
    }

    boolean isFinishing() {
        return closing;
    }

    /**
     * Continues the handshake with what the other side has sent.
     *
     * @return whether it has proved that it knows the run's secret
     * @throws EndOfStream if the other side has ended
     * @throws IOException if the other side does not know the secret
     * @throws ProtocolException if it sends too much without a proof
     */
    boolean prove() throws IOException {
        while (!isProved() && pull()) {
            // Until nothing more has arrived.
        }
        return isProved();
    }

    /**
     * Reads the next complete message, after {@link #prove} has returned true.
     *
     * @return null if there is none yet
     * @throws EndOfStream if the other side has ended
     * @throws IOException if bytes were changed on their way
     * @throws ProtocolException if the other side does not send messages
     */
    @Nullable Message receive() throws IOException {
        ByteBuffer body = incoming;
        if (body == null) {
            if (!fill(prefix)) {
                return null;
            }
            int length = prefix.getInt(0);
            prefix.clear();
            if (length < 1 || length > limit) {
                throw new ProtocolException(
                        "a control message of " + length + " bytes, 1 to " + limit + " are allowed");
            }
            body = ByteBuffer.allocate(length);
            incoming = body;
        }
        if (!fill(body)) {
            return null;
        }
        incoming = null;
        return MessageCodec.decode(body.flip());
    }

    private boolean fill(ByteBuffer buffer) throws IOException {
        tls.read(buffer);
        while (buffer.hasRemaining()) {
            if (!pull()) {
                return false;
            }
            tls.read(buffer);
        }
        return true;
    }

    /** Decrypts what the socket has received; returns whether that was anything. */
    private boolean pull() throws IOException {
        if (!isProved() && unproved == MAX_UNPROVED_BYTES) {
            throw new ProtocolException(
                    "it sent " + MAX_UNPROVED_BYTES + " bytes without a proof that it knows the run's secret");
        }
        received.clear();
        if (!isProved()) {
            received.limit(MAX_UNPROVED_BYTES - unproved);
        } else if (received.capacity() < WIRE_BYTES) {
            received = ByteBuffer.allocate(WIRE_BYTES);
        }
        int count = socket.read(received);
        if (count < 0) {
            throw new EndOfStream();
        }
        if (!isProved()) {
            unproved += count;
        }
        if (count > 0) {
            tls.receive(received.flip());
            flush();
        }
        return count > 0;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    /** The other side has ended its half of the connection, or was lost. */
    static final class EndOfStream extends IOException {
        EndOfStream() {
            super("its connection was closed");
        }
    }
}
