package io.gyre.launcher;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Optional;

/** Seam. */
final class Coordinator implements AutoCloseable {

    private final ServerSocket socket;

    private Coordinator(ServerSocket socket) {
        this.socket = socket;
    }

    static Coordinator open(String address, int port, int ranks) throws IOException {
        return new Coordinator(new ServerSocket(port, ranks, InetAddress.getByName(address)));
    }

    String address() {
        return socket.getInetAddress().getHostAddress() + ":" + socket.getLocalPort();
    }

    Optional<Loss> firstLoss() {
        return Optional.empty();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
