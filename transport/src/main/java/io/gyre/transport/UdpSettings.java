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
 * @param windowBytes how much may be under way to one receiver, and its socket's buffer
 * @param sendBufferBytes the sending socket's buffer
 */
record UdpSettings(String host, int mtu, int windowBytes, int sendBufferBytes) {

    private static final Logger LOG = LoggerFactory.getLogger(UdpSettings.class);

    /** Fits an Ethernet frame with room for any tunnel's headers. */
    private static final int ETHERNET_MTU = 1_408;

    /** What Linux grants a socket unless told otherwise. */
    private static final int USUAL_BUFFER_BYTES = 212_992;

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
        // Half a term is what Aeron can hold of a stream in flight; more than the socket's buffer would be lost.
        int window = Math.min(termBytes / 2, largest(LARGEST_RECEIVE_BUFFER));
        int sendBuffer = Math.min(window, largest(LARGEST_SEND_BUFFER));
        return new UdpSettings(
                address.getHostAddress(), options.mtu() > 0 ? options.mtu() : chosen, window, sendBuffer);
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
