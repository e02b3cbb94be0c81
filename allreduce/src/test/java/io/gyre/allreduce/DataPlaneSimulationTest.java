package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.ReduceOp;
import io.gyre.kernel.ScalarKernels;
import io.gyre.local.LocalCluster;
import io.gyre.memory.Region;
import io.gyre.network.Backoff;
import io.gyre.network.Collective;
import io.gyre.session.Session;
import io.gyre.testkit.SimulatedThread;
import io.gyre.testkit.SimulatedTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A rank of the local network falls silent in the middle of an all-reduce, in virtual time: who notices, when, and what
 * the error says.
 */
@Timeout(300)
class DataPlaneSimulationTest {

    private static final int RUNS_PER_SEED = 100;

    /** Short enough that no slow peer is logged. */
    private static final Duration TIMEOUT = Duration.ofSeconds(9);

    /** Most that a turn of a wait takes; a wait is checked every 16 turns. */
    private static final Duration PAUSE = Duration.ofMillis(6);

    /** Three checks of a wait. */
    private static final Duration SLACK = PAUSE.multipliedBy(3 * 16);

    private static final Duration LONGEST_SILENCE_AFTER = Duration.ofSeconds(1);

    /** Ends with the loss of a rank. */
    private static final int STEPS = 10_000;

    private static final int MOST_RANKS = 5;

    /** So long that the ring is used, and so short that a run has many steps. */
    private static final int LEAST_ELEMENTS = 5_000;

    /** How a rank's program ended. */
    private record Outcome(int rank, long at, GyreException failure) {

        /** The rank that the error names. */
        int blamed() {
            return failure instanceof PeerLostException lost ? lost.rank() : ((PeerTimeoutException) failure).rank();
        }

        @Override
        public String toString() {
            return "rank " + rank + " at " + at + ": " + failure.getMessage();
        }
    }

    /** One run, determined by its seed. */
    private static final class Run {
        final int ranks;
        final int silent;
        final List<Outcome> outcomes = new ArrayList<>();
        private final SplittableRandom random;
        private final int elements;
        private final boolean telling;
        private final boolean exchanging;
        private final SimulatedTime time;
        private long silentSince;

        /**
         * Creates a run.
         *
         * @param telling whether ranks report their failure to the others
         */
        Run(long seed, boolean telling) {
            this(seed, telling, false);
        }

        /**
         * Creates a run.
         *
         * @param telling whether ranks report their failure to the others
         * @param exchanging whether ranks exchange a value after each all-reduce; the silent one then fails instead
         */
        Run(long seed, boolean telling, boolean exchanging) {
            random = new SplittableRandom(seed);
            ranks = 2 + random.nextInt(MOST_RANKS - 1);
            silent = random.nextInt(ranks);
            elements = LEAST_ELEMENTS + random.nextInt(10 * LEAST_ELEMENTS);
            time = new SimulatedTime(random.split());
            this.telling = telling;
            this.exchanging = exchanging;
        }

        Run play() throws Exception {
            LocalCluster.Network network =
                    LocalCluster.Network.inProcess(time, () -> new Backoff(ranks, PAUSE, false, time::sleep));
            LocalCluster.Rendezvous rendezvous = network.open(ranks, TIMEOUT);
            List<Session> sessions = new ArrayList<>();
            List<SimulatedThread> threads = new ArrayList<>();
            try (time) {
                for (int rank = 0; rank < ranks; rank++) {
                    Session session = rendezvous.join(rank);
                    sessions.add(session);
                    threads.add(time.start("simulated-" + rank, () -> live(session)));
                }
                time.after(random.nextLong(LONGEST_SILENCE_AFTER.toNanos()), () -> {
                    silentSince = time.now();
                    threads.get(silent).freezeUntil(Long.MAX_VALUE);
                    if (exchanging) {
                        sessions.get(silent).fail("it has no more data");
                    }
                });
                time.run(Long.MAX_VALUE, () -> outcomes.size() == ranks - 1);
            }
            return this;
        }

        private void live(Session session) {
            int rank = session.world().rank();
            try {
                train(session);
            } catch (PeerLostException | PeerTimeoutException e) {
                outcomes.add(new Outcome(rank, time.now(), e));
                if (telling) {
                    session.fail("it failed: " + e.getMessage());
                }
            }
        }

        private void train(Session session) {
            Region data = Region.allocate("gradients", 4L * elements);
            try (Collective ring = new RingCollective(session.endpoint(), new ScalarKernels())) {
                for (int step = 0; step < STEPS; step++) {
                    data.clear();
                    ring.allReduce(data, ElementType.FLOAT32, ReduceOp.SUM, step, 3);
                    if (exchanging) {
                        byte[] value = {(byte) step};
                        assertThat(session.exchange("step " + step, value)).containsOnly(value);
                    }
                }
            }
        }

        Outcome of(int rank) {
            return outcomes.stream()
                    .filter(outcome -> outcome.rank == rank)
                    .findFirst()
                    .orElseThrow();
        }
    }

    @ParameterizedTest(name = "seeds from {0}")
    @ValueSource(longs = {0, 1_000, 2_000})
    void eachRankNamesTheOneItWaitsForWhenItsTimeoutHasPassed(long first) throws Exception {
        for (long seed = first; seed < first + RUNS_PER_SEED; seed++) {
            Run run = new Run(seed, false).play();

            assertThat(run.outcomes).as("failed ranks, seed " + seed).hasSize(run.ranks - 1);
            for (Outcome outcome : run.outcomes) {
                assertThat(outcome.failure)
                        .as("seed " + seed)
                        .isInstanceOf(PeerTimeoutException.class)
                        .hasMessageContainingAll(
                                "rank " + outcome.rank + " gave up after 9000 ms in",
                                "all-reduce (ring) of bucket 3, step ",
                                ", hop ",
                                "no progress from rank " + outcome.blamed());
                assertThat(Duration.ofNanos(outcome.at - run.silentSince))
                        .as("wait, seed " + seed)
                        .isBetween(TIMEOUT.minus(SLACK), TIMEOUT.plus(SLACK));
            }
            assertThat(run.of((run.silent + 1) % run.ranks).blamed())
                    .as("rank named by the right neighbour, seed " + seed)
                    .isEqualTo(run.silent);
        }
    }

    @ParameterizedTest(name = "seeds from {0}")
    @ValueSource(longs = {10_000, 11_000, 12_000})
    void theFirstToGiveUpIsNamedByTheOthers(long first) throws Exception {
        for (long seed = first; seed < first + RUNS_PER_SEED; seed++) {
            Run run = new Run(seed, true).play();

            assertThat(run.outcomes).as("failed ranks, seed " + seed).hasSize(run.ranks - 1);
            Outcome cause = run.outcomes.get(0);
            assertThat(cause.failure).as("seed " + seed).isInstanceOf(PeerTimeoutException.class);
            for (Outcome outcome : run.outcomes.subList(1, run.outcomes.size())) {
                assertThat(outcome.failure)
                        .as("seed " + seed)
                        .isInstanceOf(PeerLostException.class)
                        .hasMessageContainingAll("all-reduce (ring) of bucket 3", "gave up after 9000 ms");
                assertThat(outcome.blamed()).as("seed " + seed).isEqualTo(cause.rank);
                assertThat(Duration.ofNanos(outcome.at - cause.at))
                        .as("time to learn, seed " + seed)
                        .isLessThan(SLACK);
            }
        }
    }

    @ParameterizedTest(name = "seeds from {0}")
    @ValueSource(longs = {30_000, 31_000, 32_000})
    void aFailureIsLearnedInAnAllReduceAndInAnExchange(long first) throws Exception {
        int inExchange = 0;
        for (long seed = first; seed < first + RUNS_PER_SEED; seed++) {
            Run run = new Run(seed, false, true).play();

            assertThat(run.outcomes).as("failed ranks, seed " + seed).hasSize(run.ranks - 1);
            for (Outcome outcome : run.outcomes) {
                assertThat(outcome.failure)
                        .as("seed " + seed)
                        .isInstanceOf(PeerLostException.class)
                        .hasMessageContaining("it has no more data");
                assertThat(outcome.blamed()).as("seed " + seed).isEqualTo(run.silent);
                assertThat(Duration.ofNanos(outcome.at - run.silentSince))
                        .as("time to learn, seed " + seed)
                        .isLessThan(SLACK);
                inExchange += outcome.failure.getMessage().contains("stopped in step ") ? 1 : 0;
            }
        }
        assertThat(inExchange).as("ranks that waited in an exchange").isPositive();
    }

    @Test
    void aSeedDeterminesTheRun() throws Exception {
        for (long seed = 20_000; seed < 20_050; seed++) {
            Run first = new Run(seed, true).play();
            Run second = new Run(seed, true).play();

            assertThat(second.outcomes.toString()).isEqualTo(first.outcomes.toString());
            assertThat(second.time.trace()).isEqualTo(first.time.trace());
        }
    }
}
