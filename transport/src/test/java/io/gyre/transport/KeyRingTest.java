package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.membership.Message.Returned;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Seat;
import io.gyre.transport.Rejections.Reason;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Three processes of a run: what becomes of sealed datagrams when keys change, and processes. */
class KeyRingTest extends SealingPeers {

    private void renew(int... ranks) {
        for (int rank : ranks) {
            processes.get(rank).membership.received(SealingPeer.key(2, 2));
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
        processes.get(0).membership.received(SealingPeer.key(9, 2));

        assertDropped(sealed(1), Reason.STRANGE);
    }

    @Test
    void whoIsGivenUpCanNeitherReadNorWriteAnyMore() {
        renew(0, 1);
        SealingPeer givenUp = processes.get(2);

        byte[] heard = sealed(1);
        assertThat(givenUp.open(heard, SealingPeer.source(ENDPOINT))).isEmpty();
        byte[] said = givenUp.seal(1, ENDPOINT, 1, TEXT);
        assertThat(processes.get(1).open(said, SealingPeer.source(7))).isEmpty();

        assertThat(givenUp.dropped(Reason.LATER)).isOne();
        assertThat(processes.get(1).dropped(Reason.EARLIER)).isOne();
        // Nor by lying about the generation.
        said[2] = 2;
        assertThat(processes.get(1).open(said, SealingPeer.source(7))).isEmpty();
        assertThat(processes.get(1).dropped(Reason.FORGED)).isOne();
    }

    /** It numbers endpoints and counts from the beginning, as its predecessor did, and under the same key. */
    @Test
    void aRestartedProcessNeverRepeatsANonce() {
        byte[] before = sealed(1);
        open(before);
        SealingPeer successor = new SealingPeer(SealingPeer.RUN, "another salt");
        Seat seat = SealingPeer.seat(0, "another salt", 1);
        List<Seat> now =
                List.of(seat, SealingPeer.seats().get(1), SealingPeer.seats().get(2));
        successor.membership.received(SealingPeer.key(1, 1));
        successor.membership.received(new Roster(0, now));
        processes.get(1).membership.received(new Returned(seat));

        byte[] again = successor.seal(1, ENDPOINT, 1, TEXT);

        assertThat(Arrays.copyOf(again, DatagramHeader.BYTES)).isEqualTo(Arrays.copyOf(before, DatagramHeader.BYTES));
        for (int at = DatagramHeader.BYTES, same = 0; at < again.length; at++) {
            same += again[at] == before[at] ? 1 : 0;
            assertThat(same).as("equal bytes of two key streams").isLessThan(8);
        }
        assertThat(processes.get(1).open(again, SealingPeer.source(8))).isEqualTo(TEXT);
        assertDropped(before, Reason.MOVED);
        assertThat(processes.get(1).open(before, SealingPeer.source(8))).isEmpty();
    }
}
