package io.gyre;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PeerLostExceptionTest {

    private static final Member PEER = new Member(2, "b", 412);

    @Test
    void theLossNamesBothRanksAndPromisesNoCheckpoint() {
        PeerLostException lost = new PeerLostException(1, PEER, "its connection ended", "barrier of step 4");

        assertThat(lost)
                .hasMessage("rank 1 stopped in barrier of step 4: rank 2 (host b, pid 412) was lost (its connection"
                        + " ended). Look at the output of rank 2 for the cause, then start the run again, from its last"
                        + " checkpoint if it has one.");
        assertThat(lost.rank()).isEqualTo(2);
        assertThat(lost.peer()).isEqualTo(PEER);
    }

    @Test
    void aRankThatHasLeftIsNamedWithItsLastCallAndIsNotCalledLost() {
        PeerLostException absent = new PeerLostException(0, PEER, PeerLostException.left("training data"), "export");

        assertThat(absent)
                .hasMessageStartingWith("rank 0 stopped in export: rank 2 (host b, pid 412) is absent (it has left the"
                        + " run; the last call that it made with others was 'training data') and has not made this"
                        + " call")
                .hasMessageContaining("world().isRoot()");
        assertThat(absent.getMessage()).doesNotContain("was lost", "checkpoint");
    }
}
