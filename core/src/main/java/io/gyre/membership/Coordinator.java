package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Attest;
import io.gyre.membership.Message.Backed;
import io.gyre.membership.Message.Disagreed;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Offer;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Unaware;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.Participant.State;
import java.time.Duration;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Supervises one run: admits the ranks, tells them of each other, runs exchanges, and announces lost ranks. A state
 * machine: it owns no clock, thread or socket, so tests can play any schedule of events.
 *
 * <p>A run starts once, with all ranks, or not at all. It ends with the first loss, unless the lost rank is expendable,
 * and fails if a rank has not joined by the deadline. A rank that does not fit is refused and named, and the others
 * continue to wait for the right one.
 *
 * <p>The seat of an expendable rank that was lost can be taken by a new process. From then on, exchanges wait for that
 * process.
 *
 * <p>{@link Admission} decides who may join, {@link Muster} gathers the ranks, {@link Returns} takes in restarted
 * workers, {@link Departures} draws the consequences of a loss, {@link Exchanges} runs exchanges, {@link Pulse} detects
 * silence. This class hands them the events and sends heartbeats. A rank is alive when it answers them: other messages
 * may have been under way for long, and are no sign of life.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread. The outbox and the listener are called from inside the event methods.
 *   <dt>Time
 *   <dd>{@code now} is in nanoseconds, from any origin, and never goes back. {@link #tick} should be called every
 *       {@link #TICK}; silence is measured in ticks, so that a stalled coordinator does not blame the ranks.
 * </dl>
 */
public final class Coordinator implements Supervisor {

    /** Interval between calls of {@link #tick}. */
    public static final Duration TICK = Duration.ofMillis(250);

    /** Interval between the heartbeats of a supervisor, which each process answers. */
    public static final Duration HEARTBEAT = Duration.ofMillis(250);

    /** Limit of the exchanged bytes that are recorded for restarted workers. */
    static final long RECORD_BYTES = 16 << 20;

    private final RunId run;
    private final int worldSize;
    private final Member host;
    private final SilenceLimits limits;
    private final Outbox outbox;
    private final RunListener listener;
    private final UnstalledClock clock;
    private final Participants participants;
    private final RunState state = new RunState();
    private final Admission admission;
    private final Muster muster;
    private final Returns returns;
    private final Departures departures;
    private final Exchanges exchanges;
    private final Attestations attestations = new Attestations();
    private long nextHeartbeat;

    /** Whether ranks have attested different values: no exchange ends any more. */
    private boolean contradicted;

    /**
     * Starts to wait for the ranks.
     *
     * @param run name of the run
     * @param worldSize number of ranks
     * @param host member that runs this coordinator; its rank is {@link Message#NO_RANK} if it is no rank
     * @param joinTimeout how long to wait for all ranks
     * @param limits of silence, for the ranks and for this coordinator
     * @param now current time
     * @param random source of the group keys: must be unpredictable where they protect anything
     */
    public Coordinator(
            RunId run,
            int worldSize,
            Member host,
            Duration joinTimeout,
            SilenceLimits limits,
            Outbox outbox,
            RunListener listener,
            long now,
            RandomGenerator random) {
        this(
                run,
                worldSize,
                host,
                joinTimeout,
                limits,
                outbox,
                listener,
                now,
                random,
                new ExchangeRecord(RECORD_BYTES));
    }

    Coordinator(
            RunId run,
            int worldSize,
            Member host,
            Duration joinTimeout,
            SilenceLimits limits,
            Outbox outbox,
            RunListener listener,
            long now,
            RandomGenerator random,
            ExchangeRecord record) {
        if (worldSize < 1) {
            throw new IllegalArgumentException("a run of " + worldSize + " ranks: at least 1 is needed");
        }
        this.run = run;
        this.worldSize = worldSize;
        this.host = host;
        this.limits = limits;
        this.outbox = outbox;
        this.listener = listener;
        this.clock = new UnstalledClock(now, TICK.multipliedBy(2));
        this.participants = new Participants(worldSize, outbox);
        this.admission = new Admission(worldSize, host, state, participants, record);
        this.exchanges = new Exchanges(worldSize, participants, record, outbox);
        GroupKeys keys = new GroupKeys(random, participants, outbox);
        this.muster = new Muster(state, joinTimeout, now, participants, keys, admission, outbox, listener);
        this.returns = new Returns(state, participants, keys, outbox, listener);
        this.departures = new Departures(worldSize, state, participants, exchanges, keys, outbox, listener);
    }

    /** The ranks that have joined, by rank. */
    @Override
    public List<Member> members() {
        return participants.members();
    }

    /** Whether the run is over: it failed, or all ranks have left. */
    @Override
    public boolean isOver() {
        return state.hasEnded() || (state.isComplete() && participants.areAll(Participant::hasEnded));
    }

    /** Whether this connection has joined, and may thus send long messages. */
    @Override
    public boolean hasJoined(int connection) {
        return participants.on(connection) != null;
    }

    /** A connection was opened. */
    @Override
    public void connected(int connection) {
        boolean seatFree = !state.isComplete() || participants.isAny(participant -> participant.state == State.LOST);
        outbox.send(connection, new Welcome(Message.PROTOCOL_VERSION, run, worldSize, !seatFree, host, limits));
    }

    /** A message was received. */
    @Override
    public void received(int connection, Message message) {
        Participant participant = participants.on(connection);
        if (participant != null) {
            received(participant, message);
        } else if (message instanceof Join join) {
            join(connection, join);
        } else {
            outbox.close(connection);
        }
    }

    private void received(Participant participant, Message message) {
        if (message instanceof Heartbeat answer) {
            participant.pulse.answered(answer.sent(), clock.time());
        } else if (message instanceof Ready ready) {
            ready(participant, ready);
        } else if (message instanceof Offer offer) {
            offered(participant, offer);
        } else if (message instanceof Attest attest) {
            attested(participant, attest);
        } else if (message instanceof Leave leave) {
            departures.leave(participant, leave);
        } else if (message instanceof Expendable) {
            departures.makeExpendable(participant);
        } else if (message instanceof Backed backed) {
            departures.backed(participant, backed);
        } else if (message instanceof Unaware) {
            listener.unaware(participant.member);
        } else if (message instanceof Failed failed) {
            departures.lose(participant, failed.reason());
        } else {
            departures.lose(
                    participant,
                    "it sent a " + message.getClass().getSimpleName() + " message, which is not a rank's to send");
        }
    }

    /** A connection has ended, but not by {@link Outbox#close}. */
    @Override
    public void disconnected(int connection, String how) {
        Participant participant = participants.on(connection);
        if (participant != null) {
            departures.disconnected(participant, how);
        }
    }

    /**
     * This coordinator is about to end, and with it the run: those that do not take part yet hear that they are too
     * late, and not that the host was lost.
     *
     * @param connections the open ones
     */
    @Override
    public void refuseLatecomers(List<Integer> connections) {
        if (!state.isComplete()) {
            return;
        }
        String end = state.end();
        Refused refusal = new Refused(Admission.afterTheEnd(end == null ? "the run is over" : end));
        for (int connection : connections) {
            Participant participant = participants.on(connection);
            if (participant == null || (participant.state == State.RETURNING && end == null)) {
                outbox.send(connection, refusal);
            }
        }
    }

    /** Time has passed. */
    @Override
    public void tick(long now) {
        long time = clock.advance(now);
        if (state.hasEnded() || muster.expire(now)) {
            return;
        }
        if (time >= nextHeartbeat) {
            nextHeartbeat = time + HEARTBEAT.toNanos();
            participants.sendToAll(new Heartbeat(time));
            participants.all().forEach(exchanges::tellAwaited);
        }
        // A copy, so that the loop continues after a loss that does not end the run.
        for (Participant participant : List.copyOf(participants.all())) {
            if (!state.hasEnded() && !participant.hasEnded()) {
                listenTo(participant, time);
            }
        }
    }

    private void listenTo(Participant participant, long time) {
        if (participant.pulse.isLost(time, limits)) {
            departures.lose(participant, limits.ofProcess() + ", though its connection is open");
        } else if (participant.pulse.becomesSuspicious(time, limits)) {
            listener.suspected(participant.member, Duration.ofNanos(participant.pulse.silence(time)));
        }
    }

    private void join(int connection, Join join) {
        String objection = admission.objection(join);
        if (objection != null) {
            listener.refused(objection);
            outbox.send(connection, new Refused(objection));
            outbox.close(connection);
            return;
        }
        Participant newcomer = state.isComplete()
                ? returns.succeed(connection, join, clock.time())
                : muster.seat(connection, join, clock.time());
        listener.joined(newcomer.member);
    }

    private void ready(Participant participant, Ready ready) {
        if (participant.state == State.RETURNING) {
            returns.ready(participant, ready);
        } else if (participant.state == State.JOINED) {
            muster.ready(participant, ready);
        } else {
            departures.lose(participant, "it said twice that it is ready");
        }
    }

    private void offered(Participant participant, Offer offer) {
        if (contradicted) {
            return;
        }
        String fault = state.isComplete() ? exchanges.offered(participant, offer) : Exchanges.outOfTurn(offer);
        if (fault != null) {
            departures.lose(participant, fault);
        }
    }

    private void attested(Participant participant, Attest attest) {
        String difference = attestations.difference(participant, attest);
        if (difference != null) {
            contradicted = true;
            participants.all().forEach(each -> each.offer = null);
            participants.sendToAll(new Disagreed(difference));
        }
    }

    /** Ends the run, since a rank is lost that may not even have joined. */
    public void giveUp(Member member, String reason) {
        departures.giveUp(member, reason);
    }
}
