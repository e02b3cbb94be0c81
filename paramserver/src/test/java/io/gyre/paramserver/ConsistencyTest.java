package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConsistencyTest {

    /**
     * Plays random schedules of workers that pull, compute and push, and checks the definition of staleness on each.
     */
    @ParameterizedTest(name = "bound {0}, {1} workers, seed {2}")
    @CsvSource({"0, 2, 1", "0, 5, 2", "1, 2, 3", "1, 4, 4", "3, 4, 5", "3, 7, 6", "10, 3, 7"})
    void noWorkerIsFurtherAheadThanTheBoundAndSomeWorkerCanAlwaysGoOn(int bound, int workers, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Consistency consistency = new StaleSynchronous(bound);
        for (int game = 0; game < 200; game++) {
            ClockTable clocks = new ClockTable(workers);
            long[] step = new long[workers];
            long[] seen = new long[workers];
            boolean[] computing = new boolean[workers];
            boolean[] finished = new boolean[workers];
            long greatest = 0;
            for (int turn = 0; turn < 300; turn++) {
                List<Integer> able = new ArrayList<>();
                for (int worker = 0; worker < workers; worker++) {
                    if (!finished[worker]
                            && (computing[worker] || consistency.mayBegin(step[worker], clocks.slowest()))) {
                        able.add(worker);
                    }
                }
                if (able.isEmpty()) {
                    assertThat(finished)
                            .as("all have finished, else somebody can continue")
                            .containsOnly(true);
                    break;
                }
                // Some workers are much slower than others.
                int worker = able.get((int) (able.size() * Math.pow(random.nextDouble(), 3)));
                if (!computing[worker]) {
                    computing[worker] = true;
                    seen[worker] = clocks.slowest();
                } else if (random.nextInt(100) == 0) {
                    computing[worker] = false;
                    finished[worker] = true;
                    clocks.finish(worker);
                } else {
                    computing[worker] = false;
                    long staleness = step[worker] - seen[worker];
                    assertThat(staleness).isLessThanOrEqualTo(bound);
                    greatest = Math.max(greatest, staleness);
                    clocks.applied(worker, step[worker]);
                    step[worker]++;
                }
            }
            assertThat(greatest).isLessThanOrEqualTo(bound);
        }
    }

    @Test
    void inBulkSynchronyEverybodyMustHaveEndedTheStepBefore() {
        Consistency bulk = new BulkSynchronous();

        assertThat(bulk.mayBegin(3, 2)).isFalse();
        assertThat(bulk.mayBegin(3, 3)).isTrue();
        assertThat(bulk.mayPullAhead()).isFalse();
    }

    @Test
    void asynchronyWaitsForNobody() {
        assertThat(new AsynchronousParallel().mayBegin(1_000_000, 0)).isTrue();
    }

    @Test
    void withABoundOfZeroNothingIsPulledAhead() {
        assertThat(new StaleSynchronous(0).mayPullAhead()).isFalse();
        assertThat(new StaleSynchronous(1).mayPullAhead()).isTrue();
    }

    @Test
    void aNegativeBoundIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new StaleSynchronous(-1))
                .withMessageContaining("-1");
    }

    @Test
    void whoComesBackGoesOnWhereTheSlowestOfTheOthersIs() {
        ClockTable clocks = new ClockTable(3);
        clocks.applied(0, 9);
        clocks.applied(1, 3);
        clocks.applied(2, 6);
        clocks.finish(1);
        assertThat(clocks.slowest()).isEqualTo(7);

        assertThat(clocks.rejoin(1, 0)).isEqualTo(7);
        assertThat(clocks.slowest()).isEqualTo(7);
        assertThat(clocks.rejoin(0, 0)).as("one that was ahead").isEqualTo(7);
        assertThat(clocks.rejoin(2, 20))
                .as("one that has come that far by itself")
                .isEqualTo(20);
    }

    @Test
    void whoComesBackAndFindsNobodyGoesOnWhereItWas() {
        ClockTable clocks = new ClockTable(2);
        clocks.applied(0, 9);
        clocks.applied(1, 3);
        clocks.finish(0);
        clocks.finish(1);

        assertThat(clocks.rejoin(1, 0)).isEqualTo(4);
        assertThat(clocks.slowest()).isEqualTo(4);
    }

    @Test
    void aClockNeverGoesBackButForAResume() {
        ClockTable clocks = new ClockTable(2);
        clocks.applied(0, 5);
        clocks.applied(0, 3);
        clocks.applied(1, 8);
        assertThat(clocks.slowest()).isEqualTo(6);

        clocks.finish(0);
        clocks.applied(0, 1);
        assertThat(clocks.slowest()).isEqualTo(9);

        clocks.finish(1);
        assertThat(clocks.slowest()).isEqualTo(Long.MAX_VALUE);

        clocks.resume(0, 7);
        assertThat(clocks.slowest()).isEqualTo(7);
    }
}
