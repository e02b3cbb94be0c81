package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.membership.Message.Roster;
import io.gyre.membership.RunId;
import io.gyre.transport.Rejections.Reason;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Three processes of a run: what they seal, open and drop. */
class DatagramSealTest extends SealingPeers {

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
        byte[] datagram = sealed(0x02030405060708L);

        assertThat(Arrays.copyOf(datagram, 16)).containsExactly(0, 0, 1, 0, 0, 0, 0, 5, 0, 2, 3, 4, 5, 6, 7, 8);
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
    void counterZeroIsNeverUsed() {
        assertDropped(sealed(0), Reason.REPLAYED);
    }

    @Test
    void aDatagramForOneProcessMeansNothingToAnother() {
        byte[] datagram = sealed(1);

        assertThat(processes.get(2).open(datagram, SealingPeer.source(ENDPOINT)))
                .isEmpty();
        assertThat(processes.get(0).open(datagram, SealingPeer.source(ENDPOINT)))
                .as("its sender")
                .isEmpty();

        assertThat(processes.get(2).dropped(Reason.FORGED)).isOne();
        assertThat(processes.get(0).dropped(Reason.STRANGE)).isOne();
        assertThat(open(datagram)).isEqualTo(TEXT);
    }

    @Test
    void anotherRunOrAnotherKeyIsForged() {
        assertDropped(SealingPeer.run(new RunId(3, 5), 1).get(0).seal(1, ENDPOINT, 1, TEXT), Reason.FORGED);
        assertDropped(SealingPeer.run(SealingPeer.RUN, 2).get(0).seal(1, ENDPOINT, 1, TEXT), Reason.FORGED);
    }

    @Test
    void aChannelEndpointStaysWhereItWasFirstHeard() {
        byte[] forged = sealed(1);
        forged[20] ^= 1;
        assertThat(processes.get(1).open(forged, SealingPeer.source(9))).isEmpty();
        assertThat(open(sealed(2))).isEqualTo(TEXT);

        byte[] third = sealed(3);
        assertThat(processes.get(1).open(third, SealingPeer.source(9))).isEmpty();

        assertThat(processes.get(1).dropped(Reason.MOVED)).isOne();
        assertThat(open(third)).isEqualTo(TEXT);
        assertThat(processes.get(1).open(processes.get(0).seal(1, 6, 1, TEXT), SealingPeer.source(9)))
                .as("another endpoint may be elsewhere")
                .isEqualTo(TEXT);
    }

    @Test
    void anAnswerGoesToWhereADatagramCameFrom() {
        SealingPeer one = processes.get(1);
        assertThat(one.seal.seal(ByteBuffer.wrap(TEXT), SealingPeer.source(ENDPOINT), 0, 1))
                .isNull();
        open(sealed(1));

        ByteBuffer answer = one.seal.seal(ByteBuffer.wrap(TEXT), SealingPeer.source(ENDPOINT), 0, 1);

        assertThat(answer).isNotNull();
        byte[] bytes = new byte[answer.remaining()];
        answer.get(bytes);
        assertThat(processes.get(0).open(bytes, SealingPeer.address(1))).isEqualTo(TEXT);
    }

    @Test
    void theNumberOfChannelEndpointsIsBounded() {
        for (int endpoint = 0; endpoint < SealedPeer.MOST_SOURCES; endpoint++) {
            byte[] datagram = processes.get(0).seal(1, endpoint, 1, TEXT);
            assertThat(processes.get(1).open(datagram, SealingPeer.source(endpoint)))
                    .isEqualTo(TEXT);
        }

        assertDropped(processes.get(0).seal(1, 1_000, 1, TEXT), Reason.CROWDED);
        assertThat(open(sealed(2))).isEqualTo(TEXT);
    }

    @Test
    void withoutKeysNothingIsSealedAndNothingOpened() {
        SealingPeer early = new SealingPeer(SealingPeer.RUN, "salt1");
        assertThat(early.seal.seal(ByteBuffer.wrap(TEXT), SealingPeer.address(0), 0, 1))
                .isNull();
        byte[] datagram = sealed(1);
        assertThat(early.open(datagram, SealingPeer.source(ENDPOINT))).isEmpty();
        early.membership.received(SealingPeer.key(1, 1));
        early.membership.received(new Roster(1, SealingPeer.seats()));

        assertThat(early.open(datagram, SealingPeer.source(ENDPOINT))).isEqualTo(TEXT);
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

    @Test
    void channelEndpointsHaveDifferentNumbers() {
        Set<Integer> numbers = new HashSet<>();
        for (int i = 0; i < 1_000; i++) {
            assertThat(numbers.add(processes.get(0).seal.nextEndpoint())).isTrue();
        }
    }
}
