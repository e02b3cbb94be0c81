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
 * Messages over a non-blocking socket, each preceded by its length in four bytes, big-endian. Used by the thread that
 * runs the selector.
 */
final class MessageChannel implements AutoCloseable {

    private static final int PREFIX_BYTES = Integer.BYTES;

    private final SocketChannel socket;
    private final SelectionKey key;
    private final ByteBuffer prefix = ByteBuffer.allocate(PREFIX_BYTES);
    private final Deque<ByteBuffer> outgoing = new ArrayDeque<>();
    private @Nullable ByteBuffer incoming;
    private int limit = MessageCodec.MAX_STRANGER_BYTES;
    private boolean closing;

    /**
     * Registers a connected socket with a selector.
     *
     * @param socket owned from now on
     */
    MessageChannel(SocketChannel socket, Selector selector) throws IOException {
        this.socket = socket;
        socket.configureBlocking(false);
        socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
        key = socket.register(selector, SelectionKey.OP_READ, this);
    }

    /** Accepts long messages from now on, because the other side is known. */
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

    /** Sends what is queued, as far as the socket accepts it, and registers with the selector for the rest. */
    void flush() throws IOException {
        while (!outgoing.isEmpty()) {
            ByteBuffer first = outgoing.getFirst();
            socket.write(first);
            if (first.hasRemaining()) {
                key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
                return;
            }
            outgoing.removeFirst();
        }
        key.interestOps(SelectionKey.OP_READ);
        if (closing) {
            socket.shutdownOutput();
        }
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
     * Reads the next complete message.
     *
     * @return null if there is none yet
     * @throws EndOfStream if the other side has ended
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
        while (buffer.hasRemaining()) {
            int count = socket.read(buffer);
            if (count < 0) {
                throw new EndOfStream();
            }
            if (count == 0) {
                return false;
            }
        }
        return true;
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
