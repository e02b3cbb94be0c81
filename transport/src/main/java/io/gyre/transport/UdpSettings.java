package io.gyre.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * UDP settings.
 *
 * @param host address of this host, as text
 * @param sealed whether datagrams are sealed
 * @param mtu most bytes that Aeron puts into a datagram
 * @param windowBytes most bytes of Aeron in flight from one rank to another
 * @param receiveBufferBytes size of the receiving socket's buffer, which all senders to a rank share
 * @param sendBufferBytes size of the sending socket's buffer
 */
record UdpSettings(String host, boolean sealed, int mtu, int windowBytes, int receiveBufferBytes, int sendBufferBytes) {

    private static final Logger LOG = LoggerFactory.getLogger(UdpSettings.class);

    /** Fits in an Ethernet frame, with room for any tunnel's headers. */
    private static final int ETHERNET_MTU = 1_408;

    /** Linux's default for a socket. */
    private static final int USUAL_BUFFER_BYTES = 212_992;

    /** A smaller window would cost more in waiting than it saves in losses: a fifth of a millisecond at 10 Gbit/s. */
    private static final int LEAST_WINDOW_BYTES = 256 << 10;

    private static final Path LARGEST_RECEIVE_BUFFER = Path.of("/proc/sys/net/core/rmem_max");
    private static final Path LARGEST_SEND_BUFFER = Path.of("/proc/sys/net/core/wmem_max");

    static UdpSettings of(JoinOptions options, int termBytes) {
        String bind = options.bind();
        // It has been chosen by now, unless there is no run.
        InetAddress address = bind == null
                ? InetAddress.getLoopbackAddress()
                : OwnAddress.named(bind).address();
        TrustedNetwork.check(new InetSocketAddress(address, 0), options.secret(), options.trustedNetwork());
        int chosen = address.isLoopbackAddress() ? JoinOptions.MAX_MTU : ETHERNET_MTU;
        int datagram = options.mtu() > 0 ? options.mtu() : chosen;
        boolean sealed = !options.trustedNetwork();
        int mtu = datagram - (sealed ? DatagramHeader.OVERHEAD : 0);
        int peers = Math.max(1, options.worldSize() - 1);
        int largest = largest(LARGEST_RECEIVE_BUFFER);
        int window = windowBytes(peers, Math.min(termBytes / 2, largest));
        // All others may send at once: what exceeds the socket's buffer while this rank is not scheduled is lost.
        int receiveBuffer = (int) Math.min(largest, (long) peers * window);
        return new UdpSettings(
                address.getHostAddress(),
                sealed,
                mtu,
                (int) ((long) window * mtu / datagram),
                receiveBuffer,
                Math.min(termBytes / 2, largest(LARGEST_SEND_BUFFER)));
    }

    /**
     * Most bytes in flight from one rank to another.
     *
     * @param peers how many may send to one rank
     * @param mostBytes half a term, which is Aeron's limit for a stream in flight, or the socket's limit
     */
    private static int windowBytes(int peers, int mostBytes) {
        return Math.min(mostBytes, Math.max(LEAST_WINDOW_BYTES, mostBytes / peers));
    }

    private static int largest(Path setting) {
        try {
            return Integer.parseInt(ProcFile.read(setting));
        } catch (IOException | NumberFormatException e) {
            LOG.debug("no Linux", e);
            return USUAL_BUFFER_BYTES;
        }
    }
}
