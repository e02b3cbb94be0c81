package io.gyre.launcher;

import io.gyre.transport.GyreVariable;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.UnknownHostException;

/** The names and addresses by which hosts reach each other. */
final class HostAddress {

    /** Any port will do: nothing is sent. */
    private static final int DISCARD = 9;

    private HostAddress() {}

    /** Name of this host, for messages. */
    static String ownName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    /** Whether the name refers to this host. */
    static boolean isOwn(String host) {
        return host.equals("localhost") || host.equals(ownName());
    }

    /** The name without the user that may precede it for ssh. */
    static String withoutUser(String host) {
        return host.substring(host.lastIndexOf('@') + 1);
    }

    /**
     * The address at which other ranks reach a host. Resolved here, because many hosts resolve their own name to
     * loopback; a name that only ssh's configuration knows is returned unchanged.
     */
    static String of(String host) {
        try {
            return InetAddress.getByName(withoutUser(host)).getHostAddress();
        } catch (UnknownHostException e) {
            return withoutUser(host);
        }
    }

    /**
     * This host's address on the route to another.
     *
     * @throws IllegalArgumentException if the other's name cannot be resolved here
     */
    static String ownTowards(String host) {
        try (DatagramSocket socket = new DatagramSocket()) {
            socket.connect(new InetSocketAddress(InetAddress.getByName(withoutUser(host)), DISCARD));
            return socket.getLocalAddress().getHostAddress();
        } catch (SocketException | UnknownHostException e) {
            throw new IllegalArgumentException(
                    "cannot tell at which address host " + host + " reaches this one (" + e.getMessage() + "): set "
                            + GyreVariable.BIND + " to it",
                    e);
        }
    }
}
