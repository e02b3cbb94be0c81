package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.Membership;
import io.gyre.membership.Message;
import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.RunId;
import io.gyre.membership.Seat;
import io.gyre.transport.Rejections.Reason;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** A process that seals for and opens from the others of its run, without sockets. */
final class SealingPeer {

    static final RunId RUN = new RunId(3, 4);

    private static final int RANKS = 3;

    final Membership membership = new Membership(0, "nowhere", message -> {}, System::nanoTime, new Object());
    final DatagramSeal seal;

    SealingPeer(RunId run, String salt) {
        this(run, salt, SealedPeer.MOST_BLOCKS);
    }

    SealingPeer(RunId run, String salt, long mostBlocks) {
        seal = new DatagramSeal(membership, run, salt, mostBlocks);
    }

    byte[] seal(int to, int endpoint, long counter, byte[] text) {
        ByteBuffer sealed = seal.seal(ByteBuffer.wrap(text), address(to), endpoint, counter);
        assertThat(sealed).isNotNull();
        byte[] bytes = new byte[sealed.remaining()];
        sealed.get(bytes);
        return bytes;
    }

    byte[] open(byte[] datagram, InetSocketAddress from) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(JoinOptions.MAX_MTU);
        buffer.put(datagram);
        if (!seal.open(buffer, from)) {
            assertThat(buffer.position()).isEqualTo(datagram.length);
            return new byte[0];
        }
        byte[] text = new byte[buffer.position()];
        buffer.get(0, text);
        return text;
    }

    long dropped(Reason reason) {
        return seal.rejections().of(reason);
    }

    /** All processes of a run, with a key that depends on a seed. */
    static List<SealingPeer> run(RunId run, long seed) {
        return run(run, seed, SealedPeer.MOST_BLOCKS);
    }

    /** The same with keys that seal fewer blocks. */
    static List<SealingPeer> run(RunId run, long seed, long mostBlocks) {
        List<SealingPeer> started = new ArrayList<>();
        for (int rank = 0; rank < RANKS; rank++) {
            SealingPeer process = new SealingPeer(run, "salt" + rank, mostBlocks);
            process.membership.received(key(1, seed));
            process.membership.received(new Roster(rank, seats()));
            started.add(process);
        }
        return started;
    }

    static List<Seat> seats() {
        return List.of(seat(0, "salt0", 0), seat(1, "salt1", 0), seat(2, "salt2", 0));
    }

    static Seat seat(int rank, String salt, int incarnation) {
        Map<String, String> addresses = Map.of(AeronSite.UDP, "127.0.0.1:" + (4_000 + rank), AeronSite.SALT, salt);
        return new Seat(new Member(rank, "host", rank), addresses, incarnation);
    }

    static GroupKey key(int generation, long seed) {
        byte[] secret = new byte[Message.GROUP_KEY_BYTES];
        new SplittableRandom(seed).nextBytes(secret);
        return new GroupKey(generation, ByteBuffer.wrap(secret));
    }

    /** Where a rank receives. */
    static InetSocketAddress address(int rank) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 4_000 + rank);
    }

    /** From where rank 0 sends. */
    static InetSocketAddress source(int endpoint) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 5_000 + endpoint);
    }
}
