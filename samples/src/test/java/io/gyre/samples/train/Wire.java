package io.gyre.samples.train;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/**
 * A program between two hosts of {@link WiredHosts}, through which all that they send to each other goes. It knows the
 * sockets of both ranks from {@code /proc}, and has one of the same address for each.
 *
 * <p>Arguments: {@link Tampering}, process ids of both ranks, file for a {@link Recording}, and one to replay.
 */
final class Wire {

    private static final int DISCOVERY_MILLIS = 20;
    private static final int REPLAYED_PER_TURN = 20;

    private final Tampering tampering;
    private final List<Long> pids;
    private final Recording recording;
    private final List<Recording.Piece> replayed;
    private final Random chance = new Random(2);
    private final Selector selector = Selector.open();
    private final Map<InetSocketAddress, DatagramChannel> sockets = new HashMap<>();
    private final Map<InetSocketAddress, List<byte[]>> memories = new HashMap<>();
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
    private final ControlWire control;
    private long lastDiscovery;

    private Wire(Tampering tampering, List<Long> pids, Recording recording, List<Recording.Piece> replayed)
            throws IOException {
        this.tampering = tampering;
        this.pids = pids;
        this.recording = recording;
        this.replayed = replayed;
        control = new ControlWire(tampering, recording);
    }

    public static void main(String[] arguments) throws IOException {
        List<Recording.Piece> replayed = arguments.length > 4 ? Recording.read(Path.of(arguments[4])) : List.of();
        Wire wire = new Wire(
                Tampering.valueOf(arguments[0]),
                List.of(Long.valueOf(arguments[1]), Long.valueOf(arguments[2])),
                new Recording(Path.of(arguments[3])),
                replayed);
        wire.control.replay(replayed);
        wire.control.start();
        System.out.println("the wire is up");
        while (true) {
            wire.turn();
        }
    }

    private void turn() throws IOException {
        selector.select(this::forward, DISCOVERY_MILLIS);
        long now = System.nanoTime();
        if (now - lastDiscovery > DISCOVERY_MILLIS * 1_000_000L) {
            lastDiscovery = now;
            discover();
            replay();
        }
    }

    /** Opens a socket for each that the ranks have opened. */
    private void discover() throws IOException {
        for (int rank = 0; rank < 2; rank++) {
            for (int port : ports(rank)) {
                InetSocketAddress address = new InetSocketAddress(WiredHosts.ADDRESSES.get(rank), port);
                if (!sockets.containsKey(address)) {
                    DatagramChannel socket = DatagramChannel.open();
                    socket.bind(address).configureBlocking(false).register(selector, SelectionKey.OP_READ, rank);
                    sockets.put(address, socket);
                }
            }
        }
    }

    /** UDP ports of a rank's host. */
    private List<Integer> ports(int rank) throws IOException {
        Path table = Path.of("/proc", String.valueOf(pids.get(rank)), "net", "udp");
        if (!Files.exists(table)) {
            return List.of();
        }
        try (Stream<String> lines = Files.lines(table)) {
            return lines.skip(1)
                    .map(line -> line.strip().split("\\s+", -1)[1])
                    .map(local -> Integer.parseInt(local.substring(local.indexOf(':') + 1), 16))
                    .toList();
        } catch (IOException ended) {
            return List.of();
        }
    }

    private void forward(SelectionKey ready) {
        try {
            DatagramChannel toward = (DatagramChannel) ready.channel();
            InetSocketAddress to = (InetSocketAddress) toward.getLocalAddress();
            InetSocketAddress from;
            while ((from = (InetSocketAddress) toward.receive(buffer.clear())) != null) {
                byte[] datagram = new byte[buffer.flip().remaining()];
                buffer.get(datagram);
                recording.add((int) ready.attachment(), false, datagram, datagram.length);
                control.datagramPassed();
                DatagramChannel socket = sockets.get(from);
                if (socket != null) {
                    List<byte[]> on = new ArrayList<>();
                    tampering.pass(datagram, memories.computeIfAbsent(to, socketOf -> new ArrayList<>()), on);
                    for (byte[] each : on) {
                        socket.send(ByteBuffer.wrap(each), to);
                    }
                }
            }
        } catch (IOException e) {
            System.out.println("not forwarded: " + e);
        }
    }

    private void replay() throws IOException {
        List<Recording.Piece> datagrams =
                replayed.stream().filter(piece -> !piece.isControl()).toList();
        for (int i = 0; i < REPLAYED_PER_TURN && !datagrams.isEmpty(); i++) {
            Recording.Piece piece = datagrams.get(chance.nextInt(datagrams.size()));
            for (InetSocketAddress from : sockets.keySet()) {
                for (InetSocketAddress to : sockets.keySet()) {
                    if (isOf(piece.rank(), to) && !isOf(piece.rank(), from)) {
                        sockets.get(from).send(piece.bytes().duplicate(), to);
                    }
                }
            }
        }
    }

    private static boolean isOf(int rank, InetSocketAddress address) {
        return address.getAddress().getHostAddress().equals(WiredHosts.ADDRESSES.get(rank));
    }
}
