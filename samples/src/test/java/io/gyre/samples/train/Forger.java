package io.gyre.samples.train;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.DatagramChannel;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** Any user of the host who sends forged datagrams to both ranks of a run on loopback, from its own port. */
final class Forger {

    private static final long PAUSE_NANOS = 1_000_000;

    private final TwoRanks run;
    private long sent;

    Forger(TwoRanks run) {
        this.run = run;
    }

    /** Sends forgeries of all that the ranks send, until one of them ends; returns how many. */
    long attack(List<Forgery> forgeries) throws IOException {
        try (DatagramChannel socket = DatagramChannel.open()) {
            while (run.isRunning()) {
                for (int rank = 0; rank < 2; rank++) {
                    forge(forgeries, rank, socket);
                }
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
        return sent;
    }

    private void forge(List<Forgery> forgeries, int rank, DatagramChannel socket) throws IOException {
        Optional<VictimStream> stream = VictimStream.of(run.rank(rank).pid());
        if (stream.isEmpty()) {
            return;
        }
        for (Forgery forgery : forgeries) {
            send(forgery, stream.get(), stream.get().receiverPort(), socket);
            for (int port : stream.get().senderPorts()) {
                send(forgery, stream.get(), port, socket);
            }
        }
    }

    private void send(Forgery forgery, VictimStream stream, int port, DatagramChannel socket) throws IOException {
        socket.send(forgery.of(stream).flip(), new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        sent++;
    }
}
