package io.gyre.transport;

import io.gyre.membership.RunId;
import java.net.InetSocketAddress;
import java.util.Arrays;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A peer's process as the other end of sealed datagrams: the ciphers of both directions in the present generation, and
 * what has been received from it in all generations.
 *
 * <p>Each direction between two processes has a key of its own, so that a datagram means nothing to any other process,
 * nor to a later one in the same seat. Within a generation the keys of a direction have editions, from 0: the sender
 * begins the next one when a key has sealed {@link #MOST_BLOCKS}, and the receiver follows.
 */
final class SealedPeer {

    /** A process has a channel endpoint for receiving and one for each process to which it sends: two lead here. */
    static final int MOST_SOURCES = 64;

    /**
     * Blocks of 16 bytes that one key seals, 256 GB: of these about 2^34.5 leave an attacker a chance of 2^-57 to tell
     * AES-GCM from noise (RFC 8446, section 5.5).
     */
    static final long MOST_BLOCKS = 1L << 34;

    private static final int BLOCK_BYTES = 16;

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
    private final long mostBlocks;
    private byte[] secret;
    private @Nullable DatagramCipher sealing;
    private long sealingEdition;
    private long blocks;
    private @Nullable DatagramCipher opening;
    private @Nullable DatagramCipher openingNext;
    private long openingEdition;

    /**
     * Begins with a peer's process.
     *
     * @param secret group key of the present generation; borrowed
     * @param mostBlocks that one key seals
     */
    SealedPeer(Identity own, Identity peer, byte[] secret, long mostBlocks) {
        this.own = own;
        this.peer = peer;
        this.secret = secret;
        this.mostBlocks = mostBlocks;
    }

    Identity identity() {
        return peer;
    }

    /** Replaces the keys by those of another generation; does nothing if it is the same. */
    void renew(byte[] newSecret) {
        if (Arrays.equals(secret, newSecret)) {
            return;
        }
        secret = newSecret;
        sealing = null;
        sealingEdition = 0;
        blocks = 0;
        opening = null;
        openingNext = null;
        openingEdition = 0;
    }

    /**
     * Seals a datagram to the peer.
     *
     * @param length of its text
     */
    DatagramCipher sealing(int length) {
        // With the block that encrypts the tag, and that of the lengths below it.
        int more = (length + BLOCK_BYTES - 1) / BLOCK_BYTES + 2;
        DatagramCipher known = sealing;
        if (known != null && blocks + more > mostBlocks) {
            known = null;
            sealingEdition++;
        }
        if (known == null) {
            known = DatagramCipher.forSealing(key(own, peer, sealingEdition));
            sealing = known;
            blocks = 0;
        }
        blocks += more;
        return known;
    }

    /** Edition of the key that has sealed the last datagram. */
    long sealingEdition() {
        return sealingEdition;
    }

    /**
     * Opens a datagram from the peer.
     *
     * @param edition as the datagram claims it
     * @return null if it is neither the present edition nor the next one
     */
    @Nullable DatagramCipher opening(int edition) {
        int ahead = ahead(edition);
        if (ahead > 1) {
            return null;
        }
        DatagramCipher known = ahead == 0 ? opening : openingNext;
        if (known == null) {
            known = DatagramCipher.forOpening(key(peer, own, openingEdition + ahead));
            if (ahead == 0) {
                opening = known;
            } else {
                openingNext = known;
            }
        }
        return known;
    }

    /** Notes that a datagram of an edition had a right tag; with the first of the next one, the present one ends. */
    void opened(int edition) {
        if (ahead(edition) == 1) {
            openingEdition++;
            opening = openingNext;
            openingNext = null;
        }
    }

    private int ahead(int edition) {
        return (int) (edition - openingEdition) & DatagramHeader.EDITIONS - 1;
    }

    private byte[] key(Identity from, Identity to, long edition) {
        String purpose = "gyre datagrams of run " + from.run() + " from rank " + from.rank() + " " + from.salt()
                + " to rank " + to.rank() + " " + to.salt() + " in edition " + edition;
        return Hkdf.derive(secret, new byte[0], purpose, DatagramCipher.KEY_BYTES);
    }

    /** By the number of the peer's channel endpoint. */
    Int2ObjectHashMap<Source> sources() {
        return sources;
    }
}
