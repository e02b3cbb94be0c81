package io.gyre.benchmarks;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.gyre.GyreException;
import io.gyre.memory.Region;
import org.junit.jupiter.api.Test;

/** A faulty all-reduce must not pass the check. */
class TestPatternTest {

    private static final int COUNT = 10_000;
    private static final int RANKS = 3;
    private static final int ROUND = 5;

    private final TestPattern pattern = new TestPattern();
    private final Region sum = sum(0, 1, 2);

    /** Sum of the vectors of these ranks. */
    private Region sum(int... ranks) {
        Region vector = Region.allocate("vector", COUNT * Float.BYTES);
        Region total = Region.allocate("sum", COUNT * Float.BYTES);
        for (int rank : ranks) {
            pattern.fill(vector, rank, ROUND);
            for (int i = 0; i < COUNT; i++) {
                long at = at(i);
                total.putFloat(at, total.getFloat(at) + vector.getFloat(at));
            }
        }
        return total;
    }

    @Test
    void theSumOverAllRanksIsRight() {
        assertThatCode(() -> pattern.check(sum, RANKS, ROUND)).doesNotThrowAnyException();
    }

    @Test
    void aResultOfTheRoundBeforeIsWrong() {
        wrong(sum, ROUND + 1);
    }

    @Test
    void aMissingRankIsWrong() {
        wrong(sum(0, 1), ROUND);
        wrong(sum(1, 2), ROUND);
    }

    @Test
    void aRankThatCountsTwiceInsteadOfAnotherIsWrong() {
        wrong(sum(0, 1, 1), ROUND);
    }

    @Test
    void aPartInTheWrongPlaceIsWrong() {
        for (int by : new int[] {1, 16, 1024, 4096, COUNT / 2}) {
            Region shifted = sum(0, 1, 2);
            for (int i = 0; i + by < COUNT; i++) {
                shifted.putFloat(at(i), sum.getFloat(at(i + by)));
            }
            wrong(shifted, ROUND);
        }
    }

    @Test
    void theLastElementCounts() {
        Region almost = sum(0, 1, 2);
        almost.putFloat(at(COUNT - 1), -1);

        wrong(almost, ROUND);
    }

    private static long at(int index) {
        return (long) index * Float.BYTES;
    }

    private void wrong(Region result, int round) {
        assertThatThrownBy(() -> pattern.check(result, RANKS, round))
                .isInstanceOf(GyreException.class)
                .hasMessageContaining("wrong sum of 40,000 bytes over 3 ranks, round " + round + ": element");
    }
}
