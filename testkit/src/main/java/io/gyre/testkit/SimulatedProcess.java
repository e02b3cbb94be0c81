package io.gyre.testkit;

import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.membership.Coordinator;
import io.gyre.membership.Membership;
import io.gyre.membership.Message;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Uplink;
import io.gyre.network.Endpoint;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A process of a {@link SimulatedRun}: its membership, its connection to the coordinator, its end of the network, and a
 * thread that joins, runs a program and leaves, as the session of a real process does.
 */
public final class SimulatedProcess implements Uplink, SimulatedLine.Receiver {

    /** The program of one process. */
    @FunctionalInterface
    public interface Program {
        /**
         * Runs in the simulation's time.
         *
         * @throws GyreException as the calls of the process do; ends the process, and reports the failure
         */
        void run(SimulatedProcess self);
    }

    private static final Duration GREETING_TIMEOUT = Duration.ofSeconds(15);
    private static final Duration JOIN_GRACE = Duration.ofSeconds(5);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(3);
    private static final Duration PREPARATION = Duration.ofSeconds(2);
    private static final Duration FAREWELL_TIMEOUT = Duration.ofSeconds(2);

    private final SimulatedRun run;
    private final SimulatedTime time;
    private final Member member;
    private final Program program;
    private final Membership membership;
    private final SimulatedLine up;
    private final SimulatedLine down;
    private final List<Message> heard = new ArrayList<>();
    private @Nullable SimulatedThread thread;
    private @Nullable SimulatedEndpoint endpoint;
    private @Nullable GyreException failure;
    private boolean stalling;
    private boolean silent;
    private boolean broken;
    private boolean ready;
    private boolean finished;
    private long frozenUntil;
    private long endedAt = -1;

    SimulatedProcess(SimulatedRun run, int rank, int number, Program program) {
        this.run = run;
        this.program = program;
        time = run.time();
        member = member(rank, number);
        up = run.line(this, run::frozenUntil);
        down = run.line(this, this);
        membership = new Membership(rank, "the simulation", this, time, this);
    }

    /** The identity of a process: its process id is the number of its connection. */
    static Member member(int rank, int number) {
        return new Member(rank, "host" + rank, number);
    }

    void start() {
        thread = time.start(toString(), this::live);
        run.connected(number());
        tick();
    }

    private int number() {
        return (int) member.pid();
    }

    private void tick() {
        time.after(Coordinator.TICK.toNanos(), () -> {
            if (isAlive()) {
                if (frozenUntil <= time.now()) {
                    membership.tick();
                }
                tick();
            }
        });
    }

    private void live() {
        try {
            join();
            program.run(this);
            leave();
            finished = true;
        } catch (GyreException e) {
            failure = e;
            membership.fail("it failed: " + e.getMessage());
        }
        membership.close();
        end();
        time.note(this + " ended: " + failure);
    }

    private void end() {
        endedAt = time.now();
        hangUp("its process has ended");
        run.ended(this);
    }

    private void join() {
        membership.welcome(GREETING_TIMEOUT);
        membership.join(new Join(Message.PROTOCOL_VERSION, run.worldSize(), member, Map.of()));
        time.sleep(PREPARATION.toNanos());
        ready = true;
        membership.ready(Map.of("at", "address" + member.pid()));
        membership.awaitEverybody(SimulatedRun.JOIN_TIMEOUT.plus(JOIN_GRACE));
        endpoint = new SimulatedEndpoint(run, this);
        membership.endJoining(SimulatedRun.JOIN_TIMEOUT);
    }

    private void leave() {
        long deadline = time.now() + CLOSE_TIMEOUT.toNanos();
        membership.leave(framesSent(), deadline);
        BitSet everybody = new BitSet();
        everybody.set(0, run.worldSize());
        membership.awaitDeparture(everybody, deadline);
        long farewell = time.now() + FAREWELL_TIMEOUT.toNanos();
        while (run.isHost(this) && !run.coordinator().isOver() && time.now() < farewell) {
            time.sleep(SimulatedRun.PAUSE.toNanos());
        }
    }

    private List<Long> framesSent() {
        SimulatedEndpoint own = endpoint;
        return own == null ? List.of() : own.framesSent();
    }

    private void hangUp(String how) {
        up.send(() -> run.disconnected(number(), how));
        broken = true;
    }

    // Its accidents.

    /** The connection keeps the order of messages, but delays some by seconds. */
    public void stall() {
        stalling = true;
    }

    /** The connection loses all messages from now on, also those in flight, and is not closed. */
    public void fallSilent() {
        silent = true;
    }

    /** The connection breaks, and both ends notice. */
    public void disconnect(String how) {
        receiveEnd(how);
        hangUp(how);
    }

    /** The process makes no progress until a time. */
    public void freezeUntil(long until) {
        frozenUntil = Math.max(frozenUntil, until);
        thread().freezeUntil(until);
    }

    /** The process ends where it is. */
    public void kill() {
        if (isAlive()) {
            thread().kill();
            end();
        }
    }

    // What its program uses.

    /** Its place in the run. */
    public Membership membership() {
        return membership;
    }

    /** Its end of the network, once it has joined. */
    public Endpoint endpoint() {
        SimulatedEndpoint own = endpoint;
        if (own == null) {
            throw new IllegalStateException(this + " has not joined yet");
        }
        return own;
    }

    // What became of it.

    /** Its identity; the process id is the number of its connection. */
    public Member member() {
        return member;
    }

    /** Whether it has not ended yet. */
    public boolean isAlive() {
        return endedAt < 0;
    }

    /** Whether its messages arrive within a tenth of a second. */
    public boolean isHealthy() {
        return !stalling && !silent && frozenUntil <= time.now();
    }

    /** Whether messages get lost. */
    public boolean isSilent() {
        return silent;
    }

    /** Whether it has told the coordinator its addresses. */
    public boolean isReady() {
        return ready;
    }

    /** Whether its program has done all its work, and it has left. */
    public boolean isFinished() {
        return finished;
    }

    /** The messages of the coordinator that have arrived, in order. */
    public List<Message> heard() {
        return heard;
    }

    /** How its program failed; null if it did not. */
    public @Nullable GyreException failure() {
        return failure;
    }

    /** When it ended; negative while it lives. */
    public long endedAt() {
        return endedAt;
    }

    // For the run.

    @Override
    public void send(Message message) {
        if (!broken) {
            up.send(() -> run.received(number(), message));
        }
    }

    void receive(Message message) {
        if (!broken) {
            down.send(() -> {
                if (isAlive()) {
                    heard.add(message);
                    time.note(message.getClass().getSimpleName());
                    membership.received(message);
                }
            });
        }
    }

    void receiveEnd(String how) {
        if (!broken) {
            down.send(() -> {
                if (isAlive()) {
                    membership.disconnected(how);
                }
            });
        }
    }

    void wake() {
        thread().wake();
    }

    private SimulatedThread thread() {
        return Objects.requireNonNull(thread, "the process has not started");
    }

    boolean isStalling() {
        return stalling;
    }

    @Override
    public long frozenUntil() {
        return frozenUntil;
    }

    @Override
    public String toString() {
        return "process " + member.pid() + " of rank " + member.rank();
    }
}
