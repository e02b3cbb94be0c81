package io.gyre.allreduce;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
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
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Plays whole runs in virtual time: the coordinator, the membership of every rank, and the collectives between them.
 * Processes are killed, frozen and restarted; connections stall, fall silent and break; links are cut. Each process must
 * end in time: with all results right to the bit, or with an exception that names the rank to blame.
 */
@Timeout(300)
class RunSimulationTest {

    private static final int RUNS_PER_SEED = 600;

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
        int timeouts;
        int hostsLost;
        int frozen;
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void everyRankEndsWithRightResultsOrNamesTheRankToBlame(long seed) {
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
        assertThat(tally.timeouts).as("ranks that gave up").isPositive();
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

        /** Most that a healthy process needs to notice the end of the run: the rest of a computation, and two checks. */
        private static final long TO_NOTICE = SECOND
                + SimulatedTraining.LONGEST_COMPUTATION.toNanos()
                + 2 * 16 * SimulatedRun.PAUSE.toNanos();

        /** A freeze of a process that its peers must not take for a loss. */
        private static final long SHORT_FREEZE = 4 * SECOND;

        private final SplittableRandom random;
        private final Tally tally;
        private final int worldSize;
        private final boolean hosted;
        private final double danger;
        private final SimulatedTime time;
        private final SimulatedRun run;
        private final SimulatedTraining training;

        /** The ranks that may be blamed. */
        private final Set<Integer> suspects = new HashSet<>();

        /** Whether something happened after which the run may fail. */
        private boolean endangered;

        /** The ranks that get no more data from a peer. */
        private final Set<Integer> cut = new HashSet<>();

        /**
         * What the coordinator has told its listener: which connections have left or are lost, which ranks are
         * expendable, how often a seat was taken.
         */
        private final Set<Long> gone = new HashSet<>();

        private final Set<Integer> spared = new HashSet<>();
        private final Map<Integer, Integer> joins = new HashMap<>();
        private final Map<SimulatedProcess, Set<Integer>> spokenOf = new HashMap<>();
        private @Nullable Member lost;

        Run(long seed, Tally tally) {
            this.tally = tally;
            random = new SplittableRandom(seed);
            worldSize = 1 + random.nextInt(5);
            int reducers = 1 + random.nextInt(worldSize);
            int elements = random.nextInt(3) == 0 ? 1_400 + random.nextInt(3_000) : random.nextInt(300);
            hosted = random.nextInt(4) == 0;
            danger = random.nextInt(3) == 0 ? 0 : 0.5;
            time = new SimulatedTime(random.split());
            run = new SimulatedRun(time, random.split(), worldSize, hosted, this);
            training = new SimulatedTraining(time, worldSize, reducers, elements);
            for (int rank = 0; rank < worldSize; rank++) {
                if (hosted && rank == 0) {
                    start(rank);
                } else if (random.nextDouble() < danger / 20) {
                    endangered = true;
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
                for (SimulatedProcess process : run.processes()) {
                    check(process);
                }
            }
            tally.reduced += training.reduced();
            tally.pushed += training.pushed();
            tally.repeated += training.repeated();
            tally.lost += lost == null ? 0 : 1;
            return time.trace();
        }

        private void start(int rank) {
            SimulatedProcess process = run.start(rank, this::live);
            if (random.nextInt(4) == 0) {
                process.stall();
            }
            if (random.nextDouble() < (training.isExpendable(rank) ? danger : danger / 3)) {
                time.after(random.nextLong(20 * SECOND), () -> happen(process));
            }
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

        // Accidents.

        private void happen(SimulatedProcess process) {
            if (!process.isAlive()) {
                return;
            }
            int kind = random.nextInt(10);
            if (kind == 0) {
                tally.frozen++;
                process.freezeUntil(time.now() + random.nextLong(SHORT_FREEZE));
                return;
            }
            endangered = true;
            suspects.add(process.member().rank());
            if (kind == 1) {
                tally.frozen++;
                process.freezeUntil(time.now() + random.nextLong(40 * SECOND));
            } else if (kind <= 3) {
                process.fallSilent();
                tally.silent++;
            } else if (kind == 4) {
                process.disconnect("its connection was reset");
            } else if (kind == 5) {
                cutLink(process);
            } else {
                die(process);
            }
        }

        /** Cuts the link to the rank that waits for the data of this one. */
        private void cutLink(SimulatedProcess from) {
            int reader = training.readerOf(from.member().rank());
            for (SimulatedProcess to : run.processes()) {
                if (to != from && to.isAlive() && to.member().rank() == reader) {
                    run.cut(from, to);
                    cut.add(reader);
                }
            }
        }

        private void die(SimulatedProcess process) {
            boolean wasHealthy = process.isHealthy();
            boolean wasHost = hosted && process.member().rank() == 0;
            boolean known = process.isReady() && run.hasCoordinator() && !run.coordinator().isOver();
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
            assertThat(lost).as("a second loss").isNull();
            lost = member;
            gone.add(member.pid());
            boolean hostInDoubt = hosted && suspects.contains(0);
            if (!suspects.contains(member.rank()) && !hostInDoubt) {
                assertThat(reason)
                        .as("why %s, which nothing happened to, was lost", member)
                        .startsWith("it failed: rank " + member.rank() + " gave up after ");
            }
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
            tally.missing++;
        }

        @Override
        public void lostExpendable(Member member, String reason) {
            tally.lostExpendable++;
            gone.add(member.pid());
            if (random.nextInt(4) > 0) {
                time.after(random.nextLong(5 * SECOND), () -> start(member.rank()));
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
                if (other.isAlive() && other.isHealthy() && !membership.seats().isEmpty()) {
                    assertThat(membership.incarnation(member.rank())).isEqualTo(incarnation);
                    assertThat(membership.hasLeft(member.rank()))
                            .as("%s misses %s", other, member)
                            .isFalse();
                }
            }
        }

        /** A second after a process was killed, the coordinator knows. */
        private void checkNoticed(SimulatedProcess dead) {
            boolean awake = !hosted || run.processes().get(0).frozenUntil() + SECOND <= time.now();
            if (run.hasCoordinator() && awake) {
                assertThat(gone.contains(dead.member().pid()) || run.coordinator().isOver())
                        .as("the death of %s has been noticed", dead)
                        .isTrue();
            }
        }

        /** A while after the end of a run, all processes that are healthy have ended. */
        private void checkEnded(String reason) {
            for (SimulatedProcess other : run.processes()) {
                boolean member = run.coordinator().hasJoined((int) other.member().pid());
                boolean awake = other.frozenUntil() + TO_NOTICE <= time.now();
                assertThat(member && awake && other.isAlive() && other.isHealthy())
                        .as("%s has not noticed %s", other, reason)
                        .isFalse();
            }
        }

        private void check(SimulatedProcess process) {
            assertThat(process.isAlive()).as("%s lives on", process).isFalse();
            tally.finished += process.isFinished() ? 1 : 0;
            GyreException failure = process.failure();
            if (!endangered) {
                assertThat(failure).as("failure of %s in a run without danger", process).isNull();
                assertThat(process.isFinished()).isTrue();
            }
            if (failure instanceof PeerTimeoutException timeout) {
                tally.timeouts++;
                assertThat(endangered).as("%s: %s", process, timeout.getMessage()).isTrue();
            } else if (failure instanceof PeerLostException loss) {
                checkBlame(process, loss);
            }
        }

        /**
         * All blame the process that the coordinator has lost, or the host of the coordinator. An expendable rank may
         * find that others have finished meanwhile without it.
         */
        private void checkBlame(SimulatedProcess process, PeerLostException loss) {
            Member verdict = lost;
            boolean ofCoordinator = verdict != null && verdict.equals(loss.peer());
            boolean ofHost = hosted && loss.rank() == 0 && !run.processes().get(0).isFinished();
            boolean ofOwn = hosted && loss.rank() == 0 && suspects.contains(process.member().rank());
            boolean tooLate = training.isExpendable(process.member().rank())
                    && loss.getMessage().contains(PeerLostException.LEFT)
                    && run.process(loss.peer()).isFinished();
            assertThat(ofCoordinator || ofHost || ofOwn || tooLate)
                    .as("%s blames %s, lost is %s: %s", process, loss.peer(), verdict, loss.getMessage())
                    .isTrue();
        }
    }
}
