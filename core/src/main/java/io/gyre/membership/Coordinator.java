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
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.LostExpendable;
import io.gyre.membership.Message.Offer;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Returned;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Message.Unaware;
import io.gyre.membership.Message.Welcome;
import io.gyre.membership.Participant.State;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

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
 * <p>{@link Admission} decides who may join, {@link Exchanges} runs exchanges, {@link Pulse} detects silence. This
 * class dispatches the events and draws the consequences.
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

    /** Interval between heartbeats of each side. */
    public static final Duration HEARTBEAT = Duration.ofMillis(250);

    /** Limit of the exchanged bytes that are recorded for restarted workers. */
    static final long RECORD_BYTES = 16 << 20;

    private final RunId run;
    private final int worldSize;
    private final Member host;
    private final Duration joinTimeout;
    private final SilenceLimits limits;
    private final Outbox outbox;
    private final RunListener listener;
    private final long joinDeadline;
    private final UnstalledClock clock;
    private final Participants participants;
    private final GroupKeys groupKeys;
    private final Admission admission;
    private final Exchanges exchanges;
    private final Attestations attestations = new Attestations();
    private long nextHeartbeat;
    private boolean complete;

    /** Whether ranks have attested different values: no exchange ends any more. */
    private boolean contradicted;

    /** Why the run has ended, if it has. */
    private @Nullable String end;

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
        this.joinTimeout = joinTimeout;
        this.limits = limits;
        this.outbox = outbox;
        this.listener = listener;
        this.joinDeadline = now + joinTimeout.toNanos();
        this.clock = new UnstalledClock(now, TICK.multipliedBy(2));
        this.participants = new Participants(worldSize, outbox);
        this.groupKeys = new GroupKeys(random, participants, outbox);
        this.admission = new Admission(worldSize, host, participants, record);
        this.exchanges = new Exchanges(worldSize, participants, record, outbox);
    }

    /** The ranks that have joined, by rank. */
    @Override
    public List<Member> members() {
        return participants.members();
    }

    /** Whether the run is over: it failed, or all ranks have left. */
    @Override
    public boolean isOver() {
        return end != null || (complete && participants.areAll(Participant::hasEnded));
    }

    /** Whether this connection has joined, and may thus send long messages. */
    @Override
    public boolean hasJoined(int connection) {
        return participants.on(connection) != null;
    }

    /** A connection was opened. */
    @Override
    public void connected(int connection) {
        boolean seatFree = !complete || participants.isAny(participant -> participant.state == State.LOST);
        outbox.send(connection, new Welcome(Message.PROTOCOL_VERSION, run, worldSize, !seatFree, host, limits));
    }

    /** A message was received. */
    @Override
    public void received(int connection, Message message) {
        Participant participant = participants.on(connection);
        if (participant != null) {
            participant.pulse.beat(clock.time());
            received(participant, message);
        } else if (message instanceof Join join) {
            join(connection, join);
        } else {
            outbox.close(connection);
        }
    }

    private void received(Participant participant, Message message) {
        if (message instanceof Ready ready) {
            ready(participant, ready);
        } else if (message instanceof Offer offer) {
            offered(participant, offer);
        } else if (message instanceof Attest attest) {
            attested(participant, attest);
        } else if (message instanceof Leave leave) {
            leave(participant, leave);
        } else if (message instanceof Expendable) {
            makeExpendable(participant);
        } else if (message instanceof Backed backed) {
            backed(participant, backed);
        } else if (message instanceof Unaware) {
            listener.unaware(participant.member);
        } else if (message instanceof Failed failed) {
            lose(participant, failed.reason());
        } else if (!(message instanceof Heartbeat)) {
            lose(
                    participant,
                    "it sent a " + message.getClass().getSimpleName() + " message, which is not a rank's to send");
        }
    }

    private void makeExpendable(Participant participant) {
        participant.expendable = true;
        participants.sendNews(new Expendable(participant.member.rank()));
        listener.expendable(participant.member);
    }

    private void backed(Participant participant, Backed backed) {
        Map<Integer, Integer> by = new HashMap<>();
        for (int i = 0; i < backed.ranks().size(); i++) {
            if (participants.holder(backed.ranks().get(i)) == null) {
                lose(participant, "it is backed by rank " + backed.ranks().get(i) + ", which does not exist");
                return;
            }
            by.put(backed.ranks().get(i), backed.incarnations().get(i));
        }
        participant.backedBy = Map.copyOf(by);
        if (!participant.expendable) {
            makeExpendable(participant);
        }
    }

    /** A connection has ended, but not by {@link Outbox#close}. */
    @Override
    public void disconnected(int connection, String how) {
        Participant participant = participants.on(connection);
        if (participant == null) {
            return;
        }
        if (participant.state == State.RETURNING) {
            // No rank knows of it yet: the seat is as free as before.
            participant.state = State.LOST;
        } else if (!participant.hasEnded()) {
            lose(participant, how);
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
        if (!complete) {
            return;
        }
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
        if (end != null) {
            return;
        }
        if (!complete && now >= joinDeadline) {
            expire();
            return;
        }
        if (time >= nextHeartbeat) {
            nextHeartbeat = time + HEARTBEAT.toNanos();
            sendHeartbeats();
        }
        // A copy, so that the loop continues after a loss that does not end the run.
        for (Participant participant : List.copyOf(participants.all())) {
            if (end == null && !participant.hasEnded()) {
                listenTo(participant, time);
            }
        }
    }

    /** Tells each rank that waits in an exchange which rank it waits for. */
    private void sendHeartbeats() {
        for (Participant participant : participants.all()) {
            outbox.send(participant.connection, new Heartbeat(exchanges.awaitedBy(participant)));
        }
    }

    private void listenTo(Participant participant, long time) {
        if (participant.pulse.isLost(time, limits)) {
            lose(
                    participant,
                    "nothing was received from it for " + limits.lossInWords() + ", though its connection is open");
        } else if (participant.pulse.becomesSuspicious(time, limits)) {
            listener.suspected(participant.member, Duration.ofNanos(participant.pulse.silence(time)));
        }
    }

    private void expire() {
        String reason = admission.whoIsMissing(joinTimeout);
        end = reason;
        participants.sendToAll(new Refused(reason));
        participants.all().forEach(participant -> outbox.close(participant.connection));
        listener.failed(reason);
    }

    private void join(int connection, Join join) {
        String objection = admission.objection(join, complete, end);
        if (objection != null) {
            listener.refused(objection);
            outbox.send(connection, new Refused(objection));
            outbox.close(connection);
            return;
        }
        Participant newcomer = complete ? succeed(connection, join) : seat(connection, join);
        listener.joined(newcomer.member);
    }

    private Participant seat(int connection, Join join) {
        Member member = join.member();
        int rank = member.rank() == Message.ANY_RANK ? participants.firstFree() : member.rank();
        Participant newcomer = new Participant(connection, join, Participants.withRank(member, rank), clock.time());
        participants.add(newcomer);
        return newcomer;
    }

    /** Gives a lost rank's seat to a new process, which takes part in the run once it is ready. */
    private Participant succeed(int connection, Join join) {
        Participant lost = participants.seated(join.member().rank());
        Participant successor = new Participant(connection, join, lost, clock.time());
        participants.replace(lost, successor);
        return successor;
    }

    private void ready(Participant participant, Ready ready) {
        if (participant.state == State.RETURNING) {
            participant.addresses = ready.addresses();
            takeIn(participant);
        } else if (participant.state == State.JOINED) {
            participant.addresses = ready.addresses();
            participant.state = State.READY;
            completeIfAllAreReady();
        } else {
            lose(participant, "it said twice that it is ready");
        }
    }

    private void completeIfAllAreReady() {
        if (end != null || !participants.isFull() || !participants.areAll(other -> other.state == State.READY)) {
            return;
        }
        complete = true;
        groupKeys.renew();
        List<Seat> seats = participants.seats();
        for (Participant participant : participants.all()) {
            outbox.send(participant.connection, new Roster(participant.member.rank(), seats));
        }
        listener.complete(members());
    }

    /** Tells a restarted worker the state of the run, and the others that it is there. */
    private void takeIn(Participant participant) {
        if (end != null) {
            return;
        }
        for (Participant other : participants.all()) {
            tellAbout(other, participant);
        }
        participant.state = State.READY;
        groupKeys.renew();
        outbox.send(participant.connection, new Roster(participant.member.rank(), participants.seats()));
        Returned returned = new Returned(participant.seat());
        for (Participant other : participants.all()) {
            if (other != participant && other.state != State.RETURNING) {
                outbox.send(other.connection, returned);
            }
        }
        listener.returned(participant.member, participant.incarnation);
    }

    private void tellAbout(Participant other, Participant newcomer) {
        int connection = newcomer.connection;
        if (other.expendable) {
            outbox.send(connection, new Expendable(other.member.rank()));
        }
        if (other == newcomer || !other.hasEnded()) {
            return;
        }
        outbox.send(
                connection,
                other.state == State.LEFT
                        ? new Left(other.member.rank(), other.sent, other.lastCall, "")
                        : new LostExpendable(other.member, "it was lost before"));
    }

    private void offered(Participant participant, Offer offer) {
        if (contradicted) {
            return;
        }
        String fault = complete ? exchanges.offered(participant, offer) : Exchanges.outOfTurn(offer);
        if (fault != null) {
            lose(participant, fault);
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

    private void leave(Participant participant, Leave leave) {
        if (!complete) {
            lose(participant, "it left before all ranks had joined");
            return;
        }
        if (leave.sent().size() != worldSize) {
            lose(participant, "it left with " + leave.sent().size() + " counts for " + worldSize + " ranks");
            return;
        }
        participant.state = State.LEFT;
        participant.sent = leave.sent();
        participant.lastCall = leave.lastCall();
        String missed = exchanges.missing(participant);
        participants.sendNews(new Left(participant.member.rank(), leave.sent(), leave.lastCall(), missed));
        listener.left(participant.member);
        exchanges.finishWithoutAbsent();
    }

    private void lose(Participant participant, String reason) {
        boolean spared = complete && participant.expendable && end == null;
        if (spared && !participants.isBacked(participant)) {
            giveUp(participant.member, reason + "; nobody else holds what it held");
        } else if (spared) {
            spare(participant, reason);
        } else {
            giveUp(participant.member, reason);
        }
    }

    /** Ends the run, since a rank is lost that may not even have joined. */
    public void giveUp(Member member, String reason) {
        if (end != null) {
            return;
        }
        end = "the run has lost " + member + ": " + reason;
        participants.sendToAll(new Lost(member, reason));
        listener.lost(member, reason);
    }

    /** Continues without a lost rank. */
    private void spare(Participant participant, String reason) {
        participant.state = State.LOST;
        participant.offer = null;
        participants.sendNews(new LostExpendable(participant.member, reason));
        outbox.close(participant.connection);
        groupKeys.renew();
        listener.lostExpendable(participant.member, reason);
        exchanges.finishWithoutAbsent();
    }
}
