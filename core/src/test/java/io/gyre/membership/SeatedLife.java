package io.gyre.membership;

import static io.gyre.membership.SimulatedHosts.MILLI;
import static io.gyre.membership.SimulatedHosts.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.membership.Message.Convened;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.SimulatedLauncher.Link;
import io.gyre.membership.SimulatedLauncher.Receiver;
import io.gyre.network.Time;
import io.gyre.session.Reached;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A process of {@link SimulatedSeats}: a real {@link Attendance}, and in each generation that seats it a
 * {@linkplain SeatedPart part}.
 */
final class SeatedLife extends SimulatedHosts.Host implements Time {

    private enum Stage {
        AWAY,
        GREETING,
        WAITING,
        SEATED,
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
    private @Nullable SeatedPart part;
    private String end = "";

    /** How far it has come, and the hash of its state. */
    Reached reached = Reached.NOTHING;

    long hash;

    /** Whether the usher counts it. */
    private int memberships;

    /** Its number at the usher; another when it comes again. */
    int number;

    /** Whether the usher has received its report, and it has no seats since. */
    boolean hasReported;

    private int convenedIn;
    private long lastComputed = -1;
    private final SimulatedSilence silence = new SimulatedSilence();

    SeatedLife(SimulatedSeats run, int pid) {
        this.run = run;
        this.pid = pid;
    }

    @Override
    public String toString() {
        return "process " + pid + " (" + (part == null ? stage : part) + ", " + reached + ")";
    }

    // Time.

    @Override
    public long now() {
        return run.hosts.now();
    }

    @Override
    public void await(Object monitor, long nanos) {
        throw new AssertionError("a process of the simulation waits");
    }

    @Override
    public void signal(Object monitor) {}

    // Its part in a generation.

    /** Whether that is its part now, and it does anything. */
    boolean isIn(SeatedPart which) {
        return part == which && !hung;
    }

    /** How the process introduces itself. */
    Member member(int rank) {
        return new Member(rank, "host" + pid, pid);
    }

    boolean isAdjourned(int generation) {
        return attendance.isAdjourned(generation);
    }

    /** It computes a step. Returns whether it has computed it before. */
    boolean computes(long step) {
        assertThat(step).as("step that %s computes", this).isGreaterThanOrEqualTo(lastComputed);
        boolean again = step == lastComputed;
        lastComputed = step;
        return again;
    }

    /** Another process gives it the newest state. */
    void given(int generation, Reached newest, long newestHash) {
        if (part != null && part.generation() == generation) {
            part.given(newest, newestHash);
        }
    }

    /** Another process contributes to a step. */
    void contributed(int generation, SeatedPart.Contribution contribution) {
        if (part != null && part.generation() == generation) {
            part.contributed(contribution);
        }
    }

    /** Ends its part in the generation, and asks for the next. */
    void regroup() {
        endPart();
        ask();
    }

    /** Ends its part in the run: the work is done. */
    void finish() {
        endPart();
        attendance.leave();
        attendance.close();
        link.end("its connection was closed");
        stage = Stage.FINISHED;
        run.tally.finished++;
        assertThat(hash).as("result of %s", this).isEqualTo(run.fold.result());
        run.note(this + " has finished");
    }

    private void endPart() {
        if (part != null) {
            part.close();
        }
        part = null;
    }

    // Its part in the run.

    void start() {
        stage = Stage.GREETING;
        greeted = false;
        Object monitor = new Object();
        Link[] own = new Link[1];
        Attendance entering = new Attendance("the simulation", message -> own[0].send(message), this, monitor);
        attendance = entering;
        link = run.launcher.connect(this, 0, new Receiver() {
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
                Member self = member(Message.ANY_RANK);
                attendance.join(new Join(Message.PROTOCOL_VERSION, run.seats, self, Map.of()));
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
            run.checks.checkHolder(this, convened);
            hasReported = false;
            stage = Stage.SEATED;
            part = new SeatedPart(this, run, convened);
            part.begin();
        }
    }

    private void comeAgain() {
        run.note(this + " comes again");
        run.tally.cameAgain++;
        attendance.close();
        link.end("its connection was closed");
        stage = Stage.AWAY;
        run.hosts.after(run.random.nextLong(50 * MILLI), this, this::start);
    }

    private void end(String reason) {
        stage = Stage.FAILED;
        end = reason;
        run.note(this + " ends: " + reason);
        if (part != null) {
            part.abandon();
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

    /** The launcher does not hear it. */
    void silentUntil(long time) {
        silence.begin(now(), time);
    }

    void crash() {
        // What is under way still arrives: the system closes the connections.
        if (part != null) {
            part.crash();
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
            part.breakSeat();
        }
    }

    /** Its program stands still. If nobody else notices, since nobody waits for it, a person ends it. */
    void hang() {
        hung = true;
        run.hosts.after(60 * SECOND, this, () -> {
            if (isActive()) {
                crash();
            }
        });
    }

    void fail() {
        attendance.fail("on purpose");
        if (part != null) {
            part.fail("on purpose");
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
            if (message instanceof Heartbeat answer) {
                silence.isKnownAlive(on.sentAt(answer));
            }
            hasReported |= message instanceof Message.Present;
        }
    }

    void joins(int as) {
        number = as;
        hasReported = false;
        silence.isKnownAlive(now());
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
            assertThat(part != null && part.generation() < generation)
                    .as("%s still works, and generation %d begins", this, generation)
                    .isFalse();
        }
    }

    boolean isHealthySince(long time) {
        return isActive() && !hung && isMember() && frozenUntil < time && cutIn < time && cutOut < time;
    }

    /** The launcher gives it up because of silence. */
    void checkVerdict(SilenceLimits limits, long stalled) {
        silence.checkVerdict(this, now(), limits, stalled);
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
