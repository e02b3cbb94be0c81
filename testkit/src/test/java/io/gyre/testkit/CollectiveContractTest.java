package io.gyre.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.local.Gyre;
import io.gyre.local.LocalCluster;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import io.gyre.testkit.FaultyCollective.Fault;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tests the contract itself: correct collectives pass, and each fault fails the expected tests. */
class CollectiveContractTest {

    private static Fault fault = Fault.NONE;

    /** The contract on a collective with the current fault. */
    static class OfFaultyCollective extends CollectiveContract {
        @Override
        protected LocalCluster cluster(int ranks) {
            return Gyre.local(ranks).withPeerTimeout(Duration.ofSeconds(10));
        }

        @Override
        protected Collective collective(Endpoint endpoint) {
            return new FaultyCollective(endpoint, fault);
        }

        @Override
        protected IntStream worlds() {
            return IntStream.of(1, 3);
        }
    }

    @Test
    void passesACollectiveWithoutFault() {
        fault = Fault.NONE;

        assertThat(Contracts.failuresOf(OfFaultyCollective.class)).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "TAKES_MIN_FOR_MAX, anAllReduceGivesEveryRankTheCombinedValues",
        "FORGETS_THE_LAST_ELEMENT, anAllReduceGivesEveryRankTheCombinedValues",
        "WRITES_BEHIND_THE_END, anAllReduceGivesEveryRankTheCombinedValues",
        "ROUNDS_ON_ONE_RANK, theResultIsTheSameBitForBitOnAllRanks",
        "LEAVES_THE_BARRIER_AT_ONCE, nobodyLeavesABarrierBeforeAllHaveCome",
        "BROADCASTS_FROM_RANK_0, aBroadcastCopiesTheDataOfWhicheverRankIsTheRoot",
        "IGNORES_THE_STEP, ranksThatCallDifferentThingsAreStopped",
    })
    void findsAFault(Fault planted, String test) {
        fault = planted;

        assertThat(Contracts.fails(OfFaultyCollective.class, test))
                .as("%s finds it", test)
                .isTrue();
    }
}
