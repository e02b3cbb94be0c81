package io.gyre.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ReplicaVoteTest {

    @Test
    void equalReplicasAreUnanimous() {
        ReplicaVote vote = ReplicaVote.of(List.of(7L, 7L, 7L));

        assertThat(vote.isUnanimous()).isTrue();
        assertThat(vote.hasMajority()).isTrue();
        assertThat(vote.others()).isEmpty();
    }

    @Test
    void theOddOneOutIsFoundWhereverItIs() {
        for (int odd = 0; odd < 3; odd++) {
            ReplicaVote vote = ReplicaVote.of(List.of(odd == 0 ? 1 : 2, odd == 1 ? 1 : 2, odd == 2 ? 1 : 2));

            assertThat(vote.hasMajority()).isTrue();
            assertThat(vote.others()).containsExactly(odd);
        }
    }

    @Test
    void severalMayBeOddInDifferentWays() {
        ReplicaVote vote = ReplicaVote.of(List.of("a", "b", "b", "c", "b"));

        assertThat(vote.hasMajority()).isTrue();
        assertThat(vote.groups().get(0)).containsExactly(1, 2, 4);
        assertThat(vote.others()).containsExactly(0, 3);
    }

    @Test
    void halfIsNoMajority() {
        assertThat(ReplicaVote.of(List.of(1, 2)).hasMajority()).isFalse();
        assertThat(ReplicaVote.of(List.of(1, 2, 2, 1)).hasMajority()).isFalse();
        assertThat(ReplicaVote.of(List.of(1, 1, 2, 3)).hasMajority()).isFalse();
        assertThat(ReplicaVote.of(List.of(1, 2, 2, 1)).groups()).containsExactly(List.of(0, 3), List.of(1, 2));
    }
}
