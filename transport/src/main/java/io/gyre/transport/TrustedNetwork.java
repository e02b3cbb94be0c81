package io.gyre.transport;

import java.net.InetSocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which secret the processes of a run prove to each other, and which addresses they may use: others can reach an
 * address that is not loopback, so it needs a secret that others do not have.
 */
final class TrustedNetwork {

    /** What everybody knows: the secret of a run whose network the user declares trusted. It proves nothing. */
    private static final RunSecret KNOWN = RunSecret.known();

    private TrustedNetwork() {}

    /**
     * Chooses the secret of a run: the given one; if there is none, on a trusted network one that everybody knows;
     * otherwise this user's key on this host, which allows loopback addresses only.
     *
     * @param given by the user or the launcher; null if there is none
     * @param trusted whether the user declares the network trusted
     * @param oneHost whether the ranks cannot be on several hosts, so that the user's key is enough for any address
     * @param addresses used by this process
     * @throws IllegalArgumentException if an address is not resolved or not allowed
     */
    static RunSecret secret(
            @Nullable RunSecret given, boolean trusted, boolean oneHost, List<InetSocketAddress> addresses) {
        for (InetSocketAddress address : addresses) {
            check(address, given, trusted || oneHost);
        }
        if (given != null) {
            return given;
        }
        return trusted ? KNOWN : UserKey.read(RunDirectory.sharedMemory());
    }

    /** Whether a secret proves nothing. */
    static boolean isKnown(RunSecret secret) {
        return secret.equals(KNOWN);
    }

    /**
     * Fails unless {@code address} is resolved, and is loopback, or a secret was given, or any address is allowed.
     */
    static void check(InetSocketAddress address, @Nullable RunSecret given, boolean anyAddress) {
        if (address.isUnresolved()) {
            throw new IllegalArgumentException("no host is called '" + address.getHostString() + "'");
        }
        if (given == null && !anyAddress && !address.getAddress().isLoopbackAddress()) {
            throw new IllegalArgumentException(
                    "address " + address.getHostString() + " is not loopback, and there is no secret: any process that"
                            + " reaches it could alter the run. Make a secret by 'gyre secret FILE', copy the file to"
                            + " all hosts of the run (mode 600), and name it by " + GyreVariable.SECRET_FILE
                            + "=FILE in the environment, or by secret(RunSecret.read(FILE)). Only if all processes"
                            + " that reach that network may alter the run, set trustedNetwork(true), or "
                            + GyreVariable.TRUSTED_NETWORK + "=true");
        }
    }
}
