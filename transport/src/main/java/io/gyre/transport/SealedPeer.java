package io.gyre.transport;

import io.gyre.membership.RunId;
import java.net.InetSocketAddress;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A peer's process as the other end of sealed datagrams: the ciphers of both directions in the present generation, and
 * what has been received from it in all generations.
 *
 * <p>Each direction between two processes has a key of its own, so that a datagram means nothing to any other process,
 * nor to a later one in the same seat.
 */
final class SealedPeer {

    /** A process has a channel endpoint for receiving and one for each process to which it sends: two lead here. */
    static final int MOST_SOURCES = 64;

    /** One of the peer's channel endpoints. */
    static final class Source {

        final ReplayWindow window = new ReplayWindow();

        /** Where its first datagram came from; all others must come from there. */
        final InetSocketAddress address;

        Source(InetSocketAddress address) {
            this.address = address;
        }
    }

    /** A process of a run; the salt, a random text, distinguishes the successive processes of a rank. */
    record Identity(RunId run, int rank, String salt) {}

    private final Identity own;
    private final Identity peer;
    private final Int2ObjectHashMap<Source> sources = new Int2ObjectHashMap<>();
    private byte[] secret;
    private @Nullable DatagramCipher sealing;
    private @Nullable DatagramCipher opening;

    /**
     * Begins with a peer's process.
     *
     * @param secret group key of the present generation; borrowed
     */
    SealedPeer(Identity own, Identity peer, byte[] secret) {
        this.own = own;
        this.peer = peer;
        this.secret = secret;
    }

    Identity identity() {
        return peer;
    }

    /** Replaces the keys by those of another generation. */
    void renew(byte[] newSecret) {
        secret = newSecret;
        sealing = null;
        opening = null;
    }

    /** Seals what goes to the peer. */
    DatagramCipher sealing() {
        DatagramCipher known = sealing;
        if (known == null) {
            known = DatagramCipher.forSealing(key(own, peer));
            sealing = known;
        }
        return known;
    }

    /** Opens what comes from the peer. */
    DatagramCipher opening() {
        DatagramCipher known = opening;
        if (known == null) {
            known = DatagramCipher.forOpening(key(peer, own));
            opening = known;
        }
        return known;
    }

    private byte[] key(Identity from, Identity to) {
        String purpose = "gyre datagrams of run " + from.run() + " from rank " + from.rank() + " " + from.salt()
                + " to rank " + to.rank() + " " + to.salt();
        return Hkdf.derive(secret, new byte[0], purpose, DatagramCipher.KEY_BYTES);
    }

    /** By the number of the peer's channel endpoint. */
    Int2ObjectHashMap<Source> sources() {
        return sources;
    }
}
