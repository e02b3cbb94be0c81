package io.gyre.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class RankEndTest {

    @Test
    void theFirstFailureIsTheCause() {
        assertThat(RankEnd.cause(List.of(new RankEnd(3, 0), new RankEnd(1, 1), new RankEnd(0, 7))))
                .contains(new RankEnd(1, 1));
    }

    @Test
    void aRankThatWasKilledIsTheCauseEvenIfItsEndWasNoticedLater() {
        assertThat(RankEnd.cause(List.of(new RankEnd(1, 1), new RankEnd(2, 137), new RankEnd(0, 139))))
                .contains(new RankEnd(2, 137));
    }

    @Test
    void withoutAFailureThereIsNoCause() {
        assertThat(RankEnd.cause(List.of(new RankEnd(0, 0)))).isEmpty();
    }
}
