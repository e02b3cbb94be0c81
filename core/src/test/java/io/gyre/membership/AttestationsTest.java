package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.Message.Attest;
import io.gyre.membership.Message.Disagreed;
import io.gyre.membership.Message.Join;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AttestationsTest {

    private static final String REMEDY = "Read the same.";
    private static final List<Integer> ALL = List.of(0, 1, 2);

    private final Attestations attestations = new Attestations();

    @Test
    void ranksMayAttestTheSameAtAnyTime() {
        assertThat(attest(0, "step 1", "five rows")).isNull();
        assertThat(attest(0, "step 2", "six rows")).isNull();
        assertThat(attest(1, "step 1", "five rows")).isNull();
        assertThat(attest(2, "step 1", "five rows")).isNull();
        assertThat(attest(1, "step 2", "six rows")).isNull();
    }

    @Test
    void aDifferenceNamesTheTopicBothRanksAndBothValues() {
        attest(2, "the data of step 1", "five rows");

        assertThat(attest(0, "the data of step 1", "six rows"))
                .isEqualTo("the ranks differ in the data of step 1: five rows on rank 2 (host host2, pid 102), six rows"
                        + " on rank 0 (host host0, pid 100). Read the same.");
    }

    @Test
    void theOldestTopicIsForgottenWhenThereAreTooMany() {
        attest(0, "first", "a");
        for (int i = 1; i < Attestations.TOPICS; i++) {
            attest(0, "topic " + i, "a");
        }
        assertThat(attest(1, "first", "b")).isNotNull();

        attest(0, "one more", "a");
        assertThat(attest(1, "first", "b")).isNull();
    }

    @Test
    void groupsOfRanksAreNotComparedWithEachOther() {
        assertThat(attest(0, List.of(0, 1), "step 1", "five rows")).isNull();
        assertThat(attest(2, List.of(2, 3), "step 1", "six rows")).isNull();
        assertThat(attest(1, List.of(0, 1), "step 1", "six rows")).isNotNull();
    }

    @Test
    void anExchangeSeparatesWhatIsComparedAlsoForOneThatTakesPartInItLater() {
        attest(0, "step 1", "five rows");
        Participant ahead = participant(1);
        ahead.held.put(ALL, 1);
        Participant other = participant(2);
        other.held.put(List.of(1, 2), 1);

        assertThat(attestations.difference(ahead, new Attest(ALL, "step 1", "six rows", REMEDY)))
                .isNull();
        assertThat(attestations.difference(other, new Attest(ALL, "step 1", "six rows", REMEDY)))
                .contains("five rows on rank 0", "six rows on rank 2");
        other.held.put(ALL, 1);
        assertThat(attestations.difference(other, new Attest(ALL, "step 1", "five rows", REMEDY)))
                .contains("six rows on rank 1", "five rows on rank 2");
    }

    @Test
    void allRanksAreToldAndNoExchangeEndsAfterwards() {
        Played played = Played.complete(3);
        played.receive(0, new Attest(ALL, "the data of step 1", "five rows", REMEDY));
        played.receive(1, new Attest(ALL, "the data of step 1", "five rows", REMEDY));
        played.offer(0, "the end", "0");
        played.offer(1, "the end", "1");
        for (int rank = 0; rank < 3; rank++) {
            assertThat(played.takeWords(rank)).isEmpty();
        }

        played.receive(2, new Attest(ALL, "the data of step 1", "six rows", REMEDY));
        played.offer(2, "the end", "2");

        for (int rank = 0; rank < 3; rank++) {
            assertThat(played.takeWords(rank))
                    .singleElement()
                    .isInstanceOfSatisfying(
                            Disagreed.class,
                            disagreed -> assertThat(disagreed.reason())
                                    .contains("five rows on rank 0", "six rows on rank 2"));
        }
    }

    private String attest(int rank, String topic, String value) {
        return attest(rank, ALL, topic, value);
    }

    private String attest(int rank, List<Integer> ranks, String topic, String value) {
        return attestations.difference(participant(rank), new Attest(ranks, topic, value, REMEDY));
    }

    private static Participant participant(int rank) {
        Member member = Played.member(rank);
        return new Participant(rank, new Join(Message.PROTOCOL_VERSION, 3, member, Map.of()), member, 0);
    }
}
