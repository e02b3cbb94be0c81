package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.membership.Message.Join;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Plays whole runs: the coordinator and the client of every rank, over connections that delay, stall, fall silent and
 * break, with processes that are lost and restarted, by a clock that the simulation advances. Checks that all see the
 * same run, and that each process ends: with its work done, or with a reason.
 */
class MembershipSimulationTest {

    private static final int RUNS_PER_SEED = 150;

    static LongStream seeds() {
        return LongStream.range(0, 10);
    }

    /** What happened in all runs: one in which nothing happens would satisfy anything. */
    private static final class Tally {
        int finished;
        int lost;
        int lostExpendable;
        int returned;
        int silent;
        int missing;
        int repeated;
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void allProcessesSeeTheSameRunAndEnd(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Tally tally = new Tally();
        for (int i = 0; i < RUNS_PER_SEED; i++) {
            Run run = new Run(random.split(), tally);
            run.play();
            run.check();
        }

        assertThat(tally.finished).as("processes that did all their work").isGreaterThan(RUNS_PER_SEED);
        assertThat(tally.lost).as("runs that lost a rank").isGreaterThan(RUNS_PER_SEED / 20);
        assertThat(tally.lostExpendable).as("ranks that were spared").isGreaterThan(RUNS_PER_SEED / 20);
        assertThat(tally.returned).as("restarted ranks").isGreaterThan(RUNS_PER_SEED / 20);
        assertThat(tally.silent).as("connections that fell silent").isGreaterThan(RUNS_PER_SEED / 30);
        assertThat(tally.missing).as("runs that did not come about").isPositive();
        assertThat(tally.repeated).as("exchanges repeated for a restarted rank").isGreaterThan(RUNS_PER_SEED / 20);
    }

    /** State of a process's connection. */
    private enum Health {
        GOOD,
        STALLING,
        SILENT
    }

    private enum Phase {
        GREETING,
        JOINING,
        BECOMING_EXPENDABLE,
        COMPUTING,
        EXCHANGING,
        LEAVING,
        FINISHED,
        FAILED,
        DEAD
    }

    /** One run, from its first connection to the end of the last process. */
    private static final class Run implements Outbox, RunListener {

        private static final int ROUNDS = 6;
        private static final long SECOND = Duration.ofSeconds(1).toNanos();
        private static final long MILLI = SECOND / 1000;
        private static final long LONGEST = 300 * SECOND;

        private final SplittableRandom random;
        private final Tally tally;
        private final int worldSize;
        private final int expendable;
        private final double danger;
        private final Coordinator coordinator;
        private final PriorityQueue<Event> events = new PriorityQueue<>();
        private final List<Life> processes = new ArrayList<>();
        private final Set<Integer> closed = new HashSet<>();

        /** By exchange and rank: the values that those that took part got. */
        private final Map<Integer, TreeMap<Integer, String>> given = new HashMap<>();

        /** What a rank has found as its own value, by round and rank. */
        private final Map<List<Integer>, String> found = new HashMap<>();

        private final Set<String> verdicts = new HashSet<>();

        /**
         * What the coordinator has told its listener: which connections have left or are lost, which ranks are
         * expendable, how often a seat was taken.
         */
        private final Set<Long> gone = new HashSet<>();

        private final Set<Integer> spared = new HashSet<>();
        private final Map<Integer, Integer> joins = new HashMap<>();
        private long now = 1_000;
        private long sequence;
        private @Nullable Member lost;
        private boolean missing;

        private record Event(long time, long number, Runnable action) implements Comparable<Event> {
            @Override
            public int compareTo(Event other) {
                int order = Long.compare(time, other.time);
                return order == 0 ? Long.compare(number, other.number) : order;
            }
        }

        Run(SplittableRandom random, Tally tally) {
            this.random = random;
            this.tally = tally;
            worldSize = 1 + random.nextInt(5);
            expendable = random.nextInt(worldSize);
            danger = random.nextInt(3) == 0 ? 0 : 0.5;
            coordinator = new Coordinator(
                    Played.RUN,
                    worldSize,
                    Played.HOST,
                    Played.JOIN_TIMEOUT,
                    SilenceLimits.DEFAULT,
                    this,
                    this,
                    now,
                    new SplittableRandom(1));
            for (int rank = 0; rank < worldSize; rank++) {
                if (random.nextDouble() >= danger / 20) {
                    int own = rank;
                    after(random.nextLong(5 * SECOND), () -> start(own));
                }
            }
            every(() -> coordinator.tick(now), () -> false);
        }

        private void after(long delay, Runnable action) {
            events.add(new Event(now + delay, sequence++, action));
        }

        private void every(Runnable action, BooleanSupplier done) {
            after(Coordinator.TICK.toNanos(), () -> {
                if (!done.getAsBoolean()) {
                    action.run();
                    every(action, done);
                }
            });
        }

        private void start(int rank) {
            Life process = new Life(rank, processes.size());
            processes.add(process);
            process.start();
        }

        void play() {
            while (!events.isEmpty() && now < LONGEST) {
                Event event = events.remove();
                now = event.time();
                event.action().run();
                if (coordinator.isOver() && processes.stream().noneMatch(Life::isAlive)) {
                    return;
                }
            }
        }

        void check() {
            for (Life process : processes) {
                assertThat(process.isAlive())
                        .as("%s lives on in %s", process, process.phase)
                        .isFalse();
            }
            assertThat(verdicts).as("different verdicts").hasSizeLessThan(2);
            if (danger == 0) {
                assertThat(processes)
                        .as("processes of a run without danger")
                        .allMatch(process -> process.phase == Phase.FINISHED);
            }
            tally.lost += lost == null ? 0 : 1;
            tally.missing += missing ? 1 : 0;
            for (Life process : processes) {
                tally.finished += process.phase == Phase.FINISHED ? 1 : 0;
                tally.silent += process.health == Health.SILENT ? 1 : 0;
            }
        }

        @Override
        public void send(int connection, Message message) {
            Life receiver = processes.get(connection);
            receiver.down.send(() -> receiver.received(message));
        }

        @Override
        public void close(int connection) {
            closed.add(connection);
            Life receiver = processes.get(connection);
            receiver.down.send(receiver::hungUp);
        }

        @Override
        public void lost(Member member, String reason) {
            assertThat(lost).as("a second loss").isNull();
            lost = member;
            gone.add(member.pid());
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
            missing = true;
        }

        @Override
        public void lostExpendable(Member member, String reason) {
            tally.lostExpendable++;
            gone.add(member.pid());
            if (random.nextInt(4) > 0) {
                after(random.nextLong(5 * SECOND), () -> start(member.rank()));
            }
        }

        @Override
        public void returned(Member member, int incarnation) {
            tally.returned++;
            assertThat(incarnation).isEqualTo(joins.get(member.rank()) - 1);
            processes.get((int) member.pid()).toldExpendable = Set.copyOf(spared);
            after(SECOND, () -> checkReturned(member, incarnation));
        }

        /**
         * A second after a process has taken a lost rank's seat, all healthy processes know it, and that the rank is
         * there.
         */
        private void checkReturned(Member member, int incarnation) {
            if (coordinator.isOver() || gone.contains(member.pid())) {
                return;
            }
            for (Life other : processes) {
                RunView view = other.client.view();
                if (other.isAlive() && other.health == Health.GOOD && view.isComplete()) {
                    assertThat(view.seats().get(member.rank()).incarnation()).isEqualTo(incarnation);
                    assertThat(view.hasLeft(member.rank()))
                            .as("%s misses %s", other, member)
                            .isFalse();
                }
            }
        }

        /**
         * One direction of a connection: keeps the order, and loses what is in flight when the connection falls silent.
         */
        private final class Line {
            private final Life process;
            private long lastArrival;

            Line(Life process) {
                this.process = process;
            }

            void send(Runnable delivery) {
                long delay = random.nextLong(100 * MILLI);
                if (process.health == Health.STALLING && random.nextInt(50) == 0) {
                    // A heartbeat and its answer may both be held up, for less than makes a process lost.
                    delay = random.nextLong(6 * SECOND);
                }
                lastArrival = Math.max(lastArrival, now + delay);
                after(lastArrival - now, () -> {
                    if (process.health != Health.SILENT) {
                        delivery.run();
                    }
                });
            }
        }

        /** One process: the client, and a program that makes the calls of every rank. */
        private final class Life implements Uplink {
            private final int rank;
            private final int connection;
            private final CoordinatorClient client;
            private final Line up = new Line(this);
            private final Line down = new Line(this);
            private Health health = random.nextInt(4) == 0 ? Health.STALLING : Health.GOOD;
            private Phase phase = Phase.GREETING;
            private int round;
            private boolean isReady;
            private int incarnation;
            private Set<Integer> toldExpendable = Set.of();

            Life(int rank, int connection) {
                this.rank = rank;
                this.connection = connection;
                client = new CoordinatorClient(rank, "the simulation", this, new MemberListener() {}, now);
            }

            void start() {
                after(0, () -> coordinator.connected(connection));
                every(this::tick, () -> !isAlive());
                after(15 * SECOND, this::giveUpWithoutGreeting);
                if (random.nextDouble() < (rank < expendable ? danger : danger / 4)) {
                    Runnable accident = random.nextInt(4) == 0 ? this::fallSilent : this::die;
                    after(random.nextLong(20 * SECOND), accident);
                }
            }

            boolean isAlive() {
                return phase.compareTo(Phase.FINISHED) < 0;
            }

            @Override
            public void send(Message message) {
                up.send(() -> {
                    if (!closed.contains(connection)) {
                        coordinator.received(connection, message);
                    }
                });
            }

            void received(Message message) {
                if (isAlive()) {
                    client.received(message);
                    act();
                }
            }

            void hungUp() {
                if (isAlive()) {
                    client.disconnected("its connection was closed");
                    act();
                }
            }

            private void tick() {
                client.tick(now);
                act();
            }

            private void giveUpWithoutGreeting() {
                if (phase == Phase.GREETING) {
                    end(Phase.FAILED);
                }
            }

            private void fallSilent() {
                health = Health.SILENT;
            }

            private void die() {
                if (isAlive()) {
                    boolean known = coordinator.hasJoined(connection) && !coordinator.isOver();
                    end(Phase.DEAD);
                    if (known && health == Health.GOOD) {
                        after(SECOND, this::checkNoticed);
                    }
                }
            }

            private void end(Phase how) {
                phase = how;
                client.close();
                up.send(() -> {
                    if (!closed.contains(connection)) {
                        coordinator.disconnected(connection, "its process has ended");
                    }
                });
            }

            /**
             * A second after this process was lost, the coordinator knows, and so do all healthy processes if the run
             * has ended with it.
             */
            private void checkNoticed() {
                assertThat(gone.contains((long) connection) || !isReady || coordinator.isOver())
                        .as("the death of %s has been noticed", this)
                        .isTrue();
                Member dead = lost;
                if (dead == null || dead.pid() != connection) {
                    return;
                }
                for (Life other : processes) {
                    if (other.health == Health.GOOD && coordinator.hasJoined(other.connection)) {
                        assertThat(other.isAlive())
                                .as("%s has not noticed", other)
                                .isFalse();
                    }
                }
            }

            /** Runs the program's next action, as far as it can. */
            private void act() {
                RunView view = client.view();
                Ending ending = view.ending();
                if (ending != null) {
                    note(ending);
                    end(Phase.FAILED);
                    return;
                }
                checkView(view);
                switch (phase) {
                    case GREETING -> {
                        if (client.welcome() != null) {
                            phase = Phase.JOINING;
                            client.join(new Join(
                                    Message.PROTOCOL_VERSION,
                                    worldSize,
                                    new Member(rank, "host" + rank, connection),
                                    Map.of()));
                            after(random.nextLong(2 * SECOND), this::beReady);
                        }
                    }
                    case JOINING -> {
                        if (view.isComplete()) {
                            begin();
                        }
                    }
                    case BECOMING_EXPENDABLE -> {
                        if (view.expendable().contains(rank)) {
                            compute();
                        }
                    }
                    case EXCHANGING -> {
                        List<byte[]> values = client.values();
                        if (values != null) {
                            check(values);
                            round++;
                            compute();
                        }
                    }
                    case LEAVING -> {
                        if (view.hasLeft(rank) || client.isDetached()) {
                            end(Phase.FINISHED);
                        }
                    }
                    default -> {}
                }
            }

            private void beReady() {
                if (isAlive()) {
                    isReady = true;
                    client.ready(Map.of("at", "address" + connection));
                }
            }

            private void begin() {
                assertThat(client.view().expendable()).containsAll(toldExpendable);
                if (rank < expendable) {
                    phase = Phase.BECOMING_EXPENDABLE;
                    client.beExpendable();
                } else {
                    compute();
                }
            }

            private void compute() {
                phase = Phase.COMPUTING;
                after(random.nextLong(2 * SECOND), this::computed);
            }

            private void computed() {
                if (!isAlive()) {
                    return;
                }
                if (round < ROUNDS) {
                    phase = Phase.EXCHANGING;
                    List<Integer> everybody =
                            IntStream.range(0, worldSize).boxed().toList();
                    client.offer(everybody, "round " + round, value().getBytes(StandardCharsets.UTF_8));
                } else {
                    phase = Phase.LEAVING;
                    client.leave(Collections.nCopies(worldSize, (long) connection), "round " + round);
                }
            }

            private String value() {
                return "rank " + rank + " in process " + connection;
            }

            /**
             * All get the same values, except a restarted worker, which finds its own value where its seat was empty.
             */
            private void check(List<byte[]> values) {
                TreeMap<Integer, String> known = given.computeIfAbsent(round, key -> new TreeMap<>());
                for (int of = 0; of < worldSize; of++) {
                    String value = new String(values.get(of), StandardCharsets.UTF_8);
                    // A restarted worker may hear of a round before those that have held it without its seat.
                    boolean own = of == rank && value.equals(value());
                    String before = own ? known.get(of) : known.putIfAbsent(of, value);
                    if (own) {
                        found.put(List.of(round, of), value);
                        assertThat(before == null || before.isEmpty() || before.equals(value))
                                .as("%s in round %d: its own, %s, the others %s", this, round, value, before)
                                .isTrue();
                    } else {
                        String ofThatRank = found.get(List.of(round, of));
                        assertThat(before == null || before.equals(value))
                                .as("%s in round %d: %s, before %s", this, round, value, before)
                                .isTrue();
                        assertThat(ofThatRank == null || value.isEmpty() || value.equals(ofThatRank))
                                .as("%s in round %d: %s, that rank itself %s", this, round, value, ofThatRank)
                                .isTrue();
                    }
                    tally.repeated += of == rank && !value.equals(value()) ? 1 : 0;
                    assertThat(value.isEmpty() && of >= expendable)
                            .as("an empty value of rank %d", of)
                            .isFalse();
                }
            }

            private void checkView(RunView view) {
                if (view.isComplete()) {
                    Seat own = view.seats().get(rank);
                    assertThat(own.member().pid())
                            .as("process in the seat of %s", this)
                            .isEqualTo(connection);
                    assertThat(own.incarnation()).isGreaterThanOrEqualTo(incarnation);
                    incarnation = own.incarnation();
                }
            }

            private void note(Ending ending) {
                if (ending.asException(0, "the run") instanceof PeerLostException verdict) {
                    verdicts.add(String.valueOf(verdict.getMessage()));
                }
            }

            @Override
            public String toString() {
                return "process " + connection + " of rank " + rank;
            }
        }
    }
}
