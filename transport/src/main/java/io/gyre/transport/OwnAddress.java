package io.gyre.transport;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.Comparator;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The address of this host at which the other ranks reach it. Unless the user names one, it is that of the route to the
 * rendezvous, where all ranks are reachable for each other.
 *
 * @param address resolved
 * @param why how it was chosen, for people
 */
public record OwnAddress(InetAddress address, String why) {

    /** Any port will do: nothing is sent. */
    private static final int DISCARD = 9;

    /** Of no host (RFC 5737), so only the default route leads there; nothing is sent. */
    private static final String ELSEWHERE = "203.0.113.1";

    /**
     * The address on the route to another host: the kernel tells it to a UDP socket that is connected there, which
     * sends nothing.
     *
     * @throws IOException if there is no route
     */
    public static OwnAddress towards(InetAddress other) throws IOException {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(new InetSocketAddress(other, DISCARD));
            return new OwnAddress(socket.getLocalAddress(), "on the route to " + other.getHostAddress());
        } catch (SocketException e) {
            throw new IOException("there is no route to " + other.getHostAddress() + ": " + e.getMessage(), e);
        }
    }

    /**
     * The address that a user names: of a network interface, or an address or name of this host.
     *
     * @throws IllegalArgumentException if there is no such interface and no such host
     */
    public static OwnAddress named(String name) {
        Optional<InetAddress> ofInterface = ofInterface(name);
        if (ofInterface.isPresent()) {
            return new OwnAddress(ofInterface.get(), "that of interface " + name);
        }
        try {
            return new OwnAddress(InetAddress.getByName(name), "as " + GyreVariable.BIND + " or bind() says");
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(
                    "no host and no network interface is called '" + name + "' (" + GyreVariable.BIND
                            + ", bind address)",
                    e);
        }
    }

    /** Whether this host has a network interface of that name, with an address. */
    public static boolean isInterface(String name) {
        return ofInterface(name).isPresent();
    }

    /** Its address of IPv4, if there is one; links' own addresses of IPv6 come last. */
    private static Optional<InetAddress> ofInterface(String name) {
        try {
            NetworkInterface found = NetworkInterface.getByName(name);
            return found == null
                    ? Optional.empty()
                    : found.inetAddresses()
                            .min(Comparator.comparing((InetAddress one) -> !(one instanceof Inet4Address))
                                    .thenComparing(InetAddress::isLinkLocalAddress));
        } catch (SocketException e) {
            throw new IllegalArgumentException(
                    "the addresses of network interface " + name + " cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Chooses the address.
     *
     * @param rendezvous where the ranks meet; null for rank 0 that has yet to say so, in a file
     * @throws IOException if there is no route to the rendezvous: there may be one later
     */
    static OwnAddress choose(JoinOptions options, @Nullable InetAddress rendezvous) throws IOException {
        String given = options.bind();
        if (given != null) {
            return named(given);
        }
        boolean mayBeElsewhere = !options.transport().isOneHost() && options.ranksOnHost() < options.worldSize();
        if (rendezvous != null && !(rendezvous.isLoopbackAddress() && options.rank() == 0 && mayBeElsewhere)) {
            return towards(rendezvous);
        }
        if (!mayBeElsewhere) {
            return new OwnAddress(InetAddress.getLoopbackAddress(), "loopback, as all ranks are on this host");
        }
        // Many hosts know their own name as a loopback address, which is of no use to the others.
        return new OwnAddress(
                towards(InetAddress.getByName(ELSEWHERE)).address,
                "on the default route, as the rendezvous is on this host and other ranks are on others");
    }

    /** Whether this host has that address. */
    static boolean isOwn(InetAddress address) {
        try {
            return address.isLoopbackAddress()
                    || address.isAnyLocalAddress()
                    || NetworkInterface.getByInetAddress(address) != null;
        } catch (SocketException e) {
            throw new IllegalStateException("the addresses of this host cannot be read: " + e.getMessage(), e);
        }
    }

    @Override
    public String toString() {
        return address.getHostAddress() + " (" + why + ")";
    }
}
