package io.gyre.launcher;

import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.UnknownHostException;

/** Under which names and addresses hosts find each other. */
final class HostAddress {

    /** Any port does: nothing is sent. */
    private static final int DISCARD = 9;

    private HostAddress() {}

    /** Name of this host, for people. */
    static String ownName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    /** Whether the name means this host. */
    static boolean isOwn(String host) {
        return host.equals("localhost") || host.equals(ownName());
    }

    /** The name without the user that ssh may be told before it. */
    static String withoutUser(String host) {
        return host.substring(host.lastIndexOf('@') + 1);
    }

    /**
     * The address at which other ranks reach this host. Resolved here, because many a host takes its own name for
     * loopback; a name that only ssh's configuration knows stays as it is.
     */
    static String of(String host) {
        try {
            return InetAddress.getByName(withoutUser(host)).getHostAddress();
        } catch (UnknownHostException e) {
            return withoutUser(host);
        }
    }

    /**
     * Address of this host on the way to another.
     *
     * @throws IllegalArgumentException if the other's name means nothing here
     */
    static String ownTowards(String host) {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(new InetSocketAddress(InetAddress.getByName(withoutUser(host)), DISCARD));
            return socket.getLocalAddress().getHostAddress();
        } catch (SocketException | UnknownHostException e) {
            throw new IllegalArgumentException(
                    "cannot tell at which address host " + host + " reaches this one (" + e.getMessage()
                            + "): set GYRE_BIND to it",
                    e);
        }
    }
}
