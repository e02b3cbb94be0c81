package io.gyre.transport;

import java.net.InetSocketAddress;

/** Refuses addresses that others can reach, as long as nothing proves who sends. */
final class TrustedNetwork {

    private TrustedNetwork() {}

    /** Fails unless {@code address} is resolved, and loopback or on a network that the user calls trusted. */
    static void check(InetSocketAddress address, boolean trusted) {
        if (address.isUnresolved()) {
            throw new IllegalArgumentException("no host is called '" + address.getHostString() + "'");
        }
        if (!trusted && !address.getAddress().isLoopbackAddress()) {
            throw new IllegalArgumentException(
                    "address " + address.getHostString() + " is not loopback, and Gyre does not"
                            + " authenticate: whoever reaches it can alter the run. If everybody on that network may, say"
                            + " trustedNetwork(true), or GYRE_TRUSTED_NETWORK=true in the environment");
        }
    }
}
