package io.gyre.transport;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Stands between a rank's UDP port and all that send to it, in both directions. A tap sees each datagram before it goes
 * on, and may send others from the same socket.
 */
final class UdpProxy implements AutoCloseable {

    /** Who wants to see datagrams. */
    interface Tap {

        /**
         * Called before a datagram goes on.
         *
         * @param toTarget whether it goes to the port that the proxy stands in for, and not back
         * @param way sends other datagrams on the same way
         */
        void passes(byte[] datagram, boolean toTarget, Way way) throws IOException;
    }

    /** One direction between two sockets. */
    interface Way {

        void send(byte[] datagram) throws IOException;
    }

    private final DatagramSocket front;
    private final InetSocketAddress target;
    private final Tap tap;
    private final Map<InetSocketAddress, DatagramSocket> backs = new HashMap<>();
    private final List<DatagramSocket> sockets = new CopyOnWriteArrayList<>();
    private final List<Throwable> failures = new CopyOnWriteArrayList<>();

    UdpProxy(InetSocketAddress target, Tap tap) throws IOException {
        this.target = target;
        this.tap = tap;
        front = open();
        start(this::carryForward);
    }

    private DatagramSocket open() throws SocketException {
        DatagramSocket socket = new DatagramSocket(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        socket.setReceiveBufferSize(1 << 20);
        sockets.add(socket);
        return socket;
    }

    /** Carries datagrams until its sockets are closed. */
    private interface Carrier {
        void run() throws IOException;
    }

    private void start(Carrier carrier) {
        Thread thread = new Thread(
                () -> {
                    try {
                        carrier.run();
                    } catch (IOException | RuntimeException | Error e) {
                        if (!front.isClosed()) {
                            failures.add(e);
                        }
                    }
                },
                "proxy");
        thread.setDaemon(true);
        thread.start();
    }

    private void carryForward() throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[JoinOptions.MAX_MTU], JoinOptions.MAX_MTU);
        while (true) {
            byte[] datagram = receive(front, packet);
            InetSocketAddress client = (InetSocketAddress) packet.getSocketAddress();
            DatagramSocket back = backs.get(client);
            if (back == null) {
                back = open();
                backs.put(client, back);
                DatagramSocket opened = back;
                start(() -> carryBack(opened, client));
            }
            pass(datagram, true, back, target);
        }
    }

    private void carryBack(DatagramSocket back, InetSocketAddress client) throws IOException {
        DatagramPacket packet = new DatagramPacket(new byte[JoinOptions.MAX_MTU], JoinOptions.MAX_MTU);
        while (true) {
            pass(receive(back, packet), false, front, client);
        }
    }

    private static byte[] receive(DatagramSocket socket, DatagramPacket packet) throws IOException {
        packet.setLength(JoinOptions.MAX_MTU);
        socket.receive(packet);
        return Arrays.copyOf(packet.getData(), packet.getLength());
    }

    private void pass(byte[] datagram, boolean toTarget, DatagramSocket from, InetSocketAddress to) throws IOException {
        Way way = each -> from.send(new DatagramPacket(each, each.length, to));
        tap.passes(datagram, toTarget, way);
        way.send(datagram);
    }

    /** Where to send instead of to the target. */
    String address() {
        return "127.0.0.1:" + front.getLocalPort();
    }

    /** Fails if it has stopped to carry datagrams. */
    void check() {
        for (Throwable failure : failures) {
            throw new AssertionError("the proxy has failed", failure);
        }
    }

    @Override
    public void close() {
        front.close();
        sockets.forEach(DatagramSocket::close);
    }

    /** The address that a rank announces. */
    static InetSocketAddress parse(String address) {
        InetSocketAddress parsed = RendezvousPlace.parse(address);
        if (parsed == null) {
            throw new UncheckedIOException(new IOException(address));
        }
        return parsed;
    }
}
