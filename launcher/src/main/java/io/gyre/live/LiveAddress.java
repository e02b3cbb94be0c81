package io.gyre.live;

import io.gyre.OptionRange;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/**
 * Where the live page listens.
 *
 * @param address of this host
 * @param port 0 for any that is free
 */
public record LiveAddress(InetAddress address, int port) {

    /** Checks the port. */
    public LiveAddress {
        OptionRange.check("port of the live page", port, 0, 65_535);
    }

    /**
     * An address that a user has named.
     *
     * @param option with which, for the message
     * @throws IllegalArgumentException if there is none of that name
     */
    public static LiveAddress of(String option, String address, int port) {
        try {
            return new LiveAddress(InetAddress.getByName(address), port);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(
                    option + " '" + address + "': expected an address or a name of this host", e);
        }
    }

    /** Programs of this host only. */
    public static LiveAddress loopback(int port) {
        return new LiveAddress(InetAddress.getLoopbackAddress(), port);
    }

    /** Whether others than programs of this host may connect. */
    boolean isOpen() {
        return !address.isLoopbackAddress();
    }

    InetSocketAddress socket() {
        return new InetSocketAddress(address, port);
    }
}
