package io.gyre.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.session.Reached;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One run with seats in simulated time: the usher, in each generation a coordinator, and {@linkplain SeatedLife
 * processes}, over connections that delay, are cut and break. What each process has computed is compared with a fold
 * over the steps.
 */
final class SimulatedSeats implements Outbox, Usher.Venue, SeatListener {

    static final long MILLI = 1_000_000;
    static final long SECOND = 1000 * MILLI;
    static final long LONGEST_DELAY = 200 * MILLI;
    static final int CALLS = 2;

    private static final Duration JOIN_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration REPLACEMENT_TIMEOUT = Duration.ofSeconds(25);
    private static final Duration REPORT_TIMEOUT = Duration.ofSeconds(8);
    private static final long FAULTS_UNTIL = 9 * SECOND;

    /** Faults begin before {@link #FAULTS_UNTIL}, and are over some time after; then a run needs this long to end. */
    private static final long LONGEST = 300 * SECOND;

    /** A pause of the launcher is shorter. */
    private static final long LONGEST_FAULT = 8 * SECOND;

    /** What can happen to a run. */
    enum Fault {
        CRASH,
        RESTART,
        NEWCOMER,
        FREEZE,
        CUT,
        CUT_UP,
        CUT_DOWN,
        BREAK,
        BREAK_SEAT,
        HANG,
        FAIL,
        LAUNCHER_PAUSE
    }

    /** What has happened in many runs. */
    static final class Tally {
        final EnumMap<Fault, Integer> faults = new EnumMap<>(Fault.class);
        int runs;
        int finished;
        int endedEarly;
        int generations;
        int steps;
        int repeated;
        int adopted;
        int late;
        int verdicts;
        int cameAgain;
        int dismissed;
        int adjourned;

        void count(Fault fault) {
            faults.merge(fault, 1, Integer::sum);
        }

        /** What has happened in the runs of both. */
        static Tally sum(Tally a, Tally b) {
            Tally sum = new Tally();
            for (Tally each : List.of(a, b)) {
                each.faults.forEach((fault, times) -> sum.faults.merge(fault, times, Integer::sum));
                sum.runs += each.runs;
                sum.finished += each.finished;
                sum.endedEarly += each.endedEarly;
                sum.generations += each.generations;
                sum.steps += each.steps;
                sum.repeated += each.repeated;
                sum.adopted += each.adopted;
                sum.late += each.late;
                sum.verdicts += each.verdicts;
                sum.cameAgain += each.cameAgain;
                sum.dismissed += each.dismissed;
                sum.adjourned += each.adjourned;
            }
            return sum;
        }

        @Override
        public String toString() {
            return runs + " schedules, faults " + faults + "; " + generations + " generations, " + steps
                    + " steps applied, " + repeated + " repeated, " + adopted + " states adopted, " + late
                    + " steps applied after the next generation began, " + adjourned + " adjourned, " + verdicts
                    + " verdicts about silence, " + cameAgain + " came again, " + dismissed + " spares dismissed, "
                    + endedEarly + " runs ended for too few processes, " + finished + " processes finished";
        }
    }

    /** A place where events happen: a process, or the launcher. */
    static class Host {
        long frozenUntil;
        boolean dead;

        /** Until when nothing goes out, or comes in. */
        long cutOut;

        long cutIn;
    }

    private static final class Event implements Comparable<Event> {
        private long time;
        private final long number;
        private final @Nullable Host from;
        private final @Nullable Host at;
        private final Runnable action;

        /** Whether a message has reached its host, which may be frozen: a later cut does not hold it back. */
        private boolean arrived;

        Event(long time, long number, @Nullable Host from, @Nullable Host at, Runnable action) {
            this.time = time;
            this.number = number;
            this.from = from;
            this.at = at;
            this.action = action;
        }

        @Override
        public int compareTo(Event other) {
            int order = Long.compare(time, other.time);
            return order == 0 ? Long.compare(number, other.number) : order;
        }
    }

    /** A connection of a process to the usher, or to the coordinator of a generation. */
    final class Link {
        final int number = links.size();
        final SeatedLife process;
        private final Supervisor supervisor;
        private final Receiver receiver;
        private final boolean toUsher;
        private final int generation;
        private long lastUp;
        private long lastDown;

        /** Whether the supervisor has closed it, or been told of its end. */
        private boolean closed;

        /** Whether the process has closed it, or been told of its end. */
        private boolean ended;

        private Link(SeatedLife process, Supervisor supervisor, int generation, Receiver receiver) {
            this.process = process;
            this.supervisor = supervisor;
            this.generation = generation;
            this.receiver = receiver;
            toUsher = supervisor == usher;
        }

        boolean isOpen() {
            return !ended;
        }

        private boolean isServed() {
            return !launcherEnded && !closed && (toUsher || generation == room);
        }

        void up(Runnable action) {
            lastUp = Math.max(lastUp, now + delay());
            deliver(lastUp, process, launcher, action);
        }

        void down(Runnable action) {
            lastDown = Math.max(lastDown, now + delay());
            deliver(lastDown, launcher, process, action);
        }

        /** From the process. */
        void send(Message message) {
            if (ended) {
                return;
            }
            up(() -> {
                if (isServed()) {
                    process.isHeard(this, message);
                    supervisor.received(number, message);
                    afterLauncher();
                }
            });
        }

        /** The process closes it, or ends. */
        void end(String how) {
            if (!ended) {
                ended = true;
                up(() -> {
                    if (isServed()) {
                        closed = true;
                        supervisor.disconnected(number, how);
                        afterLauncher();
                    }
                });
            }
        }

        private void hangUp(String how) {
            closed = true;
            down(() -> {
                if (!ended) {
                    ended = true;
                    receiver.disconnected(how);
                }
            });
        }

        /** It breaks: both sides learn of it. */
        void snap() {
            if (!ended && !closed) {
                end("its connection was reset");
                receiver.disconnected("its connection was reset");
            }
        }
    }

    /** A process's end of a connection. */
    interface Receiver {
        void received(Message message);

        void disconnected(String how);
    }

    final SplittableRandom random;
    final Tally tally;
    final int seats;
    final int stepsOfCall;
    final long[] fold;
    final List<Integer> allSeats;
    final @Nullable List<String> trace;
    private final UsherPlan plan;
    private final Host launcher = new Host();
    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private final List<Link> links = new ArrayList<>();
    private final List<SeatedLife> processes = new ArrayList<>();

    /** The newest state with which each generation began, by generation; 0 is before the first. */
    private final List<Reached> begun = new ArrayList<>(List.of(Reached.NOTHING));

    /** Whether a process of the generation before takes part, by generation. */
    private final List<Boolean> continued = new ArrayList<>(List.of(false));

    private final Map<Integer, SeatedLife> byNumber = new HashMap<>();
    private final Usher usher;
    private @Nullable Coordinator coordinator;
    private int room;
    private int arrivals;
    private long sequence;
    long now = 1_000;
    private long lastTrouble;
    private long launcherStall;
    private boolean launcherEnded;
    private @Nullable String failure;

    SimulatedSeats(long seed, Tally tally, boolean tracing) {
        random = new SplittableRandom(seed);
        this.tally = tally;
        trace = tracing ? new ArrayList<>() : null;
        seats = 1 + random.nextInt(5);
        int processCount = 1 + random.nextInt(seats);
        int least = 1 + random.nextInt(random.nextBoolean() ? 1 : processCount);
        stepsOfCall = 2 + random.nextInt(5);
        allSeats = IntStream.range(0, seats).boxed().toList();
        fold = new long[CALLS * stepsOfCall + 1];
        for (int step = 0; step < fold.length - 1; step++) {
            long[] parts = new long[seats];
            for (int seat = 0; seat < seats; seat++) {
                parts[seat] = contribution(fold[step], seat, step);
            }
            fold[step + 1] = folded(fold[step], parts);
        }
        plan = new UsherPlan(
                seats,
                processCount,
                least,
                JOIN_TIMEOUT,
                REPLACEMENT_TIMEOUT,
                REPORT_TIMEOUT,
                SilenceLimits.within(Duration.ofMillis(1500 + random.nextInt(1500))));
        usher = new Usher(Played.RUN, plan, Played.HOST, this, this, this, now);
        note(plan);
        int first = random.nextInt(8) == 0 ? least : processCount + random.nextInt(3);
        for (int i = 0; i < first; i++) {
            at(now + random.nextLong(500 * MILLI), this::start);
        }
        plan();
        tick();
    }

    /** Everything that a seat adds in a step follows from the state before, the seat and the step. */
    static long contribution(long hash, int seat, long step) {
        return mix(hash ^ mix(31L * seat + 7 + (step << 20)));
    }

    static long folded(long hash, long[] parts) {
        long next = hash;
        for (long part : parts) {
            next = mix(next + part);
        }
        return next;
    }

    private static long mix(long value) {
        long z = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }

    void note(Object what) {
        if (trace != null) {
            trace.add(now / MILLI + " ms: " + what);
        }
    }

    // Time.

    private void add(long time, @Nullable Host from, @Nullable Host at, Runnable action) {
        events.add(new Event(time, sequence++, from, at, action));
    }

    private void at(long time, Runnable action) {
        add(time, null, null, action);
    }

    /** An action of a process, after a while. */
    void after(long delay, Host process, Runnable action) {
        add(now + delay, null, process, action);
    }

    private void deliver(long time, Host from, Host to, Runnable action) {
        add(time, from, to, action);
    }

    /** A message from one process to another. */
    void toPeer(Host from, Host to, Runnable action) {
        add(now + delay(), from, to, action);
    }

    long delay() {
        return random.nextInt(20) == 0 ? random.nextLong(LONGEST_DELAY) : random.nextLong(10 * MILLI);
    }

    void play() {
        while (!events.isEmpty() && now < LONGEST) {
            Event event = events.remove();
            Host host = event.at;
            if (host != null) {
                if (host.dead) {
                    continue;
                }
                long open = host.frozenUntil;
                if (event.from != null && !event.arrived) {
                    long cut = Math.max(event.from.cutOut, host.cutIn);
                    event.arrived = cut <= event.time;
                    open = Math.max(open, cut);
                }
                if (open > event.time) {
                    event.time = open;
                    events.add(event);
                    continue;
                }
            }
            now = event.time;
            event.action.run();
            if (launcherEnded && processes.stream().noneMatch(SeatedLife::isActive)) {
                return;
            }
        }
    }

    private void tick() {
        at(now + Coordinator.TICK.toNanos(), () -> {
            if (launcher.frozenUntil <= now && !launcherEnded) {
                usher.tick(now);
                if (coordinator != null) {
                    coordinator.tick(now);
                }
                afterLauncher();
            }
            for (int i = 0; i < processes.size(); i++) {
                SeatedLife process = processes.get(i);
                if (process.isActive() && process.frozenUntil <= now) {
                    process.tick();
                }
            }
            tick();
        });
    }

    // Faults.

    private void plan() {
        int count = random.nextInt(6);
        for (int i = 0; i < count; i++) {
            Fault fault = Fault.values()[random.nextInt(Fault.values().length)];
            at(now + random.nextLong(FAULTS_UNTIL), () -> befall(fault));
        }
        // Often several at once.
        if (count > 1 && random.nextInt(3) == 0) {
            long moment = now + random.nextLong(FAULTS_UNTIL);
            for (int i = 0; i < 2; i++) {
                Fault fault = random.nextBoolean() ? Fault.CRASH : Fault.RESTART;
                at(moment + random.nextLong(300 * MILLI), () -> befall(fault));
            }
        }
    }

    private void start() {
        SeatedLife process = new SeatedLife(this, processes.size());
        processes.add(process);
        process.start();
    }

    private @Nullable SeatedLife victim() {
        List<SeatedLife> active =
                processes.stream().filter(SeatedLife::isActive).toList();
        return active.isEmpty() ? null : active.get(random.nextInt(active.size()));
    }

    private void befall(Fault fault) {
        if (launcherEnded) {
            return;
        }
        long time = random.nextLong(random.nextBoolean() ? 2 * SECOND : LONGEST_FAULT);
        lastTrouble = Math.max(lastTrouble, now + time);
        if (fault == Fault.NEWCOMER) {
            tally.count(fault);
            note(fault);
            start();
            return;
        }
        if (fault == Fault.LAUNCHER_PAUSE) {
            tally.count(fault);
            note(fault + " " + time / MILLI + " ms");
            launcher.frozenUntil = Math.max(launcher.frozenUntil, now + time);
            launcherStall = launcher.frozenUntil;
            return;
        }
        SeatedLife process = victim();
        if (process == null) {
            return;
        }
        tally.count(fault);
        note(fault + " " + process + " " + time / MILLI + " ms");
        switch (fault) {
            case CRASH -> process.crash();
            case RESTART -> {
                process.crash();
                at(now + random.nextLong(3 * SECOND), this::start);
            }
            case FREEZE -> {
                process.silent(time);
                process.frozenUntil = Math.max(process.frozenUntil, now + time);
            }
            case CUT -> {
                process.silent(time);
                process.cutOut = Math.max(process.cutOut, now + time);
                process.cutIn = Math.max(process.cutIn, now + time);
            }
            case CUT_UP -> {
                process.silent(time);
                process.cutOut = Math.max(process.cutOut, now + time);
            }
            case CUT_DOWN -> process.cutIn = Math.max(process.cutIn, now + time);
            case BREAK -> process.breakLink();
            case BREAK_SEAT -> process.breakSeat();
            case HANG -> {
                process.hang();
                lastTrouble = Math.max(lastTrouble, now + 60 * SECOND);
            }
            case FAIL -> process.fail();
            default -> throw new AssertionError(fault);
        }
    }

    // The launcher.

    /** Connects a process to the usher, or to the coordinator of a generation. */
    Link connect(SeatedLife process, int generation, Receiver receiver) {
        Coordinator rendezvous = coordinator;
        Supervisor supervisor = generation == 0 || rendezvous == null ? usher : rendezvous;
        Link link = new Link(process, supervisor, generation, receiver);
        links.add(link);
        link.up(() -> {
            if (link.isServed()) {
                supervisor.connected(link.number);
            } else {
                link.hangUp("nobody listens there");
            }
        });
        return link;
    }

    private void afterLauncher() {
        if (usher.isOver() && !launcherEnded) {
            usher.refuseLatecomers(links.stream()
                    .filter(link -> link.toUsher && !link.closed)
                    .map(link -> link.number)
                    .toList());
            launcherEnded = true;
            note("the launcher ends");
            links.stream().filter(link -> !link.closed).forEach(link -> link.hangUp("the launcher has ended"));
        }
    }

    @Override
    public void send(int connection, Message message) {
        Link link = links.get(connection);
        if (!link.closed) {
            link.down(() -> {
                if (!link.ended) {
                    link.receiver.received(message);
                }
            });
        }
    }

    @Override
    public void close(int connection) {
        Link link = links.get(connection);
        if (!link.closed) {
            link.hangUp("its connection was closed");
        }
    }

    @Override
    public String open(int generation, int ranks) {
        for (Link link : links) {
            if (!link.toUsher && !link.closed) {
                link.hangUp("the rendezvous of the generation was closed");
            }
        }
        assertThat(generation).as("number of the generation").isEqualTo(room + 1);
        room = generation;
        coordinator = new Coordinator(
                Played.RUN,
                ranks,
                Played.HOST,
                Duration.ofSeconds(20),
                plan.limits(),
                this,
                RunListener.NONE,
                now,
                new SplittableRandom(0));
        return "room:" + generation;
    }

    @Override
    public void giveUp(Member lost, String reason) {
        if (coordinator != null) {
            coordinator.giveUp(lost, reason);
        }
    }

    // What must hold.

    SeatedLife holder(int number) {
        return byNumber.get(number);
    }

    /** Seats are given to one process each. */
    void checkHolder(SeatedLife process, Message.Convened convened) {
        assertThat(byNumber.get(convened.own()))
                .as("process %d", convened.own())
                .isSameAs(process);
        assertThat(convened.holders()).contains(convened.own());
    }

    @Override
    public void joined(String process, long pid) {
        SeatedLife joined = processes.get((int) pid);
        note(joined + " joins as " + arrivals);
        joined.joins(arrivals);
        byNumber.put(arrivals++, joined);
    }

    @Override
    public void lost(String process, long pid, List<Integer> held, int generation, Reached newest, String reason) {
        note("lost " + process + " with " + held + ": " + reason);
        SeatedLife lost = processes.get((int) pid);
        lost.loses();
        if (!process.startsWith("process " + lost.number + " ")) {
            // It has come again before the end of its former connection was noticed.
            return;
        }
        if (reason.startsWith("nothing was received")) {
            tally.verdicts++;
            lost.checkVerdict(plan.limits(), Math.max(launcherStall, 0));
        }
    }

    @Override
    public void convened(int generation, Seating seating, Reached newest, long behind) {
        note("generation " + generation + ": " + seating + " at " + newest);
        tally.generations++;
        assertThat(generation).isEqualTo(begun.size());
        assertThat(seating.size()).isEqualTo(seats);
        assertThat(seating.processes()).doesNotHaveDuplicates();
        assertThat(seating.processes().size()).isLessThanOrEqualTo(plan.processes());
        begun.add(newest);
        continued.add(seating.processes().stream()
                .anyMatch(number -> byNumber.get(number).wasConvenedIn(generation - 1)));
        boolean anyState = false;
        for (SeatedLife process : processes) {
            if (process.isMember()) {
                process.checkConvened(generation, newest);
                anyState |= process.hasReported && !process.reached.isNothing();
            }
        }
        assertThat(anyState && newest.isNothing())
                .as("a process holds a state, and generation %d begins without", generation)
                .isFalse();
        for (int number : seating.processes()) {
            SeatedLife holder = byNumber.get(number);
            assertThat(holder.isMember())
                    .as("%s has seats, and is not in the run", holder)
                    .isTrue();
            holder.convenedIn(generation);
        }
    }

    @Override
    public void left(String process, long pid) {
        note(process + " has left");
        processes.get((int) pid).leaves();
    }

    @Override
    public void failed(String reason) {
        note("failed: " + reason);
        failure = reason;
        assertThat(reason).contains(" are needed, and ");
        long healthy = processes.stream()
                .filter(each -> each.isHealthySince(now - 8 * SECOND))
                .count();
        assertThat(now < lastTrouble + 10 * SECOND || healthy < plan.leastProcesses())
                .as("%d healthy processes are there, and the run has ended: %s", healthy, reason)
                .isTrue();
    }

    /**
     * A process has applied step {@code step}. One of an older generation may still apply a step that others have
     * contributed to before they reported: the one with which the next generation begins, and no later one. Only if all
     * were given up, they may go on among themselves until they hear of it.
     */
    void applied(SeatedLife process, int generation, long step, long hash) {
        tally.steps++;
        assertThat(hash).as("state of %s after step %d", process, step).isEqualTo(fold[(int) step + 1]);
        if (generation < begun.size() - 1) {
            tally.late++;
            assertThat(continued.get(generation + 1) ? step : 0)
                    .as("a step of generation %d that %s applies after the next has begun", generation, process)
                    .isLessThanOrEqualTo(Math.max(0, begun.get(generation + 1).step()));
        }
    }

    void check() {
        tally.runs++;
        assertThat(launcherEnded).as("the run goes on for ever: %s", processes).isTrue();
        for (SeatedLife process : processes) {
            assertThat(process.isActive()).as("%s lives on", process).isFalse();
            process.checkEnd(failure);
        }
        boolean done = processes.stream().anyMatch(SeatedLife::hasFinished);
        assertThat(done || failure != null).as("somebody has done the work").isTrue();
        tally.endedEarly += failure == null ? 0 : 1;
    }
}
