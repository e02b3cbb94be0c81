package io.gyre.paramserver;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.memory.Region;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever happens to the two servers that hold a shard, as long as one of them has it: everything that clients have
 * done counts once, and the copies have the same bits.
 */
@Timeout(240)
class CopiesSimulationTest {

    private static final int OPERATIONS = 12;

    /** After the last fault, everything must come to rest within so many steps. */
    private static final int PATIENCE = 100_000;

    private static final class Tally {
        int schedules;
        int kills;
        int killsWhileRestoring;
    }

    @ParameterizedTest(name = "schedules from {0}")
    @ValueSource(longs = {1, 100_001})
    void whatWasAcknowledgedCountsOnceInEverySchedule(long first) {
        Tally tally = new Tally();
        for (long seed = first; seed < first + 100; seed++) {
            run(seed, tally);
        }

        assertThat(tally.kills).as("servers killed").isGreaterThan(3 * tally.schedules);
        assertThat(tally.killsWhileRestoring).as("while they got the state").isPositive();
    }

    @Test
    @Tag("long")
    void whatWasAcknowledgedCountsOnceInVeryManySchedules() {
        Tally tally = new Tally();
        for (long seed = 0; seed < 100_000; seed++) {
            run(seed, tally);
        }
        System.out.printf(
                "%,d schedules, %,d servers killed, %,d of them while they got the state%n",
                tally.schedules, tally.kills, tally.killsWhileRestoring);
    }

    private static void run(long seed, Tally tally) {
        SimulatedCopies run = new SimulatedCopies(seed, OPERATIONS);
        for (int step = 0; step < 1_500 && !run.isAtRest(); step++) {
            run.step(true);
        }
        for (int step = 0; step < PATIENCE && !run.isAtRest(); step++) {
            run.step(false);
        }
        tally.schedules++;
        tally.kills += run.kills;
        tally.killsWhileRestoring += run.killsWhileRestoring;
        assertThat(run.isAtRest()).as("seed %d comes to rest", seed).isTrue();
        assertThat(run.badReads)
                .as("seed %d: reads without what was acknowledged", seed)
                .isZero();
        checkCounts(seed, run);
        checkCells(seed, run);
        checkCopies(seed, run);
    }

    private static void checkCounts(long seed, SimulatedCopies run) {
        long counted = run.clients.stream().mapToLong(client -> client.done[2]).sum();
        assertThat(new HashSet<>(run.counts))
                .as("seed %d: each number comes once", seed)
                .hasSize((int) counted);
        assertThat(run.counts.stream().mapToLong(Long::longValue).max().orElse(-1))
                .as("seed %d: no number is left out", seed)
                .isEqualTo(counted - 1);
    }

    private static Region memory(SimulatedCopies.Server of, int buffer) {
        return of.server.table().all().stream()
                .filter(shard -> shard.buffer().equals(SimulatedCopies.SPECS.get(buffer)))
                .findFirst()
                .orElseThrow()
                .memory()
                .data();
    }

    /** A client adds 1 to its own cell with each push and each accumulation. */
    private static void checkCells(long seed, SimulatedCopies run) {
        for (SimulatedCopies.Server server : run.servers) {
            for (int buffer = 0; buffer < 2; buffer++) {
                Region memory = memory(server, buffer);
                for (SimulatedCopies.Client client : run.clients) {
                    assertThat(memory.getFloat(4L * client.rank))
                            .as("seed %d: rank %d, buffer %d, server %d", seed, client.rank, buffer, server.index)
                            .isEqualTo((float) client.done[buffer]);
                }
            }
        }
    }

    private static void checkCopies(long seed, SimulatedCopies run) {
        SimulatedCopies.Server one = run.servers[0];
        SimulatedCopies.Server other = run.servers[1];
        List<CopyMessage.BufferState> states =
                one.server.table().all().stream().map(Shard::state).toList();
        assertThat(other.server.table().all().stream().map(Shard::state).toList())
                .as("seed %d: ledgers and figures", seed)
                .isEqualTo(states);
        for (Shard shard : one.server.table().all()) {
            Shard twin = other.server.table().find(shard.number());
            assertSame(seed, shard.memory().data(), twin.memory().data());
            if (shard.isTrained()) {
                for (int slot = 0; slot < shard.training().slots(); slot++) {
                    assertSame(
                            seed, shard.training().slot(slot), twin.training().slot(slot));
                }
            }
        }
    }

    private static void assertSame(long seed, Region one, Region other) {
        List<Integer> differing = IntStream.range(0, (int) (one.byteLength() / Float.BYTES))
                .filter(i -> Float.floatToRawIntBits(one.getFloat(4L * i))
                        != Float.floatToRawIntBits(other.getFloat(4L * i)))
                .boxed()
                .toList();
        assertThat(differing).as("seed %d: elements whose bits differ", seed).isEmpty();
    }
}
