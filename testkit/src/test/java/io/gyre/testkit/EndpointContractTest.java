package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.LocalCluster;
import io.gyre.testkit.FaultySession.Fault;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests the contract itself: the in-process network passes, and each fault fails the expected tests. */
class EndpointContractTest {

    private static Fault fault = Fault.NONE;

    /** The contract on a network with the current fault. */
    static class OfFaultyNetwork extends EndpointContract {
        @Override
        protected LocalCluster cluster(int ranks) {
            return LocalCluster.over(OfFaultyNetwork::open, ranks).withPeerTimeout(Duration.ofSeconds(2));
        }

        private static LocalCluster.Rendezvous open(int ranks, Duration peerTimeout) {
            LocalCluster.Rendezvous sound = LocalCluster.Network.inProcess().open(ranks, peerTimeout);
            return rank -> new FaultySession(sound.join(rank), fault);
        }
    }

    @Test
    void passesANetworkWithoutFault() {
        fault = Fault.NONE;

        assertThat(Contracts.failuresOf(OfFaultyNetwork.class)).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "SWAPS_FRAMES, framesArriveOnceInOrderAndUnchanged",
        "FLIPS_A_BIT, framesArriveOnceInOrderAndUnchanged",
        "LOSES_A_FRAME, framesArriveOnceInOrderAndUnchanged",
        "REPEATS_A_FRAME, framesArriveOnceInOrderAndUnchanged",
        "READS_THE_CALLERS_MEMORY_LATER, framesArriveOnceInOrderAndUnchanged",
        "FORGETS_THE_VECTORS_LENGTH, framesArriveOnceInOrderAndUnchanged",
        "BLAMES_THE_WRONG_RANK, aRankThatFailsEndsTheWaitsOfAllOthersAndIsNamed",
        "MIXES_UP_AN_EXCHANGE, anExchangeGivesEveryRankTheValuesOfAllByRank",
    })
    void findsAFault(Fault planted, String test) {
        fault = planted;

        assertThat(Contracts.fails(OfFaultyNetwork.class, test))
                .as("%s finds it", test)
                .isTrue();
    }
}
