package io.gyre.transport;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.bouncycastle.tls.TlsClient;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsProtocol;
import org.bouncycastle.tls.TlsServer;
import org.bouncycastle.tls.TlsServerProtocol;

/**
 * One end of a control connection's encryption: bytes of the socket on one side, bytes of messages on the other. Owns
 * no socket and no thread, and never waits. Used by one thread at a time.
 */
final class ControlTls {

    /** Most bytes that one record carries. */
    private static final int RECORD_BYTES = 16 << 10;

    private final TlsProtocol protocol;

    private ControlTls(TlsProtocol protocol) {
        this.protocol = protocol;
    }

    static ControlTls accept(TlsServer server) {
        TlsServerProtocol protocol = new TlsServerProtocol();
        try {
            protocol.accept(server);
        } catch (IOException e) {
            throw new IllegalStateException("nothing was read or written yet", e);
        }
        return new ControlTls(protocol);
    }

    static ControlTls connect(TlsClient client) {
        TlsClientProtocol protocol = new TlsClientProtocol();
        try {
            protocol.connect(client);
        } catch (IOException e) {
            throw new IllegalStateException("nothing was read or written yet", e);
        }
        return new ControlTls(protocol);
    }

    /** Whether the other end has proved that it knows the secret. */
    boolean isProved() {
        return protocol.isConnected();
    }

    /**
     * Takes bytes that the socket has received: all that remain.
     *
     * @param wire in the heap
     * @throws IOException if they are not what the other end has sent, or it does not know the secret
     */
    void receive(ByteBuffer wire) throws IOException {
        boolean proved = isProved();
        try {
            protocol.offerInput(wire.array(), wire.arrayOffset() + wire.position(), wire.remaining());
            wire.position(wire.limit());
        } catch (IOException | RuntimeException e) {
            String what = proved ? "what it sent was changed on the way" : "its proof is wrong";
            throw new IOException(what + " (" + e.getMessage() + ")", e);
        }
    }

    /** Moves received bytes into {@code into}, as many as there are and fit. */
    void read(ByteBuffer into) {
        int count = Math.min(protocol.getAvailableInputBytes(), into.remaining());
        if (count > 0) {
            protocol.readInput(into, count);
        }
    }

    /**
     * Takes bytes to send, at most a record's; only after the proof.
     *
     * @param from in the heap
     */
    void write(ByteBuffer from) throws IOException {
        int count = Math.min(from.remaining(), RECORD_BYTES);
        protocol.writeApplicationData(from.array(), from.arrayOffset() + from.position(), count);
        from.position(from.position() + count);
    }

    /** Moves bytes for the socket into {@code into}, as many as there are and fit. */
    void output(ByteBuffer into) {
        int count = Math.min(protocol.getAvailableOutputBytes(), into.remaining());
        if (count > 0) {
            protocol.readOutput(into, count);
        }
    }
}
