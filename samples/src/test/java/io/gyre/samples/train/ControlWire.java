package io.gyre.samples.train;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** The part of a {@link Wire} that rank 1's connections to the rendezvous of rank 0 go through. */
final class ControlWire {

    private static final int REPLAY_TIMEOUT_MILLIS = 2_000;

    private static final long RETRY_NANOS = 10_000_000;

    private final Tampering tampering;
    private final Recording recording;
    private volatile long datagrams;

    ControlWire(Tampering tampering, Recording recording) {
        this.tampering = tampering;
        this.recording = recording;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread counts.
    void datagramPassed() {
        datagrams++;
    }

    /** Accepts and forwards connections from now on. */
    void start() throws IOException {
        ServerSocket listening =
                new ServerSocket(WiredHosts.RENDEZVOUS_PORT, 50, InetAddress.getByName(WiredHosts.ADDRESSES.get(0)));
        background(() -> {
            for (int number = 0; true; number++) {
                join(number, listening.accept());
            }
        });
    }

    private void join(int number, Socket near) throws IOException {
        try {
            Socket far = connect();
            background(() -> forward(number, near, far, 0));
            background(() -> forward(number, far, near, 1));
        } catch (ConnectException notYet) {
            near.close();
        }
    }

    private static Socket connect() throws IOException {
        Socket socket = new Socket();
        socket.bind(new InetSocketAddress(WiredHosts.ADDRESSES.get(1), 0));
        socket.connect(new InetSocketAddress(WiredHosts.ADDRESSES.get(0), WiredHosts.RENDEZVOUS_PORT));
        return socket;
    }

    /** Rank 0 may not listen yet; if it never does, the test ends this process. */
    private static Socket connectWhenOpen() throws IOException {
        while (true) {
            try {
                return connect();
            } catch (ConnectException notYet) {
                LockSupport.parkNanos(RETRY_NANOS);
            }
        }
    }

    private void forward(int number, Socket from, Socket to, int rank) throws IOException {
        try {
            forwardAll(number, from, to, rank);
            to.shutdownOutput();
        } catch (IOException e) {
            // The other side shall hear of it.
            to.close();
            from.close();
            throw e;
        }
    }

    private void forwardAll(int number, Socket from, Socket to, int rank) throws IOException {
        byte[] bytes = new byte[1 << 16];
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        long received = 0;
        for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
            recording.add(rank, true, bytes, count);
            if (tampering.flipsConnection(number, received + count, datagrams > 100)) {
                bytes[count / 2] ^= 4;
            }
            received += count;
            out.write(bytes, 0, count);
        }
    }

    /** Sends what rank 1 once sent, and waits until the rendezvous has closed the connection. */
    void replay(List<Recording.Piece> pieces) throws IOException {
        if (pieces.isEmpty()) {
            return;
        }
        try (Socket socket = connectWhenOpen()) {
            socket.setSoTimeout(REPLAY_TIMEOUT_MILLIS);
            for (Recording.Piece piece : pieces) {
                if (piece.isControl() && piece.rank() == 0) {
                    socket.getOutputStream().write(piece.bytes().array());
                }
            }
            System.out.println(
                    "replayed; answered by " + socket.getInputStream().readAllBytes().length + " bytes");
        } catch (SocketException | SocketTimeoutException e) {
            System.out.println("replayed; " + e.getMessage());
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void background(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                System.out.println("a connection ended: " + e.getMessage());
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
