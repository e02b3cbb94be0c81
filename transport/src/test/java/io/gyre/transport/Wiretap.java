package io.gyre.transport;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;

/** A man in the middle: passes connections on to a target, records what is sent, and may change it. */
final class Wiretap implements AutoCloseable {

    /** Changes bytes on their way. */
    @FunctionalInterface
    interface Change {

        /**
         * A piece was received, usually what one side has sent in one call.
         *
         * @param number of the piece in its direction, from 0
         * @param bytes to be passed on, and changed in place
         */
        void piece(boolean toTarget, int number, byte[] bytes);
    }

    static final Change NONE = (toTarget, number, bytes) -> {};

    private final ServerSocket listening;
    private final InetSocketAddress target;
    private final Change change;
    private final ByteArrayOutputStream toTarget = new ByteArrayOutputStream();
    private final ByteArrayOutputStream fromTarget = new ByteArrayOutputStream();
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();

    /** Ends, one way or another, when the sockets do. */
    private final List<CompletableFuture<Void>> work = new CopyOnWriteArrayList<>();

    Wiretap(InetSocketAddress target, Change change) throws IOException {
        this.target = target;
        this.change = change;
        listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        work.add(OwnThread.call(this::accept));
    }

    InetSocketAddress address() {
        return (InetSocketAddress) listening.getLocalSocketAddress();
    }

    private Void accept() throws IOException {
        while (true) {
            Socket near = listening.accept();
            Socket far = new Socket(target.getAddress(), target.getPort());
            near.setTcpNoDelay(true);
            far.setTcpNoDelay(true);
            sockets.add(near);
            sockets.add(far);
            work.add(OwnThread.call(() -> pass(near, far, true)));
            work.add(OwnThread.call(() -> pass(far, near, false)));
        }
    }

    private Void pass(Socket from, Socket to, boolean up) throws IOException {
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            byte[] buffer = new byte[1 << 16];
            int number = 0;
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                byte[] bytes = Arrays.copyOf(buffer, count);
                ByteArrayOutputStream record = up ? toTarget : fromTarget;
                synchronized (record) {
                    record.write(bytes);
                }
                change.piece(up, number++, bytes);
                out.write(bytes);
            }
        }
        return null;
    }

    /** What was sent to the target so far, before changes. */
    byte[] toTarget() {
        synchronized (toTarget) {
            return toTarget.toByteArray();
        }
    }

    /** What the target has sent so far, before changes. */
    byte[] fromTarget() {
        synchronized (fromTarget) {
            return fromTarget.toByteArray();
        }
    }

    @Override
    public void close() throws IOException {
        listening.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
