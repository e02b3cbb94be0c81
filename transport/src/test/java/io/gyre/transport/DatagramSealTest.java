package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.Membership;
import io.gyre.membership.Message;
import io.gyre.membership.Message.GroupKey;
import io.gyre.membership.Message.Returned;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.RunId;
import io.gyre.membership.Seat;
import io.gyre.transport.Rejections.Reason;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Three processes that seal for and open from each other, without sockets. */
class DatagramSealTest {

    private static final RunId RUN = new RunId(3, 4);
    private static final int RANKS = 3;

    /** Channel endpoints of rank 0 in these tests. */
    private static final int ENDPOINT = 5;

    private static final byte[] TEXT = "what Aeron sends, in the clear".getBytes(StandardCharsets.UTF_8);

    /** One process: what it is told, and what it does. */
    private static final class Peer {
        final Membership membership = new Membership(0, "nowhere", message -> {}, System::nanoTime, new Object());
        final DatagramSeal seal;

        Peer(RunId run, String salt) {
            seal = new DatagramSeal(membership, run, salt);
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
    }

    private final List<Peer> processes = new ArrayList<>();

    @BeforeEach
    void start() {
        processes.addAll(run(RUN, 1));
    }

    /** All processes of a run, with a key that depends on a seed. */
    private static List<Peer> run(RunId run, long seed) {
        List<Peer> started = new ArrayList<>();
        for (int rank = 0; rank < RANKS; rank++) {
            Peer process = new Peer(run, "salt" + rank);
            process.membership.received(key(1, seed));
            process.membership.received(new Roster(rank, seats()));
            started.add(process);
        }
        return started;
    }

    private static List<Seat> seats() {
        return List.of(seat(0, "salt0", 0), seat(1, "salt1", 0), seat(2, "salt2", 0));
    }

    private static Seat seat(int rank, String salt, int incarnation) {
        Map<String, String> addresses = Map.of(AeronSite.UDP, "127.0.0.1:" + (4_000 + rank), AeronSite.SALT, salt);
        return new Seat(new Member(rank, "host", rank), addresses, incarnation);
    }

    private static GroupKey key(int generation, long seed) {
        byte[] secret = new byte[Message.GROUP_KEY_BYTES];
        new SplittableRandom(seed).nextBytes(secret);
        return new GroupKey(generation, ByteBuffer.wrap(secret));
    }

    /** Where a rank receives. */
    private static InetSocketAddress address(int rank) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 4_000 + rank);
    }

    /** From where rank 0 sends. */
    private static InetSocketAddress source(int endpoint) {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 5_000 + endpoint);
    }

    private byte[] sealed(long counter) {
        return processes.get(0).seal(1, ENDPOINT, counter, TEXT);
    }

    private byte[] open(byte[] datagram) {
        return processes.get(1).open(datagram, source(ENDPOINT));
    }

    private void assertDropped(byte[] datagram, Reason reason) {
        long before = processes.get(1).dropped(reason);
        assertThat(open(datagram)).isEmpty();
        assertThat(processes.get(1).dropped(reason)).as("dropped as %s", reason).isEqualTo(before + 1);
    }

    @Test
    void whatIsSealedIsOpenedAndLongerByTheOverhead() {
        for (int length : new int[] {0, 1, 40, 1_376, JoinOptions.MAX_MTU - DatagramHeader.OVERHEAD}) {
            byte[] text = new byte[length];
            new SplittableRandom(length).nextBytes(text);

            byte[] datagram = processes.get(0).seal(1, ENDPOINT, length + 1, text);

            assertThat(datagram).hasSize(length + DatagramHeader.OVERHEAD);
            assertThat(open(datagram)).isEqualTo(text);
        }
        assertThat(DatagramHeader.OVERHEAD % 32).isZero();
    }

    @Test
    void theBeginningIsInTheClearAndTheRestIsNot() {
        byte[] datagram = sealed(0x0102030405060708L);

        assertThat(Arrays.copyOf(datagram, 16)).containsExactly(0, 0, 1, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8);
        assertThat(new String(datagram, StandardCharsets.ISO_8859_1)).doesNotContain("Aeron");
    }

    /** Before the first datagram of a channel endpoint has arrived, and after. */
    @Test
    void oneFlippedBitAnywhereIsFound() {
        int accepted = 0;
        for (long counter = 1; counter <= 2; counter++) {
            byte[] datagram = sealed(counter);
            for (int bit = 0; bit < datagram.length * Byte.SIZE; bit++) {
                datagram[bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
                accepted += open(datagram).length;
                datagram[bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
            }
            assertThat(open(datagram)).as("the datagram itself").isEqualTo(TEXT);
        }
        assertThat(accepted).isZero();
        assertThat(processes.get(1).dropped(Reason.FORGED)).isGreaterThan(2L * TEXT.length * Byte.SIZE);
    }

    @Test
    void eachPartIsTooShort() {
        byte[] datagram = sealed(1);
        for (int length = 0; length < datagram.length; length++) {
            assertDropped(
                    Arrays.copyOf(datagram, length), length < DatagramHeader.OVERHEAD ? Reason.SHORT : Reason.FORGED);
        }
        assertDropped(Arrays.copyOf(datagram, datagram.length + 1), Reason.FORGED);
        assertThat(open(datagram)).isEqualTo(TEXT);
    }

    @Test
    void eachDatagramIsOpenedOnceInAnyOrder() {
        SplittableRandom random = new SplittableRandom(1);
        List<byte[]> datagrams = new ArrayList<>();
        for (long counter = 1; counter <= 1_000; counter++) {
            datagrams.add(sealed(counter));
        }
        List<byte[]> arriving = new ArrayList<>(datagrams);
        Collections.shuffle(arriving, new Random(random.nextLong()));
        for (byte[] datagram : arriving) {
            assertThat(open(datagram)).isEqualTo(TEXT);
        }
        for (byte[] datagram : datagrams) {
            assertDropped(datagram, Reason.REPLAYED);
        }
    }

    @Test
    void counterZeroAndNegativeCountersAreNeverUsed() {
        assertDropped(sealed(0), Reason.REPLAYED);
        assertDropped(sealed(-1), Reason.REPLAYED);
    }

    @Test
    void aDatagramForOneProcessMeansNothingToAnother() {
        byte[] datagram = sealed(1);

        assertThat(processes.get(2).open(datagram, source(ENDPOINT))).isEmpty();
        assertThat(processes.get(0).open(datagram, source(ENDPOINT)))
                .as("its sender")
                .isEmpty();

        assertThat(processes.get(2).dropped(Reason.FORGED)).isOne();
        assertThat(processes.get(0).dropped(Reason.STRANGE)).isOne();
        assertThat(open(datagram)).isEqualTo(TEXT);
    }

    @Test
    void anotherRunOrAnotherKeyIsForged() {
        assertDropped(run(new RunId(3, 5), 1).get(0).seal(1, ENDPOINT, 1, TEXT), Reason.FORGED);
        assertDropped(run(RUN, 2).get(0).seal(1, ENDPOINT, 1, TEXT), Reason.FORGED);
    }

    @Test
    void aChannelEndpointStaysWhereItWasFirstHeard() {
        byte[] forged = sealed(1);
        forged[20] ^= 1;
        assertThat(processes.get(1).open(forged, source(9))).isEmpty();
        assertThat(open(sealed(2))).isEqualTo(TEXT);

        byte[] third = sealed(3);
        assertThat(processes.get(1).open(third, source(9))).isEmpty();

        assertThat(processes.get(1).dropped(Reason.MOVED)).isOne();
        assertThat(open(third)).isEqualTo(TEXT);
        assertThat(processes.get(1).open(processes.get(0).seal(1, 6, 1, TEXT), source(9)))
                .as("another endpoint may be elsewhere")
                .isEqualTo(TEXT);
    }

    @Test
    void anAnswerGoesToWhereADatagramCameFrom() {
        Peer one = processes.get(1);
        assertThat(one.seal.seal(ByteBuffer.wrap(TEXT), source(ENDPOINT), 0, 1)).isNull();
        open(sealed(1));

        ByteBuffer answer = one.seal.seal(ByteBuffer.wrap(TEXT), source(ENDPOINT), 0, 1);

        assertThat(answer).isNotNull();
        byte[] bytes = new byte[answer.remaining()];
        answer.get(bytes);
        assertThat(processes.get(0).open(bytes, address(1))).isEqualTo(TEXT);
    }

    @Test
    void theNumberOfChannelEndpointsIsBounded() {
        for (int endpoint = 0; endpoint < SealedPeer.MOST_SOURCES; endpoint++) {
            byte[] datagram = processes.get(0).seal(1, endpoint, 1, TEXT);
            assertThat(processes.get(1).open(datagram, source(endpoint))).isEqualTo(TEXT);
        }

        assertDropped(processes.get(0).seal(1, 1_000, 1, TEXT), Reason.CROWDED);
        assertThat(open(sealed(2))).isEqualTo(TEXT);
    }

    @Test
    void withoutKeysNothingIsSealedAndNothingOpened() {
        Peer early = new Peer(RUN, "salt1");
        assertThat(early.seal.seal(ByteBuffer.wrap(TEXT), address(0), 0, 1)).isNull();
        byte[] datagram = sealed(1);
        assertThat(early.open(datagram, source(ENDPOINT))).isEmpty();
        early.membership.received(key(1, 1));
        early.membership.received(new Roster(1, seats()));

        assertThat(early.open(datagram, source(ENDPOINT))).isEqualTo(TEXT);
    }

    @Test
    void noiseIsDropped() {
        SplittableRandom random = new SplittableRandom(1);
        byte[] known = sealed(1);
        open(known);
        for (int i = 0; i < 100_000; i++) {
            byte[] noise = new byte[random.nextInt(200)];
            random.nextBytes(noise);
            if (random.nextBoolean()) {
                System.arraycopy(known, 0, noise, 0, Math.min(noise.length, random.nextInt(known.length)));
            }
            assertThat(open(noise)).isEmpty();
        }
        assertThat(open(sealed(2))).isEqualTo(TEXT);
    }

    // Generations.

    private void renew(int... ranks) {
        for (int rank : ranks) {
            processes.get(rank).membership.received(key(2, 2));
        }
    }

    @Test
    void aNewKeyEndsTheOldOneAtOnceAndKeepsTheWindow() {
        byte[] before = sealed(1);
        byte[] opened = sealed(2);
        open(opened);
        renew(0, 1);

        assertDropped(before, Reason.EARLIER);
        assertDropped(opened, Reason.EARLIER);
        assertDropped(sealed(2), Reason.REPLAYED);
        assertThat(open(sealed(3))).isEqualTo(TEXT);
    }

    @Test
    void whoHearsOfAKeyLaterDropsWhatIsSealedWithIt() {
        renew(0);
        byte[] datagram = sealed(1);
        assertDropped(datagram, Reason.LATER);

        renew(1);

        assertThat(open(datagram)).isEqualTo(TEXT);
    }

    @Test
    void aGenerationFarAheadIsStrange() {
        processes.get(0).membership.received(key(9, 2));

        assertDropped(sealed(1), Reason.STRANGE);
    }

    @Test
    void whoIsGivenUpCanNeitherReadNorWriteAnyMore() {
        renew(0, 1);
        Peer givenUp = processes.get(2);

        byte[] heard = sealed(1);
        assertThat(givenUp.open(heard, source(ENDPOINT))).isEmpty();
        byte[] said = givenUp.seal(1, ENDPOINT, 1, TEXT);
        assertThat(processes.get(1).open(said, source(7))).isEmpty();

        assertThat(givenUp.dropped(Reason.LATER)).isOne();
        assertThat(processes.get(1).dropped(Reason.EARLIER)).isOne();
        // Nor by lying about the generation.
        said[2] = 2;
        assertThat(processes.get(1).open(said, source(7))).isEmpty();
        assertThat(processes.get(1).dropped(Reason.FORGED)).isOne();
    }

    /** It numbers endpoints and counts from the beginning, as its predecessor did, and under the same key. */
    @Test
    void aRestartedProcessNeverRepeatsANonce() {
        byte[] before = sealed(1);
        open(before);
        Peer successor = new Peer(RUN, "another salt");
        Seat seat = seat(0, "another salt", 1);
        List<Seat> now = List.of(seat, seats().get(1), seats().get(2));
        successor.membership.received(key(1, 1));
        successor.membership.received(new Roster(0, now));
        processes.get(1).membership.received(new Returned(seat));

        byte[] again = successor.seal(1, ENDPOINT, 1, TEXT);

        assertThat(Arrays.copyOf(again, DatagramHeader.BYTES)).isEqualTo(Arrays.copyOf(before, DatagramHeader.BYTES));
        for (int at = DatagramHeader.BYTES, same = 0; at < again.length; at++) {
            same += again[at] == before[at] ? 1 : 0;
            assertThat(same).as("equal bytes of two key streams").isLessThan(8);
        }
        assertThat(processes.get(1).open(again, source(8))).isEqualTo(TEXT);
        assertDropped(before, Reason.MOVED);
        assertThat(processes.get(1).open(before, source(8))).isEmpty();
    }

    @Test
    void channelEndpointsHaveDifferentNumbers() {
        Set<Integer> numbers = new HashSet<>();
        for (int i = 0; i < 1_000; i++) {
            assertThat(numbers.add(processes.get(0).seal.nextEndpoint())).isTrue();
        }
    }
}
