package io.gyre.transport;

import io.gyre.GyreException;
import io.gyre.ProtocolException;
import io.gyre.membership.Membership;
import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.RunId;
import io.gyre.membership.Seat;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The peers of this process with the keys of the present generation. It follows the membership: with a new group key
 * all keys are new, and with a new process in a seat nothing is left of its predecessor.
 *
 * <p>Used by the thread that runs the driver. The membership may change meanwhile; {@link #isReady} notices.
 */
final class KeyRing {

    private static final int FINGERPRINT_BYTES = 8;

    private final Membership membership;
    private final RunId run;
    private final String salt;
    private final long mostBlocks;
    private final Int2ObjectHashMap<SealedPeer> byRank = new Int2ObjectHashMap<>();
    private final Map<InetSocketAddress, SealedPeer> byAddress = new HashMap<>();
    private @Nullable GroupKey groupKey;
    private List<Seat> seats = List.of();
    private int rank;

    /**
     * Begins without keys.
     *
     * @param salt of this process, random; its peers know it from its seat
     * @param mostBlocks that one key seals
     */
    KeyRing(Membership membership, RunId run, String salt, long mostBlocks) {
        this.membership = membership;
        this.run = run;
        this.salt = salt;
        this.mostBlocks = mostBlocks;
    }

    /** Whether there are keys. To be called first, as it also notices that they have changed. */
    @SuppressWarnings("ReferenceEquality") // Another key is another message, and another process another list.
    boolean isReady() {
        GroupKey keyNow = membership.groupKey();
        List<Seat> seatsNow = membership.seats();
        if (keyNow == null || seatsNow.isEmpty()) {
            return false;
        }
        if (keyNow != groupKey || seatsNow != seats) {
            renew(keyNow, seatsNow);
        }
        return true;
    }

    private void renew(GroupKey keyNow, List<Seat> seatsNow) {
        if (keyNow.generation() >= DatagramHeader.GENERATIONS || seatsNow.size() > DatagramHeader.RANKS) {
            throw new GyreException("generation " + keyNow.generation() + " of a run of " + seatsNow.size()
                    + " ranks does not fit in the header of a datagram");
        }
        groupKey = keyNow;
        seats = seatsNow;
        rank = membership.rank();
        byAddress.clear();
        byte[] secret = bytes(keyNow);
        for (Seat seat : seatsNow) {
            if (seat.member().rank() != rank) {
                add(seat, secret);
            }
        }
    }

    private void add(Seat seat, byte[] secret) {
        int other = seat.member().rank();
        var identity = new SealedPeer.Identity(run, other, AeronPeer.address(seat, AeronSite.SALT));
        SealedPeer known = byRank.get(other);
        SealedPeer peer;
        if (known != null && known.identity().equals(identity)) {
            peer = known;
            peer.renew(secret);
            peer.sources().forEach((endpoint, source) -> byAddress.put(source.address, peer));
        } else {
            peer = new SealedPeer(new SealedPeer.Identity(run, rank, salt), identity, secret, mostBlocks);
            byRank.put(other, peer);
        }
        String announced = AeronPeer.address(seat, AeronSite.UDP);
        InetSocketAddress address = RendezvousPlace.parse(announced);
        if (address == null) {
            throw new ProtocolException("rank " + other + " receives at '" + announced + "', which is no address");
        }
        byAddress.put(address, peer);
    }

    /** The present generation. */
    int generation() {
        return groupKey == null ? 0 : groupKey.generation();
    }

    /** This process's rank. */
    int rank() {
        return rank;
    }

    /** A peer by its rank; null if there is none. */
    @Nullable SealedPeer of(int other) {
        return byRank.get(other);
    }

    /** The peer with a socket at that address, as it has announced or shown; null if there is none. */
    @Nullable SealedPeer at(InetSocketAddress address) {
        return byAddress.get(address);
    }

    /** Notes that a peer has a socket at an address. */
    void place(SealedPeer peer, InetSocketAddress address) {
        byAddress.put(address, peer);
    }

    /** A text by which two ranks find out whether they have the same group key, and which tells nobody the key. */
    static String fingerprint(GroupKey key) {
        return HexFormat.of()
                .formatHex(Hkdf.derive(bytes(key), new byte[0], "gyre fingerprint of a group key", FINGERPRINT_BYTES));
    }

    private static byte[] bytes(GroupKey key) {
        byte[] secret = new byte[key.secret().remaining()];
        key.secret().duplicate().get(secret);
        return secret;
    }
}
