package io.gyre.transport;

import java.net.InetSocketAddress;

/** Rejects addresses that others can reach, as long as senders are not authenticated. */
final class TrustedNetwork {

    private TrustedNetwork() {}

    /** Fails unless {@code address} is resolved, and is loopback or on a network that the user declares trusted. */
    static void check(InetSocketAddress address, boolean trusted) {
        if (address.isUnresolved()) {
            throw new IllegalArgumentException("no host is called '" + address.getHostString() + "'");
        }
        if (!trusted && !address.getAddress().isLoopbackAddress()) {
            throw new IllegalArgumentException(
                    "address " + address.getHostString() + " is not loopback, and Gyre does not authenticate: any"
                            + " process that reaches it can alter the run. If all hosts of that network may, set"
                            + " trustedNetwork(true), or " + GyreVariable.TRUSTED_NETWORK + "=true in the environment");
        }
    }
}
