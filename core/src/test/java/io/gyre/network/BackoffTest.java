package io.gyre.network;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BackoffTest {

    /** More turns than any policy takes before it sleeps. */
    private static final int MOST_TURNS = 1_000;

    private long now = 5;
    private int yields;
    private int sleeps;

    @ParameterizedTest
    @CsvSource({"0, false", "900, false", "1_000_000, false", "1_000_001, true", "30_000_000, true"})
    void aYieldTakesLongFromAMillisecondOn(String nanos, boolean takesLong) {
        long duration = Long.parseLong(nanos.replace("_", ""));

        assertThat(Backoff.takesLong(() -> now += duration, () -> now)).isEqualTo(takesLong);
        assertThat(now).isEqualTo(5 + duration);
    }

    @ParameterizedTest
    @CsvSource({"true, 1", "false, 200"})
    void aWaitSleepsAfterOneYieldThatTakesLongOrManyThatDoNot(boolean takesLong, int expected) {
        Backoff backoff = backoff(takesLong);

        pauseUntilItSleeps(backoff);
        assertThat(yields).isEqualTo(expected);

        for (int turn = 0; turn < MOST_TURNS; turn++) {
            backoff.pause();
        }
        assertThat(yields).as("yields of a wait that sleeps").isEqualTo(expected);
    }

    @Test
    void theNextWaitYieldsAgain() {
        Backoff backoff = backoff(true);
        pauseUntilItSleeps(backoff);

        backoff.reset();
        sleeps = 0;
        pauseUntilItSleeps(backoff);

        assertThat(yields).isEqualTo(2);
    }

    private Backoff backoff(boolean takesLong) {
        return new Backoff(1, Backoff.DEFAULT_PAUSE, false, nanos -> sleeps++, () -> {
            yields++;
            return takesLong;
        });
    }

    private void pauseUntilItSleeps(Backoff backoff) {
        for (int turn = 0; sleeps == 0; turn++) {
            assertThat(turn).as("turns before the first sleep").isLessThan(MOST_TURNS);
            backoff.pause();
        }
    }
}
