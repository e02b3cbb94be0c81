package io.gyre.membership;

import static io.gyre.membership.SimulatedHosts.MILLI;
import static io.gyre.membership.SimulatedHosts.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.Member;
import io.gyre.membership.Message.Convened;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.SimulatedLauncher.Link;
import io.gyre.membership.SimulatedLauncher.Receiver;
import io.gyre.session.Reached;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a {@linkplain SeatedLife process} does in one generation: for each of its seats a real client of the
 * generation's coordinator, and a model of a program. In a step, every seat sends its contribution to every other
 * process; a process applies the step when it has those of all seats.
 */
final class SeatedPart {

    private static final long PEER_TIMEOUT = 6 * SECOND;

    private enum Stage {
        JOINING,
        COMPARING,
        ADOPTING,
        STEPPING,
        LEAVING,
        FAILED
    }

    /** What the seats of a process send to another in a step. */
    record Contribution(long step, int seat, long value, boolean adjourned) {}

    /** One of its seats, on its connection to the coordinator. */
    private final class Seated implements Uplink, Receiver {
        final CoordinatorClient client;
        final Link link;
        private final int seat;

        Seated(int seat) {
            this.seat = seat;
            client = new CoordinatorClient(seat, "the simulation", this, new MemberListener() {}, hosts.now());
            link = run.launcher.connect(life, convened.generation(), this);
        }

        @Override
        public void send(Message message) {
            link.send(message);
        }

        @Override
        public void received(Message message) {
            client.received(message);
            if (message instanceof Welcome) {
                Member member = life.member(seat);
                client.join(new Join(Message.PROTOCOL_VERSION, run.seats, member, Map.of()));
                client.ready(Map.of());
            }
            SeatedPart.this.turn();
        }

        @Override
        public void disconnected(String how) {
            client.disconnected(how);
            SeatedPart.this.turn();
        }

        void leave() {
            client.leave(Collections.nCopies(run.seats, 0L), "");
        }
    }

    private final SeatedLife life;
    private final SimulatedSeats run;
    private final SimulatedHosts hosts;
    private final Convened convened;
    private final List<Integer> own;
    private final List<SeatedLife> others;
    private final List<Seated> seats = new ArrayList<>();
    private final Map<Long, @Nullable Contribution[]> contributions = new HashMap<>();
    private Stage stage = Stage.JOINING;
    private @Nullable Reached adopted;
    private long adoptedHash;
    private boolean computed;
    private boolean noticing;
    private boolean done;
    private long since;
    private int repeated;

    SeatedPart(SeatedLife life, SimulatedSeats run, Convened convened) {
        this.life = life;
        this.run = run;
        this.convened = convened;
        hosts = run.hosts;
        since = hosts.now();
        Seating seating = new Seating(convened.holders());
        own = seating.seatsOf(convened.own());
        others = seating.processes().stream()
                .filter(number -> number != convened.own())
                .map(run.checks::holder)
                .toList();
    }

    @Override
    public String toString() {
        return stage.toString();
    }

    int generation() {
        return convened.generation();
    }

    /** Connects its seats. */
    void begin() {
        own.forEach(seat -> seats.add(new Seated(seat)));
    }

    /** Goes on as far as it can. */
    private void turn() {
        if (!life.isIn(this)) {
            return;
        }
        if (stage == Stage.LEAVING) {
            leaveIfOthersHave();
            return;
        }
        if (hasEnded()) {
            if (!noticing) {
                noticing = true;
                hosts.after(run.random.nextLong(150 * MILLI), life, () -> {
                    if (life.isIn(this)) {
                        life.regroup();
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
            since = hosts.now();
            byte[] value = ByteBuffer.allocate(12)
                    .putInt(life.reached.calls())
                    .putLong(life.reached.step())
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
        since = hosts.now();
        if (convened.source() == Message.NO_RANK) {
            for (byte[] value : values) {
                assertThat(ByteBuffer.wrap(value).getInt())
                        .as("calls, and no source")
                        .isNegative();
            }
            adopt(new Reached(0, 0), run.fold.after(0));
            step();
            return;
        }
        boolean transfer = values.stream()
                .anyMatch(value -> !ByteBuffer.wrap(value).equals(ByteBuffer.wrap(values.get(convened.source()))));
        if (own.contains(convened.source())) {
            assertThat(life.reached.isNothing()).as("%s is the source", life).isFalse();
            if (transfer) {
                Reached given = life.reached;
                long givenHash = life.hash;
                others.forEach(other -> hosts.send(life, other, () -> other.given(generation(), given, givenHash)));
            }
            step();
        } else if (transfer) {
            stage = Stage.ADOPTING;
        } else {
            step();
        }
    }

    /** Another process gives it the newest state. */
    void given(Reached newest, long newestHash) {
        adopted = newest;
        adoptedHash = newestHash;
        turn();
    }

    private void adopt(Reached newest, long newestHash) {
        assertThat(newest).as("what %s is given", life).isGreaterThanOrEqualTo(life.reached);
        assertThat(newestHash).isEqualTo(run.fold.after(newest.step()));
        run.tally.adopted += newest.equals(life.reached) ? 0 : 1;
        life.reached = newest;
        life.hash = newestHash;
    }

    /** Computes the next step, or ends. */
    private void step() {
        stage = Stage.STEPPING;
        since = hosts.now();
        computed = false;
        if (life.reached.calls() == SimulatedSeats.CALLS) {
            done = true;
            leave();
            return;
        }
        hosts.after(1 + run.random.nextLong(600 * MILLI), life, () -> {
            if (life.isIn(this)) {
                contribute();
            }
        });
    }

    private void contribute() {
        long step = life.reached.step();
        if (life.computes(step)) {
            run.tally.repeated++;
            assertThat(++repeated).as("steps repeated in a generation").isEqualTo(1);
        }
        computed = true;
        boolean adjourned = life.isAdjourned(generation());
        for (int seat : own) {
            long value = StepFold.contribution(life.hash, seat, step);
            Contribution contribution = new Contribution(step, seat, value, adjourned);
            put(contribution);
            others.forEach(other -> hosts.send(life, other, () -> other.contributed(generation(), contribution)));
        }
        applyIfComplete();
    }

    /** Another process contributes to a step. */
    void contributed(Contribution contribution) {
        put(contribution);
        turn();
    }

    private void put(Contribution contribution) {
        contributions.computeIfAbsent(contribution.step, key -> new Contribution[run.seats])[contribution.seat] =
                contribution;
    }

    private void applyIfComplete() {
        @Nullable Contribution[] all = contributions.get(life.reached.step());
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
        long step = life.reached.step();
        life.hash = StepFold.next(life.hash, parts);
        int calls = (step + 1) % run.stepsOfCall == 0 ? life.reached.calls() + 1 : life.reached.calls();
        life.reached = new Reached(calls, step + 1);
        run.checks.applied(life, generation(), step, life.hash);
        if (adjourned && calls < SimulatedSeats.CALLS) {
            run.tally.adjourned++;
            leave();
        } else {
            step();
        }
    }

    private void leave() {
        stage = Stage.LEAVING;
        since = hosts.now();
        seats.forEach(Seated::leave);
        leaveIfOthersHave();
    }

    private void leaveIfOthersHave() {
        boolean alone = seats.stream()
                .allMatch(each -> each.client.view().ending() != null
                        || each.client.isDetached()
                        || run.allSeats.stream().allMatch(each.client.view()::hasLeft));
        if (alone || hosts.now() - since > 3 * SECOND) {
            if (done) {
                life.finish();
            } else {
                life.regroup();
            }
        }
    }

    void tick() {
        seats.forEach(each -> {
            if (each.link.isOpen()) {
                each.client.tick(hosts.now());
            }
        });
        turn();
        if (life.isIn(this) && stage != Stage.LEAVING && hosts.now() - since > PEER_TIMEOUT) {
            run.note(life + " waits in vain");
            life.regroup();
        }
    }

    /** Its seats leave, if they have not, and their connections end. */
    void close() {
        for (Seated each : seats) {
            if (stage != Stage.LEAVING) {
                each.leave();
            }
            each.client.close();
            each.link.end("its connection was closed");
        }
    }

    /** The program fails, and says why. */
    void fail(String reason) {
        seats.forEach(each -> each.client.fail(reason));
    }

    /** The process ends without having done its work. */
    void abandon() {
        stage = Stage.FAILED;
        close();
    }

    /** The process is killed. */
    void crash() {
        seats.forEach(each -> each.link.end("its process has ended"));
    }

    /** The connection of one of its seats breaks. */
    void breakSeat() {
        seats.get(run.random.nextInt(seats.size())).link.snap();
    }
}
