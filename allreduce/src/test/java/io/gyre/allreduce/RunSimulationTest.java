package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.Membership;
import io.gyre.membership.Message;
import io.gyre.membership.RunListener;
import io.gyre.testkit.SimulatedProcess;
import io.gyre.testkit.SimulatedRun;
import io.gyre.testkit.SimulatedTime;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Plays whole runs in virtual time: the coordinator, the membership of every rank, and the collectives between them.
 * Processes are killed, frozen and restarted; connections to the coordinator stall, fall silent and break. Each process
 * must end in time: with all results right to the bit, or with an exception that names the rank to blame.
 *
 * <p>Links between healthy ranks are not cut here: whoever gives up then may name a rank that was only held up by
 * another one. {@link DataPlaneSimulationTest} plays ranks that send nothing any more.
 */
@Timeout(300)
class RunSimulationTest {

    private static final int RUNS_PER_SEED = 300;

    static LongStream seeds() {
        return LongStream.range(0, 5);
    }

    /** What happened in all runs: one in which nothing happens would satisfy anything. */
    private static final class Tally {
        int finished;
        int reduced;
        int pushed;
        int lost;
        int lostExpendable;
        int returned;
        int silent;
        int missing;
        int repeated;
        int hostsLost;
        int frozen;
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void everyRankEndsWithRightResultsOrNamesTheRankToBlame(long seed) {
        playRuns(seed);
    }

    static LongStream moreSeeds() {
        return LongStream.range(5, 50);
    }

    @Tag("long")
    @ParameterizedTest(name = "seed {0}")
    @MethodSource("moreSeeds")
    void soItIsInManyMoreRuns(long seed) {
        playRuns(seed);
    }

    private static void playRuns(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Tally tally = new Tally();
        for (int i = 0; i < RUNS_PER_SEED; i++) {
            long own = random.nextLong();
            try {
                new Run(own, tally).play();
            } catch (AssertionError e) {
                throw new AssertionError("run " + i + " of seed " + seed + ", own seed " + own, e);
            }
        }

        assertThat(tally.finished).as("processes that did all their work").isGreaterThan(RUNS_PER_SEED);
        assertThat(tally.reduced).as("all-reduces").isGreaterThan(5 * RUNS_PER_SEED);
        assertThat(tally.pushed).as("pushes").isGreaterThan(RUNS_PER_SEED);
        assertThat(tally.lost).as("runs that lost a rank").isGreaterThan(RUNS_PER_SEED / 40);
        assertThat(tally.lostExpendable).as("ranks that were spared").isGreaterThan(RUNS_PER_SEED / 40);
        assertThat(tally.returned).as("restarted ranks").isGreaterThan(RUNS_PER_SEED / 40);
        assertThat(tally.silent).as("connections that fell silent").isGreaterThan(RUNS_PER_SEED / 40);
        assertThat(tally.missing).as("runs that did not come about").isPositive();
        assertThat(tally.repeated).as("exchanges repeated for a restarted rank").isGreaterThan(RUNS_PER_SEED / 40);
        assertThat(tally.hostsLost).as("runs that lost the coordinator").isPositive();
        assertThat(tally.frozen).as("processes that were frozen").isGreaterThan(RUNS_PER_SEED / 40);
    }

    @Test
    void aSeedDeterminesTheRun() {
        for (long seed = 20_000; seed < 20_050; seed++) {
            long first = new Run(seed, new Tally()).play();
            long second = new Run(seed, new Tally()).play();

            assertThat(second).as("trace of seed " + seed).isEqualTo(first);
        }
    }

    /** One run, determined by its seed. */
    private static final class Run implements RunListener {

        private static final long SECOND = Duration.ofSeconds(1).toNanos();
        private static final long LONGEST = 400 * SECOND;

        /** Most that a healthy process needs to notice the end of the run: a computation, and two checks. */
        private static final long TO_NOTICE =
                SECOND + SimulatedTraining.LONGEST_COMPUTATION.toNanos() + 2 * 16 * SimulatedRun.PAUSE.toNanos();

        /** A freeze of a process that its peers must not take for a loss. */
        private static final long SHORT_FREEZE = 4 * SECOND;

        private static final long LONG_FREEZE = 40 * SECOND;

        private final SplittableRandom random;
        private final Tally tally;
        private final int worldSize;
        private final boolean hosted;
        private final double danger;
        private final SimulatedTime time;
        private final SimulatedRun run;
        private final SimulatedTraining training;

        private final SimulatedFaults faults;

        /**
         * What the coordinator has told its listener: which connections have left or are lost, which ranks are
         * expendable, how often a seat was taken.
         */
        private final Set<Long> gone = new HashSet<>();

        private final Set<Integer> spared = new HashSet<>();
        private final Map<Integer, Integer> joins = new HashMap<>();
        private final Map<SimulatedProcess, Set<Integer>> spokenOf = new HashMap<>();

        Run(long seed, Tally tally) {
            this.tally = tally;
            random = new SplittableRandom(seed);
            worldSize = 1 + random.nextInt(5);
            int reducers = 1 + random.nextInt(worldSize);
            int elements = random.nextInt(3) == 0 ? 1_400 + random.nextInt(3_000) : random.nextInt(300);
            hosted = random.nextInt(3) == 0;
            danger = random.nextInt(3) == 0 ? 0 : 0.5;
            time = new SimulatedTime(random.split());
            run = new SimulatedRun(time, random.split(), worldSize, hosted, this);
            training = new SimulatedTraining(time, worldSize, reducers, elements);
            faults = new SimulatedFaults(run, hosted);
            for (int rank = 0; rank < worldSize; rank++) {
                if (hosted && rank == 0) {
                    start(rank);
                } else if (random.nextDouble() < danger / 20) {
                    faults.neverStarted();
                } else {
                    int own = rank;
                    time.after(random.nextLong(5 * SECOND), () -> start(own));
                }
            }
        }

        /** Returns the trace. */
        long play() {
            try (time) {
                time.run(LONGEST, run::isOver);
            }
            for (SimulatedProcess process : run.processes()) {
                faults.check(process);
                tally.finished += process.isFinished() ? 1 : 0;
            }
            tally.reduced += training.reduced();
            tally.pushed += training.pushed();
            tally.repeated += training.repeated();
            return time.trace();
        }

        private SimulatedProcess start(int rank) {
            SimulatedProcess process = run.start(rank, this::live);
            if (random.nextInt(4) == 0) {
                process.stall();
            }
            boolean inDanger = training.isExpendable(rank) || (hosted && rank == 0);
            if (random.nextDouble() < (inDanger ? danger : danger / 3)) {
                time.after(random.nextLong(20 * SECOND), () -> happen(process));
            }
            return process;
        }

        private void live(SimulatedProcess self) {
            Membership membership = self.membership();
            Member own = self.member();
            for (int rank : spokenOf.getOrDefault(self, Set.of())) {
                assertThat(self.heard()).contains(new Message.Expendable(rank));
            }
            assertThat(membership.members().get(own.rank()))
                    .as("process in the seat of %s", self)
                    .isEqualTo(own);
            training.run(self);
            assertThat(membership.members().get(own.rank()))
                    .as("process in the seat of %s", self)
                    .isEqualTo(own);
        }

        // Faults.

        private void happen(SimulatedProcess process) {
            if (!process.isAlive()) {
                return;
            }
            int kind = random.nextInt(10);
            if (kind == 0) {
                freeze(process, random.nextLong(SHORT_FREEZE));
                return;
            }
            faults.happens(process, time.now());
            if (kind == 1) {
                long nanos = random.nextLong(LONG_FREEZE);
                faults.happens(process, time.now() + nanos);
                freeze(process, nanos);
            } else if (kind <= 3) {
                process.fallSilent();
                tally.silent++;
            } else if (kind == 4) {
                process.disconnect("its connection was reset");
            } else {
                die(process);
            }
        }

        private void freeze(SimulatedProcess process, long nanos) {
            tally.frozen++;
            process.freezeUntil(time.now() + nanos);
        }

        private void die(SimulatedProcess process) {
            boolean wasHealthy = process.isHealthy();
            boolean wasHost = hosted && process.member().rank() == 0;
            boolean known = process.isReady()
                    && run.hasCoordinator()
                    && !run.coordinator().isOver();
            process.kill();
            tally.hostsLost += wasHost ? 1 : 0;
            if (known && wasHealthy && !wasHost) {
                time.after(SECOND, () -> checkNoticed(process));
            }
            if (wasHost) {
                time.after(TO_NOTICE, () -> checkEnded("the end of the coordinator"));
            }
        }

        // What the coordinator reports.

        @Override
        public void lost(Member member, String reason) {
            faults.lost(member, reason);
            tally.lost++;
            gone.add(member.pid());
            time.after(TO_NOTICE, () -> checkEnded("the loss of " + member));
        }

        @Override
        public void joined(Member member) {
            joins.merge(member.rank(), 1, Integer::sum);
        }

        @Override
        public void left(Member member) {
            gone.add(member.pid());
        }

        @Override
        public void expendable(Member member) {
            spared.add(member.rank());
        }

        @Override
        public void failed(String reason) {
            faults.incomplete();
            tally.missing++;
        }

        @Override
        public void lostExpendable(Member member, String reason) {
            faults.spared(member, reason);
            tally.lostExpendable++;
            gone.add(member.pid());
            if (random.nextInt(4) > 0) {
                time.after(random.nextLong(5 * SECOND), () -> faults.restarted(start(member.rank())));
            }
        }

        @Override
        public void returned(Member member, int incarnation) {
            tally.returned++;
            assertThat(incarnation).isEqualTo(joins.get(member.rank()) - 1);
            spokenOf.put(run.processes().get((int) member.pid()), Set.copyOf(spared));
            time.after(SECOND, () -> checkReturned(member, incarnation));
        }

        // What must be true.

        /**
         * A second after a process has taken a lost rank's seat, all healthy processes know it, and that the rank is
         * there.
         */
        private void checkReturned(Member member, int incarnation) {
            if (!run.hasCoordinator() || run.coordinator().isOver() || gone.contains(member.pid())) {
                return;
            }
            for (SimulatedProcess other : run.processes()) {
                Membership membership = other.membership();
                boolean isMember = !membership.seats().isEmpty()
                        && !gone.contains(other.member().pid());
                if (isMember && other.isAlive() && other.isHealthy()) {
                    assertThat(membership.incarnation(member.rank()))
                            .as("what %s knows of %s", other, member)
                            .isEqualTo(incarnation);
                    assertThat(membership.hasLeft(member.rank()))
                            .as("%s misses %s", other, member)
                            .isFalse();
                }
            }
        }

        /** A second after a process was killed, the coordinator knows; if its host was frozen, after that. */
        private void checkNoticed(SimulatedProcess dead) {
            if (!run.hasCoordinator()) {
                return;
            }
            long awake = hosted ? run.processes().get(0).frozenUntil() + SECOND : 0;
            if (awake > time.now()) {
                time.after(awake - time.now(), () -> checkNoticed(dead));
                return;
            }
            assertThat(gone.contains(dead.member().pid()) || run.coordinator().isOver())
                    .as("the death of %s has been noticed", dead)
                    .isTrue();
        }

        /** A while after the end of a run, all processes that are healthy have ended. */
        private void checkEnded(String reason) {
            for (SimulatedProcess other : run.processes()) {
                boolean member =
                        run.coordinator().hasJoined((int) other.member().pid());
                boolean awake = other.frozenUntil() + TO_NOTICE <= time.now();
                assertThat(member && awake && other.isAlive() && other.isHealthy())
                        .as("%s has not noticed %s", other, reason)
                        .isFalse();
            }
        }
    }
}
