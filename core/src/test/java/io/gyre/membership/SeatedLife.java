package io.gyre.membership;

import static io.gyre.membership.SimulatedSeats.MILLI;
import static io.gyre.membership.SimulatedSeats.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.membership.Message.Convened;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.SimulatedSeats.Link;
import io.gyre.membership.SimulatedSeats.Receiver;
import io.gyre.network.Time;
import io.gyre.session.Reached;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A process of {@link SimulatedSeats}: a real {@link Attendance}, for each of its seats a real client of the
 * generation's coordinator, and a model of a program. In a step, every seat sends its contribution to every other
 * process; a process applies the step when it has those of all seats.
 */
final class SeatedLife extends SimulatedSeats.Host implements Time {

    private static final long PEER_TIMEOUT = 6 * SECOND;

    private enum Stage {
        AWAY,
        GREETING,
        WAITING,
        JOINING,
        COMPARING,
        ADOPTING,
        STEPPING,
        LEAVING,
        FINISHED,
        FAILED
    }

    private final SimulatedSeats run;
    private final int pid;
    private Attendance attendance;
    private Link link;
    private Stage stage = Stage.GREETING;
    private boolean greeted;
    private boolean hung;
    private @Nullable Part part;
    private String end = "";

    /** How far it has come, and the hash of its state. */
    Reached reached = Reached.NOTHING;

    private long hash;

    /** Whether the usher counts it. */
    private int memberships;

    /** Its number at the usher; another when it comes again. */
    int number;

    /** Whether the usher has received its report, and it has no seats since. */
    boolean hasReported;

    private int convenedIn;
    private long lastComputed = -1;
    private long silentSince;
    private long silentUntil;

    /** When the last silence began: there may have been a short word since the first. */
    private long lastSilentSince;

    /** When something of it arrived, which may have been under way for long. */
    private long lastHeard;

    SeatedLife(SimulatedSeats run, int pid) {
        this.run = run;
        this.pid = pid;
    }

    @Override
    public String toString() {
        return "process " + pid + " (" + stage + ", " + reached + ")";
    }

    // Time.

    @Override
    public long now() {
        return run.now;
    }

    @Override
    public void await(Object monitor, long nanos) {
        throw new AssertionError("a process of the simulation waits");
    }

    @Override
    public void signal(Object monitor) {}

    // Its part in a generation.

    private final class Seated implements Uplink, Receiver {
        final CoordinatorClient client;
        final Link link;
        private final Part of;
        private final int seat;

        Seated(Part of, int seat) {
            this.of = of;
            this.seat = seat;
            client = new CoordinatorClient(seat, "the simulation", this, new MemberListener() {}, run.now);
            link = run.connect(SeatedLife.this, of.convened.generation(), this);
        }

        @Override
        public void send(Message message) {
            link.send(message);
        }

        @Override
        public void received(Message message) {
            client.received(message);
            if (message instanceof Welcome) {
                client.join(
                        new Join(Message.PROTOCOL_VERSION, run.seats, new Member(seat, "host" + pid, pid), Map.of()));
                client.ready(Map.of());
            }
            of.turn();
        }

        @Override
        public void disconnected(String how) {
            client.disconnected(how);
            of.turn();
        }
    }

    /** What the seats of a process send to another in a step. */
    private record Contribution(long step, int seat, long value, boolean adjourned) {}

    private final class Part {
        final Convened convened;
        final List<Integer> own;
        final List<Seated> seats = new ArrayList<>();
        private final Map<Long, @Nullable Contribution[]> contributions = new HashMap<>();
        private List<SeatedLife> others = List.of();
        private @Nullable Reached adopted;
        private long adoptedHash;
        private boolean computed;
        private boolean noticing;
        private boolean done;
        private long since = run.now;
        private int repeated;

        Part(Convened convened) {
            this.convened = convened;
            Seating seating = new Seating(convened.holders());
            own = seating.seatsOf(convened.own());
            others = seating.processes().stream()
                    .filter(number -> number != convened.own())
                    .map(run::holder)
                    .toList();
        }

        void begin() {
            own.forEach(seat -> seats.add(new Seated(this, seat)));
        }

        private boolean isPresent() {
            return part == this;
        }

        /** Goes on as far as it can. */
        void turn() {
            if (!isPresent() || hung) {
                return;
            }
            if (stage == Stage.LEAVING) {
                leaveIfOthersHave();
                return;
            }
            if (hasEnded()) {
                if (!noticing) {
                    noticing = true;
                    run.after(run.random.nextLong(150 * MILLI), SeatedLife.this, () -> {
                        if (isPresent() && !hung) {
                            regroup();
                        }
                    });
                }
                if (stage != Stage.STEPPING) {
                    return;
                }
            }
            if (stage == Stage.JOINING
                    && seats.stream().allMatch(each -> each.client.view().isComplete())) {
                stage = Stage.COMPARING;
                since = run.now;
                byte[] value = ByteBuffer.allocate(12)
                        .putInt(reached.calls())
                        .putLong(reached.step())
                        .array();
                seats.forEach(each -> each.client.offer(run.allSeats, "begin", value));
            }
            if (stage == Stage.COMPARING && seats.stream().allMatch(each -> each.client.values() != null)) {
                compare(seats.get(0).client.values());
            }
            if (stage == Stage.ADOPTING && adopted != null) {
                adopt(adopted, adoptedHash);
                step();
            }
            if (stage == Stage.STEPPING) {
                applyIfComplete();
            }
        }

        private boolean hasEnded() {
            return seats.stream().anyMatch(each -> !each.client.view().isWhole(run.allSeats));
        }

        private void compare(List<byte[]> values) {
            since = run.now;
            if (convened.source() == Message.NO_RANK) {
                for (byte[] value : values) {
                    assertThat(ByteBuffer.wrap(value).getInt())
                            .as("calls, and no source")
                            .isNegative();
                }
                adopt(new Reached(0, 0), run.fold[0]);
                step();
                return;
            }
            boolean transfer = values.stream()
                    .anyMatch(value -> !ByteBuffer.wrap(value).equals(ByteBuffer.wrap(values.get(convened.source()))));
            if (own.contains(convened.source())) {
                assertThat(reached.isNothing()).as("%s is the source", this).isFalse();
                if (transfer) {
                    Reached given = reached;
                    long givenHash = hash;
                    others.forEach(other -> run.toPeer(
                            SeatedLife.this, other, () -> other.state(convened.generation(), given, givenHash)));
                }
                step();
            } else if (transfer) {
                stage = Stage.ADOPTING;
            } else {
                step();
            }
        }

        private void adopt(Reached newest, long newestHash) {
            assertThat(newest).as("what %s is given", SeatedLife.this).isGreaterThanOrEqualTo(reached);
            assertThat(newestHash).isEqualTo(run.fold[(int) newest.step()]);
            run.tally.adopted += newest.equals(reached) ? 0 : 1;
            reached = newest;
            hash = newestHash;
        }

        /** Computes the next step, or ends. */
        private void step() {
            stage = Stage.STEPPING;
            since = run.now;
            computed = false;
            if (reached.calls() == SimulatedSeats.CALLS) {
                done = true;
                leave();
                return;
            }
            run.after(1 + run.random.nextLong(600 * MILLI), SeatedLife.this, () -> {
                if (isPresent() && !hung) {
                    contribute();
                }
            });
        }

        private void contribute() {
            long step = reached.step();
            assertThat(step).as("step that %s computes", SeatedLife.this).isGreaterThanOrEqualTo(lastComputed);
            if (step == lastComputed) {
                run.tally.repeated++;
                assertThat(++repeated).as("steps repeated in a generation").isEqualTo(1);
            }
            lastComputed = step;
            computed = true;
            boolean adjourned = attendance.isAdjourned(convened.generation());
            for (int seat : own) {
                Contribution contribution =
                        new Contribution(step, seat, SimulatedSeats.contribution(hash, seat, step), adjourned);
                take(contribution);
                others.forEach(other -> run.toPeer(
                        SeatedLife.this, other, () -> other.contribution(convened.generation(), contribution)));
            }
            applyIfComplete();
        }

        void take(Contribution contribution) {
            contributions.computeIfAbsent(contribution.step, key -> new Contribution[run.seats])[contribution.seat] =
                    contribution;
        }

        private void applyIfComplete() {
            @Nullable Contribution[] all = contributions.get(reached.step());
            if (!computed || all == null) {
                return;
            }
            long[] parts = new long[run.seats];
            boolean adjourned = false;
            for (int seat = 0; seat < parts.length; seat++) {
                Contribution each = all[seat];
                if (each == null) {
                    return;
                }
                parts[seat] = each.value;
                adjourned |= each.adjourned;
            }
            long step = reached.step();
            hash = SimulatedSeats.folded(hash, parts);
            int calls = (step + 1) % run.stepsOfCall == 0 ? reached.calls() + 1 : reached.calls();
            reached = new Reached(calls, step + 1);
            run.applied(SeatedLife.this, convened.generation(), step, hash);
            if (adjourned && reached.calls() < SimulatedSeats.CALLS) {
                run.tally.adjourned++;
                leave();
            } else {
                step();
            }
        }

        private void leave() {
            stage = Stage.LEAVING;
            since = run.now;
            seats.forEach(each -> each.client.leave(Collections.nCopies(run.seats, 0L), ""));
            leaveIfOthersHave();
        }

        private void leaveIfOthersHave() {
            boolean alone = seats.stream()
                    .allMatch(each -> each.client.view().ending() != null
                            || each.client.isDetached()
                            || run.allSeats.stream().allMatch(each.client.view()::hasLeft));
            if (alone || run.now - since > 3 * SECOND) {
                if (done) {
                    finish();
                } else {
                    regroup();
                }
            }
        }

        /** Ends its part in the generation, and asks for the next. */
        void regroup() {
            close();
            part = null;
            ask();
        }

        void close() {
            for (Seated each : seats) {
                if (stage != Stage.LEAVING) {
                    each.client.leave(Collections.nCopies(run.seats, 0L), "");
                }
                each.client.close();
                each.link.end("its connection was closed");
            }
        }

        void tick() {
            seats.forEach(each -> {
                if (each.link.isOpen()) {
                    each.client.tick(run.now);
                }
            });
            turn();
            if (isPresent() && !hung && stage != Stage.LEAVING && run.now - since > PEER_TIMEOUT) {
                run.note(SeatedLife.this + " waits in vain");
                regroup();
            }
        }
    }

    private void state(int generation, Reached newest, long newestHash) {
        if (part != null && part.convened.generation() == generation) {
            part.adopted = newest;
            part.adoptedHash = newestHash;
            part.turn();
        }
    }

    private void contribution(int generation, Contribution contribution) {
        if (part != null && part.convened.generation() == generation) {
            part.take(contribution);
            part.turn();
        }
    }

    // Its part in the run.

    void start() {
        stage = Stage.GREETING;
        greeted = false;
        Object monitor = new Object();
        Link[] own = new Link[1];
        Attendance entering = new Attendance("the simulation", message -> own[0].send(message), this, monitor);
        attendance = entering;
        link = run.connect(this, 0, new Receiver() {
            @Override
            public void received(Message message) {
                entering.received(message);
                if (entering == attendance) {
                    greeted |= message instanceof Welcome;
                    turn();
                }
            }

            @Override
            public void disconnected(String how) {
                entering.disconnected(how);
                if (entering == attendance) {
                    turn();
                }
            }
        });
        own[0] = link;
    }

    private void turn() {
        if (hung) {
            return;
        }
        if (stage == Stage.GREETING) {
            if (greeted) {
                attendance.join(new Join(
                        Message.PROTOCOL_VERSION,
                        run.seats,
                        new Member(Message.ANY_RANK, "host" + pid, pid),
                        Map.of()));
                ask();
            } else if (attendance.isDetached()) {
                end("there is no launcher");
            }
        } else if (stage == Stage.WAITING) {
            takeSeats();
        }
    }

    private void ask() {
        stage = Stage.WAITING;
        attendance.ask(reached);
        takeSeats();
    }

    private void takeSeats() {
        Convened convened;
        try {
            convened = attendance.seats();
        } catch (GyreException e) {
            if (attendance.mayComeAgain()) {
                comeAgain();
            } else {
                end(String.valueOf(e.getMessage()));
            }
            return;
        }
        if (convened != null) {
            assertThat(convened.generation()).isGreaterThanOrEqualTo(convenedIn);
            run.checkHolder(this, convened);
            hasReported = false;
            stage = Stage.JOINING;
            part = new Part(convened);
            part.begin();
        }
    }

    private void comeAgain() {
        run.note(this + " comes again");
        run.tally.cameAgain++;
        attendance.close();
        link.end("its connection was closed");
        stage = Stage.AWAY;
        run.after(run.random.nextLong(50 * MILLI), this, this::start);
    }

    private void finish() {
        Part last = part;
        if (last != null) {
            last.close();
        }
        part = null;
        attendance.leave();
        attendance.close();
        link.end("its connection was closed");
        stage = Stage.FINISHED;
        run.tally.finished++;
        assertThat(hash).as("result of %s", this).isEqualTo(run.fold[run.fold.length - 1]);
        run.note(this + " has finished");
    }

    private void end(String reason) {
        stage = Stage.FAILED;
        end = reason;
        run.note(this + " ends: " + reason);
        if (part != null) {
            part.close();
        }
        part = null;
        link.end("its connection was closed");
    }

    void tick() {
        attendance.tick();
        if (attendance.isDetached()) {
            link.end("its connection was closed");
        }
        if (part != null) {
            part.tick();
        } else {
            turn();
        }
    }

    // What befalls it.

    void silent(long time) {
        if (run.now >= silentUntil) {
            lastSilentSince = run.now;
        }
        // A gap in which it may not have been heard does not count.
        if (run.now >= silentUntil + SECOND || silentUntil == 0) {
            silentSince = run.now;
        }
        silentUntil = Math.max(silentUntil, run.now + time);
    }

    void crash() {
        // What is under way still arrives: the system closes the connections.
        if (part != null) {
            part.seats.forEach(each -> each.link.end("its process has ended"));
        }
        link.end("its process has ended");
        dead = true;
        part = null;
    }

    void breakLink() {
        link.snap();
    }

    void breakSeat() {
        if (part != null) {
            part.seats.get(run.random.nextInt(part.seats.size())).link.snap();
        }
    }

    /** Its program stands still. If nobody else notices, since nobody waits for it, a person ends it. */
    void hang() {
        hung = true;
        run.after(60 * SECOND, this, () -> {
            if (isActive()) {
                crash();
            }
        });
    }

    void fail() {
        attendance.fail("on purpose");
        if (part != null) {
            part.seats.forEach(each -> each.client.fail("on purpose"));
        }
        end("on purpose");
    }

    // What is asked about it.

    boolean isActive() {
        return !dead && stage != Stage.FINISHED && stage != Stage.FAILED && !(hung && attendance.isDetached());
    }

    boolean hasFinished() {
        return stage == Stage.FINISHED;
    }

    /** The launcher receives a message. */
    void isHeard(Link on, Message message) {
        if (on == link) {
            lastHeard = run.now;
            hasReported |= message instanceof Message.Present;
        }
    }

    void joins(int as) {
        number = as;
        hasReported = false;
        memberships++;
        convenedIn = 0;
    }

    /** Whether the usher knows it, by any of its connections: one that broke may be noticed late, or deliver late. */
    boolean isMember() {
        return memberships > 0;
    }

    void loses() {
        memberships--;
    }

    void leaves() {
        memberships = 0;
    }

    boolean wasConvenedIn(int generation) {
        return convenedIn == generation;
    }

    void convenedIn(int generation) {
        convenedIn = generation;
    }

    /** No process that has seats still, or had them in the generation before, has a newer state, or works. */
    void checkConvened(int generation, Reached newest) {
        if (convenedIn == generation - 1 && convenedIn > 0) {
            assertThat(reached)
                    .as("%s, when generation %d begins", this, generation)
                    .isLessThanOrEqualTo(newest);
            assertThat(part != null && part.convened.generation() < generation)
                    .as("%s still works, and generation %d begins", this, generation)
                    .isFalse();
        }
    }

    boolean isHealthySince(long time) {
        return isActive() && !hung && isMember() && frozenUntil < time && cutIn < time && cutOut < time;
    }

    /** A verdict about silence comes in time, and only if there was silence. */
    void checkVerdict(SilenceLimits limits, long stalled) {
        long loss = limits.loss().toNanos();
        long tick = Coordinator.TICK.toNanos();
        long silence = run.now - silentSince;
        assertThat(silentUntil > 0 && run.now <= silentUntil + SimulatedSeats.LONGEST_DELAY + tick)
                .as("%s was not silent", this)
                .isTrue();
        assertThat(silence)
                .as("silence of %s, in nanoseconds", this)
                .isGreaterThanOrEqualTo(
                        loss - 2 * tick - Coordinator.HEARTBEAT.toNanos() - SimulatedSeats.LONGEST_DELAY);
        if (stalled < silentSince) {
            assertThat(run.now - Math.max(lastHeard, lastSilentSince))
                    .as("silence of %s, in nanoseconds", this)
                    .isLessThanOrEqualTo(loss + tick + SimulatedSeats.LONGEST_DELAY);
        }
    }

    void checkEnd(@Nullable String failure) {
        if (stage == Stage.FAILED && failure == null && !end.equals("on purpose")) {
            assertThat(end)
                    .as("end of %s", this)
                    .containsAnyOf(Usher.NOT_NEEDED, "too late", "the launcher", "there is no launcher");
            run.tally.dismissed += end.contains(Usher.NOT_NEEDED) ? 1 : 0;
        }
    }
}
