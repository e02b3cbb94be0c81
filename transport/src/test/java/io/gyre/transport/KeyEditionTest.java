package io.gyre.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.membership.Message.Returned;
import io.gyre.transport.Rejections.Reason;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A key ends when it has sealed enough, and the next one follows without a message. */
class KeyEditionTest extends SealingPeers {

    private static final int BLOCKS_OF_TEXT = 4;
    private static final int DATAGRAMS = 3;

    @Override
    @BeforeEach
    void start() {
        processes.addAll(SealingPeer.run(SealingPeer.RUN, 1, DATAGRAMS * BLOCKS_OF_TEXT));
    }

    private static int edition(byte[] datagram) {
        return datagram[8] & 0xff;
    }

    @Test
    void aKeySealsItsBlocksAndTheReceiverFollows() {
        int editions = 3 * DatagramHeader.EDITIONS;
        for (int counter = 1; counter <= editions * DATAGRAMS; counter++) {
            byte[] datagram = sealed(counter);

            assertThat(edition(datagram)).isEqualTo((counter - 1) / DATAGRAMS % DatagramHeader.EDITIONS);
            assertThat(open(datagram)).isEqualTo(TEXT);
        }
        assertThat(processes.get(1).dropped(Reason.STALE)).isZero();
    }

    @Test
    void whatComesAfterTheFirstOfTheNextKeyIsDropped() {
        byte[] late = sealed(1);
        open(sealed(2));
        open(sealed(3));
        assertThat(open(sealed(4))).isEqualTo(TEXT);

        assertDropped(late, Reason.STALE);

        assertThat(open(sealed(5))).isEqualTo(TEXT);
    }

    @Test
    void theNextKeyOpensThoughTheEndOfTheLastOneIsLost() {
        open(sealed(1));
        sealed(2);
        sealed(3);

        assertThat(open(sealed(4))).isEqualTo(TEXT);
    }

    @Test
    void anotherEditionInTheHeaderIsForgedAndEndsNothing() {
        open(sealed(1));
        byte[] datagram = sealed(2);
        for (int edition = 1; edition < DatagramHeader.EDITIONS; edition++) {
            datagram[8] = (byte) edition;
            assertDropped(datagram, edition == 1 ? Reason.FORGED : Reason.STALE);
        }
        datagram[8] = 0;

        assertThat(open(datagram)).isEqualTo(TEXT);
    }

    /** The keys stay, and so does what each has sealed. */
    @Test
    void anotherProcessInAnotherSeatChangesNoEdition() {
        for (int counter = 1; counter <= DATAGRAMS + 1; counter++) {
            open(sealed(counter));
        }
        Returned returned = new Returned(SealingPeer.seat(2, "another salt", 1));
        processes.get(0).membership.received(returned);
        byte[] datagram = sealed(DATAGRAMS + 2);
        assertThat(edition(datagram)).isOne();
        processes.get(1).membership.received(returned);

        assertThat(open(datagram)).isEqualTo(TEXT);
        assertThat(edition(sealed(2 * DATAGRAMS))).isOne();
        assertThat(edition(sealed(2 * DATAGRAMS + 1))).isEqualTo(2);
    }

    @Test
    void anotherGenerationBeginsWithEditionZero() {
        for (int counter = 1; counter <= DATAGRAMS + 1; counter++) {
            open(sealed(counter));
        }
        for (int rank = 0; rank < 2; rank++) {
            processes.get(rank).membership.received(SealingPeer.key(2, 2));
        }
        byte[] datagram = sealed(DATAGRAMS + 2);

        assertThat(edition(datagram)).isZero();
        assertThat(open(datagram)).isEqualTo(TEXT);
    }

    @Test
    void whoCountsToTheEndStops() {
        assertThat(open(sealed(DatagramHeader.MOST_COUNTER))).isEqualTo(TEXT);
        assertThatThrownBy(() -> sealed(DatagramHeader.MOST_COUNTER + 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("72057594037927935 datagrams");
    }

    /** The bound of RFC 8446, section 5.5: 2^24.5 records of 2^14 bytes. */
    @Test
    void oneKeySealsLessThanTlsAllows() {
        assertThat((double) SealedPeer.MOST_BLOCKS).isLessThan(Math.pow(2, 24.5 + 14 - 4));
    }
}
