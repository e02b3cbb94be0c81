package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.membership.SeatFaults.Fault;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Plays whole runs with seats: the usher, the attendance of every process, and in each generation the coordinator and
 * the clients of all seats, with a model of the program. What is simulated is time, connections and faults, all from
 * one seed.
 *
 * <p>What must hold in each schedule:
 *
 * <ul>
 *   <li>Every state is a fold over the steps: none is left out, applied twice, or computed from another state.
 *   <li>A generation begins when all processes of the one before have ended it, or are lost, and from a state that is
 *       not older than that of any of them. So no step is lost that one of them has applied.
 *   <li>A process computes at most one step again in a generation, and its state never goes back.
 *   <li>When a generation has begun, a process of an older one may still apply the step after the state with which the
 *       next began, because others had contributed to it; never a later one.
 *   <li>A silent process is lost within the limit, and none that is not silent for that long, or because the
 *       launcher itself stood still.
 *   <li>When faults are over, and enough processes are there, the run ends with its work done, and every process ends.
 * </ul>
 */
class UsherSimulationTest {

    private static final String SCHEDULES = "gyre.simulation.schedules";
    private static final String SEED = "gyre.simulation.seed";
    private static final int DEFAULT = 5_000;

    /** Schedules that one thread plays in succession. */
    private static final long BLOCK = 100;

    @Test
    void noStepIsLostAndEveryRunEnds() {
        SeatTally tally = play(0, Integer.getInteger(SCHEDULES, DEFAULT));

        System.out.println(tally);
        assertThat(tally.faults.keySet()).containsExactlyInAnyOrder(Fault.values());
        int some = tally.runs / 100;
        assertThat(tally.finished).as("processes that finished").isGreaterThan(tally.runs);
        assertThat(tally.generations).as("generations").isGreaterThan(tally.runs);
        assertThat(tally.repeated).as("steps repeated").isGreaterThan(some);
        assertThat(tally.adopted).as("states adopted").isGreaterThan(some);
        assertThat(tally.adjourned).as("generations adjourned").isGreaterThan(some);
        assertThat(tally.verdicts).as("verdicts about silence").isGreaterThan(some);
        assertThat(tally.cameAgain).as("processes that came again").isGreaterThan(some);
        assertThat(tally.late).as("steps applied late").isPositive();
        assertThat(tally.endedEarly).as("runs that ended for too few processes").isPositive();
        assertThat(tally.dismissed).as("spares dismissed").isPositive();
    }

    @Test
    @Tag("long")
    void noStepIsLostInManySchedules() {
        System.out.println(play(1_000_000, Integer.getInteger(SCHEDULES, 400_000)));
    }

    /** Plays schedules on all processors: each depends on nothing but its seed. */
    private static SeatTally play(long first, int count) {
        Long single = Long.getLong(SEED);
        long begin = single == null ? first : single;
        long end = begin + (single == null ? count : 1);
        return LongStream.rangeClosed(begin / BLOCK, (end - 1) / BLOCK)
                .parallel()
                .mapToObj(block -> played(Math.max(begin, block * BLOCK), Math.min(end, (block + 1) * BLOCK)))
                .reduce(new SeatTally(), SeatTally::sum);
    }

    private static SeatTally played(long begin, long end) {
        SeatTally tally = new SeatTally();
        for (long seed = begin; seed < end; seed++) {
            play(seed, tally);
        }
        return tally;
    }

    private static void play(long seed, SeatTally tally) {
        try {
            played(seed, tally, false);
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(
                    "schedule " + seed + " (alone: -D" + SEED + "=" + seed + "): " + e.getMessage() + "\n"
                            + trace(seed),
                    e);
        }
    }

    private static void played(long seed, SeatTally tally, boolean tracing) {
        SimulatedSeats run = new SimulatedSeats(seed, tally, tracing);
        run.play();
        run.checks.end();
    }

    /** What happened in a schedule, for people. */
    private static String trace(long seed) {
        SimulatedSeats run = new SimulatedSeats(seed, new SeatTally(), true);
        try {
            run.play();
        } catch (RuntimeException | AssertionError e) {
            run.note(e.getMessage());
        }
        List<String> trace = run.trace;
        return trace == null ? "" : String.join("\n", trace);
    }

    /** Schedules that have found a hole in the usher. */
    @ParameterizedTest
    @ValueSource(longs = {45, 99, 429, 724})
    void aScheduleThatFoundAHole(long seed) {
        play(seed, new SeatTally());
    }
}
