package io.gyre.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How datagrams travel.
 *
 * @param host address of this host, as text
 * @param mtu largest datagram in bytes
 * @param windowBytes how much may be under way from one rank to another
 * @param receiveBufferBytes the receiving socket's buffer, which all that send to a rank fill together
 * @param sendBufferBytes the sending socket's buffer
 */
record UdpSettings(String host, int mtu, int windowBytes, int receiveBufferBytes, int sendBufferBytes) {

    private static final Logger LOG = LoggerFactory.getLogger(UdpSettings.class);

    /** Fits an Ethernet frame with room for any tunnel's headers. */
    private static final int ETHERNET_MTU = 1_408;

    /** What Linux grants a socket unless told otherwise. */
    private static final int USUAL_BUFFER_BYTES = 212_992;

    /** Less than this would cost more in waiting than is lost by it: a fifth of a millisecond at 10 Gbit/s. */
    private static final int LEAST_WINDOW_BYTES = 256 << 10;

    private static final Path LARGEST_RECEIVE_BUFFER = Path.of("/proc/sys/net/core/rmem_max");
    private static final Path LARGEST_SEND_BUFFER = Path.of("/proc/sys/net/core/wmem_max");

    static UdpSettings of(JoinOptions options, int termBytes) {
        InetAddress address;
        try {
            address = InetAddress.getByName(options.bind());
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException("no host is called '" + options.bind() + "' (bind address)", e);
        }
        TrustedNetwork.check(new InetSocketAddress(address, 0), options.trustedNetwork());
        int chosen = address.isLoopbackAddress() ? JoinOptions.MAX_MTU : ETHERNET_MTU;
        int peers = Math.max(1, options.worldSize() - 1);
        int largest = largest(LARGEST_RECEIVE_BUFFER);
        int window = windowBytes(peers, Math.min(termBytes / 2, largest));
        // All others may send at once: what does not fit into the socket's buffer while this rank has no processor is
        // lost.
        int receiveBuffer = (int) Math.min(largest, (long) peers * window);
        return new UdpSettings(
                address.getHostAddress(),
                options.mtu() > 0 ? options.mtu() : chosen,
                window,
                receiveBuffer,
                Math.min(termBytes / 2, largest(LARGEST_SEND_BUFFER)));
    }

    /**
     * How much may be under way from one rank to another.
     *
     * @param peers how many may send to one rank
     * @param mostBytes half a term, what Aeron can hold of a stream in flight, or what a socket can
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
