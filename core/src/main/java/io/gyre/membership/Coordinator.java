package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Disagreed;
import io.gyre.membership.Message.Expendable;
import io.gyre.membership.Message.Failed;
import io.gyre.membership.Message.Fallen;
import io.gyre.membership.Message.Heartbeat;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Leave;
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.Lost;
import io.gyre.membership.Message.Offer;
import io.gyre.membership.Message.Ready;
import io.gyre.membership.Message.Refused;
import io.gyre.membership.Message.Returned;
import io.gyre.membership.Message.Roster;
import io.gyre.membership.Message.Unaware;
import io.gyre.membership.Message.Value;
import io.gyre.membership.Message.Welcome;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Watches over one run: lets the ranks join, tells them of each other, passes their small values around, and gives the verdict
 * when one is dead. A state machine: it owns no clock, thread or socket, so any schedule of events can be played to it.
 *
 * <p>A run comes about once, with everybody, or not at all: the first loss ends it, unless that rank has said that it is
 * expendable, and so does a rank that has not come by the join deadline. A rank that does not fit is refused and named, and the
 * others go on waiting for the right one.
 *
 * <p>The seat of an expendable rank that was lost is given away again. Who takes it is awaited in exchanges from then on; those that
 * the others have held before are answered from a record, as if it had been there.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread. The outbox and the listener are called from inside the event's method.
 *   <dt>Time
 *   <dd>{@code now} is in nanoseconds, from any origin, and never goes back. {@link #tick} wants to be called every
 *       {@link #TICK}; silence is measured in ticks, so that a stalled coordinator does not blame the ranks.
 * </dl>
 */
public final class Coordinator {

    /** How often {@link #tick} should be called. */
    public static final Duration TICK = Duration.ofMillis(250);

    /** How often each side says that it is alive. */
    public static final Duration HEARTBEAT = Duration.ofMillis(500);

    /** Silence after which a rank is suspected: ten heartbeats, more than any pause of a healthy garbage collector. */
    public static final Duration SUSPICION = Duration.ofSeconds(5);

    /** Silence after which a rank is lost: a frozen process or a dead host. A process that dies is noticed at once. */
    public static final Duration LOSS = Duration.ofSeconds(15);

    /** Most bytes of exchanges that are kept for those who come back. */
    static final long RECORD_BYTES = 16 << 20;

    /** Most processes that may have a seat after each other: their streams are told apart by that number. */
    static final int MOST_INCARNATIONS = 100;

    private final RunId run;
    private final int worldSize;
    private final Member host;
    private final Duration joinTimeout;
    private final Outbox outbox;
    private final RunListener listener;
    private final long joinDeadline;
    private final UnstalledClock clock;

    /** By connection: the order of arrival. */
    private final TreeMap<Integer, Participant> participants = new TreeMap<>();

    private final List<String> refusals = new ArrayList<>();
    private final ExchangeRecord record;
    private long nextHeartbeat;
    private boolean complete;
    private @Nullable String end;

    /**
     * Begins to wait for the ranks.
     *
     * @param run name of the run
     * @param worldSize number of ranks
     * @param host who runs this coordinator; with rank {@link Message#NO_RANK} if that is no rank
     * @param joinTimeout how long to wait for everybody
     * @param now current time
     */
    public Coordinator(
            RunId run,
            int worldSize,
            Member host,
            Duration joinTimeout,
            Outbox outbox,
            RunListener listener,
            long now) {
        this(run, worldSize, host, joinTimeout, outbox, listener, now, new ExchangeRecord(RECORD_BYTES));
    }

    Coordinator(
            RunId run,
            int worldSize,
            Member host,
            Duration joinTimeout,
            Outbox outbox,
            RunListener listener,
            long now,
            ExchangeRecord record) {
        this.record = record;
        if (worldSize < 1) {
            throw new IllegalArgumentException("a run of " + worldSize + " ranks: at least 1 is needed");
        }
        this.run = run;
        this.worldSize = worldSize;
        this.host = host;
        this.joinTimeout = joinTimeout;
        this.outbox = outbox;
        this.listener = listener;
        this.joinDeadline = now + joinTimeout.toNanos();
        this.clock = new UnstalledClock(now, TICK.multipliedBy(2));
    }

    /** Who has joined, by rank. */
    public List<Member> members() {
        return byRank().values().stream().map(participant -> participant.member).toList();
    }

    /** Whether the run is over: failed, or everybody has left. */
    public boolean isOver() {
        return end != null || (complete && participants.values().stream().allMatch(participant -> participant.left));
    }

    /** Whether this connection has joined, and may thus send long messages. */
    public boolean hasJoined(int connection) {
        return participants.containsKey(connection);
    }

    /** Somebody has connected. */
    public void connected(int connection) {
        outbox.send(connection, new Welcome(Message.PROTOCOL_VERSION, run, worldSize, complete && !isSeatFree(), host));
    }

    /** A message has come. */
    public void received(int connection, Message message) {
        Participant participant = participants.get(connection);
        if (participant == null) {
            if (message instanceof Join join) {
                join(connection, join);
            } else {
                outbox.close(connection);
            }
            return;
        }
        participant.lastHeard = clock.time();
        participant.suspected = false;
        if (message instanceof Ready ready) {
            ready(participant, ready);
        } else if (message instanceof Offer offer) {
            offered(participant, offer);
        } else if (message instanceof Leave leave) {
            leave(participant, leave);
        } else if (message instanceof Expendable) {
            participant.expendable = true;
            sendToAll(new Expendable(participant.member.rank()));
            listener.expendable(participant.member);
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

    /** A connection has ended, and not by {@link Outbox#close}. */
    public void disconnected(int connection, String how) {
        Participant participant = participants.get(connection);
        if (participant != null && participant.coming) {
            participant.coming = false;
        } else if (participant != null && !participant.left) {
            lose(participant, how);
        }
    }

    /** Time has passed. */
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
        // A copy: a loss that ends nothing does not end the loop either.
        for (Participant participant : List.copyOf(participants.values())) {
            long silence = time - participant.lastHeard;
            if (participant.left) {
                continue;
            }
            if (silence > LOSS.toNanos()) {
                lose(
                        participant,
                        "nothing has come from it for " + LOSS.toSeconds() + " s, though its connection is open");
                if (end != null) {
                    return;
                }
                continue;
            }
            if (silence > SUSPICION.toNanos() && !participant.suspected) {
                participant.suspected = true;
                listener.suspected(participant.member, Duration.ofNanos(silence));
            }
        }
    }

    private void join(int connection, Join join) {
        String objection = objection(join);
        if (objection != null) {
            refusals.add(objection);
            listener.refused(objection);
            outbox.send(connection, new Refused(objection));
            outbox.close(connection);
            return;
        }
        NavigableMap<Integer, Participant> seats = byRank();
        int rank = join.member().rank();
        if (complete) {
            comeBack(connection, join, seat(rank));
            return;
        }
        if (rank == Message.ANY_RANK) {
            rank = firstFree(seats);
        } else {
            Participant holder = seats.get(rank);
            if (holder != null) {
                // It has its rank by arrival only, and nobody knows of it yet.
                holder.member = withRank(holder.member, firstFree(seats));
            }
        }
        Participant participant = new Participant(connection, join, withRank(join.member(), rank), clock.time());
        participants.put(connection, participant);
        listener.joined(participant.member);
    }

    /** Lets a new process have a lost rank's seat; it is in the run when it is ready. */
    private void comeBack(int connection, Join join, Participant lost) {
        Participant successor = new Participant(connection, join, join.member(), clock.time());
        successor.succeed(lost);
        participants.remove(lost.connection);
        participants.put(connection, successor);
        listener.joined(successor.member);
    }

    private void ready(Participant participant, Ready ready) {
        if (participant.ready != null) {
            lose(participant, "it said twice that it is ready");
            return;
        }
        participant.ready = ready;
        if (participant.coming) {
            takeIn(participant);
            return;
        }
        if (end == null
                && participants.size() == worldSize
                && participants.values().stream().allMatch(other -> other.ready != null)) {
            complete();
        }
    }

    /** Why this rank cannot take part, or null if it can. */
    private @Nullable String objection(Join join) {
        Member newcomer = join.member();
        String who = newcomer.rank() == Message.ANY_RANK
                ? "a rank without number (host " + newcomer.host() + ", pid " + newcomer.pid() + ")"
                : newcomer.toString();
        if (join.protocolVersion() != Message.PROTOCOL_VERSION) {
            return who + " speaks version " + join.protocolVersion()
                    + " of the control protocol, the rendezvous on host " + host.host() + " version "
                    + Message.PROTOCOL_VERSION + ": use the same Gyre on all hosts";
        }
        if (end != null) {
            return who + " comes too late: " + end + ". Start a new run";
        }
        if (join.worldSize() != worldSize) {
            return who + " expects a world of " + join.worldSize() + " ranks, " + namedExample() + " expects "
                    + worldSize;
        }
        if (newcomer.rank() < Message.ANY_RANK || newcomer.rank() >= worldSize) {
            return who + " does not exist in a world of " + worldSize + " ranks (0 to " + (worldSize - 1) + ")";
        }
        Participant holder = byRank().get(newcomer.rank());
        if (complete) {
            String objection = objectionToReturn(newcomer, who);
            if (objection != null) {
                return objection;
            }
        } else if (holder != null && !holder.anyRank) {
            return twice(who, holder);
        }
        if (participants.size() == worldSize && !complete) {
            return who + " comes too late: all " + worldSize + " ranks are here already " + members();
        }
        return differentOption(join, who);
    }

    /** Why a seat in a run that has begun is not given away, or null. */
    private @Nullable String objectionToReturn(Member newcomer, String who) {
        if (newcomer.rank() == Message.ANY_RANK) {
            return who + " comes too late: all " + worldSize + " ranks are here already " + members()
                    + ". The seat of a rank that was lost is given to that rank only";
        }
        Participant holder = seat(newcomer.rank());
        if (!holder.left || holder.coming) {
            return twice(who, holder);
        }
        if (!holder.fallen) {
            return who + " comes too late: rank " + newcomer.rank() + " (host " + holder.member.host() + ", pid "
                    + holder.member.pid() + ") has left the run in good order. Start a new run";
        }
        for (Participant other : participants.values()) {
            if (other.left && !other.expendable) {
                return who + " comes too late: " + other.member + " has left, and the run ends. Start a new run";
            }
        }
        if (!newcomer.host().equals(holder.member.host())) {
            return who + " wants the seat of a rank that was lost on host " + holder.member.host() + ": start it there";
        }
        if (holder.incarnation == MOST_INCARNATIONS) {
            return who + " was lost for the " + (MOST_INCARNATIONS + 1)
                    + ". time: it is not taken in again. Look for what kills it";
        }
        if (record.isTooLong()) {
            return who + " cannot be told what the others have agreed on: that was more than the " + record.limitBytes()
                    + " bytes that are kept. The run goes on without it";
        }
        return null;
    }

    private static String twice(String who, Participant holder) {
        return who + " is there twice: host " + holder.member.host() + ", pid " + holder.member.pid()
                + " came first. Every process needs a rank of its own";
    }

    private boolean isSeatFree() {
        return participants.values().stream().anyMatch(participant -> participant.fallen && !participant.coming);
    }

    private @Nullable String differentOption(Join join, String who) {
        if (participants.isEmpty()) {
            return null;
        }
        Participant first = participants.firstEntry().getValue();
        TreeMap<String, String> names = first.join.sortedOptions();
        names.putAll(join.options());
        for (String name : names.keySet()) {
            String theirs = first.join.options().get(name);
            String own = join.options().get(name);
            if (own == null || !own.equals(theirs)) {
                return who + " has " + name + " = " + own + ", " + first.member + " has " + theirs
                        + ". All ranks need the same options";
            }
        }
        return null;
    }

    private String namedExample() {
        return participants.isEmpty()
                ? "the rendezvous on host " + host.host()
                : participants.firstEntry().getValue().member.toString();
    }

    private int firstFree(Map<Integer, Participant> seats) {
        for (int rank = 0; rank < worldSize; rank++) {
            if (!seats.containsKey(rank)) {
                return rank;
            }
        }
        throw new IllegalStateException("all " + worldSize + " seats are taken, but the run is not complete");
    }

    private static Member withRank(Member member, int rank) {
        return new Member(rank, member.host(), member.pid());
    }

    private void complete() {
        complete = true;
        List<Seat> seats = seats();
        for (Participant participant : participants.values()) {
            outbox.send(participant.connection, new Roster(participant.member.rank(), seats));
        }
        listener.complete(members());
    }

    private List<Seat> seats() {
        return byRank().values().stream().map(Participant::seat).toList();
    }

    /** Tells one who has come for a lost rank's seat how things are, and the others that it is there. */
    private void takeIn(Participant participant) {
        if (end != null) {
            return;
        }
        int connection = participant.connection;
        for (Participant other : participants.values()) {
            if (other.expendable) {
                outbox.send(connection, new Expendable(other.member.rank()));
            }
            if (other != participant && other.fallen) {
                outbox.send(connection, new Fallen(other.member, "it was lost before"));
            } else if (other != participant && other.left) {
                outbox.send(connection, new Left(other.member.rank(), other.sent, other.lastCall, ""));
            }
        }
        participant.left = false;
        participant.fallen = false;
        participant.coming = false;
        participant.lastHeard = clock.time();
        outbox.send(connection, new Roster(participant.member.rank(), seats()));
        Returned returned = new Returned(participant.seat());
        participants.values().stream()
                .filter(other -> other != participant)
                .forEach(other -> outbox.send(other.connection, returned));
        listener.returned(participant.member, participant.incarnation);
    }

    private NavigableMap<Integer, Participant> byRank() {
        NavigableMap<Integer, Participant> seats = new TreeMap<>();
        participants.values().forEach(participant -> seats.put(participant.member.rank(), participant));
        return seats;
    }

    private void expire() {
        NavigableMap<Integer, Participant> seats = byRank();
        List<Integer> missing = new ArrayList<>();
        List<Member> unready = new ArrayList<>();
        for (int rank = 0; rank < worldSize; rank++) {
            Participant participant = seats.get(rank);
            if (participant == null) {
                missing.add(rank);
            } else if (participant.ready == null) {
                unready.add(participant.member);
            }
        }
        StringBuilder reason = new StringBuilder("the run did not come about within ")
                .append(joinTimeout.toMillis())
                .append(" ms.");
        append(reason, "Missing of " + worldSize + " ranks", missing);
        append(reason, "Come, but never ready", unready);
        append(reason, "Here", members());
        append(reason, "Turned away", refusals);
        end = reason.append(
                        " Look at the output of those that are missing, or raise the join timeout if they are slow.")
                .toString();
        sendToAll(new Refused(end));
        participants.keySet().forEach(outbox::close);
        listener.failed(end);
    }

    private static void append(StringBuilder text, String label, List<?> values) {
        if (!values.isEmpty()) {
            text.append(' ').append(label).append(": ").append(values).append('.');
        }
    }

    private void offered(Participant participant, Offer offer) {
        if (!complete || participant.offer != null) {
            lose(participant, "it offered a value for '" + offer.topic() + "' out of turn");
            return;
        }
        if (!offer.ranks().contains(participant.member.rank())
                || offer.ranks().stream().anyMatch(rank -> rank < 0 || rank >= worldSize)) {
            lose(participant, "it offered a value for '" + offer.topic() + "' among ranks " + offer.ranks());
            return;
        }
        ExchangeRecord.Round past = record.round(offer.ranks(), participant.held.getOrDefault(offer.ranks(), 0));
        if (past != null) {
            repeat(participant, offer, past);
            return;
        }
        participant.offer = offer;
        int awaited = firstAwaited(offer.ranks());
        if (awaited == Message.NO_RANK) {
            finishRound(offer.ranks());
        } else {
            outbox.send(participant.connection, new Heartbeat(awaited));
        }
    }

    /** Answers one who has come back as the others were answered. Where nobody sat in its seat, it finds its own value there. */
    private void repeat(Participant participant, Offer offer, ExchangeRecord.Round past) {
        if (!past.topic().equals(offer.topic())) {
            lose(
                    participant,
                    "it came back and exchanged '" + offer.topic() + "' where the others had exchanged '" + past.topic()
                            + "'. A rank that comes back must run the same program with the same options");
            return;
        }
        participant.held.merge(offer.ranks(), 1, Integer::sum);
        past.values().forEach((rank, value) -> {
            boolean ownAndNew = rank == participant.member.rank() && !value.hasRemaining();
            outbox.send(participant.connection, new Value(rank, ownAndNew ? offer.value() : value));
        });
    }

    private void finishRound(List<Integer> ranks) {
        TreeMap<Integer, Offer> offers = new TreeMap<>();
        List<Participant> waiting = new ArrayList<>();
        for (int rank : ranks) {
            Participant participant = seat(rank);
            Offer offer = participant.offer;
            participant.offer = null;
            if (offer != null) {
                offers.put(rank, offer);
                waiting.add(participant);
            }
        }
        String topic = offers.firstEntry().getValue().topic();
        for (Map.Entry<Integer, Offer> entry : offers.entrySet()) {
            if (!entry.getValue().topic().equals(topic)) {
                sendToAll(new Disagreed("ranks exchange different things: " + waiting.get(0).member + " '" + topic
                        + "', " + seat(entry.getKey()).member + " '"
                        + entry.getValue().topic() + "'. All ranks must run the same program with the same options."));
                return;
            }
        }
        Offer nothing = new Offer(ranks, topic, ByteBuffer.allocate(0));
        Map<Integer, ByteBuffer> values = new TreeMap<>();
        for (int rank : ranks) {
            Value value = new Value(rank, offers.getOrDefault(rank, nothing).value());
            values.put(rank, value.value());
            waiting.forEach(receiver -> outbox.send(receiver.connection, value));
        }
        waiting.forEach(participant -> participant.held.merge(ranks, 1, Integer::sum));
        record.add(ranks, topic, values);
    }

    private Participant seat(int rank) {
        for (Participant participant : participants.values()) {
            if (participant.member.rank() == rank) {
                return participant;
            }
        }
        throw new IllegalStateException("rank " + rank + " is not in a run that is complete");
    }

    /** The first rank that an exchange still waits for; no rank if that is nobody. */
    private int firstAwaited(List<Integer> ranks) {
        for (int rank : ranks) {
            Participant participant = seat(rank);
            boolean missed = !(participant.left && participant.expendable);
            if (missed
                    && (participant.offer == null || !participant.offer.ranks().equals(ranks))) {
                return rank;
            }
        }
        return Message.NO_RANK;
    }

    /** Tells each rank that waits in an exchange for whom it waits. */
    private void sendHeartbeats() {
        for (Participant participant : participants.values()) {
            Offer offer = participant.offer;
            int awaited = offer == null ? Message.NO_RANK : firstAwaited(offer.ranks());
            outbox.send(participant.connection, new Heartbeat(awaited));
        }
    }

    /** Ends the exchanges that waited only for ranks which have gone and are not missed. */
    private void finishRoundsWithoutTheGone() {
        for (Participant participant : participants.values()) {
            Offer offer = participant.offer;
            if (offer != null && firstAwaited(offer.ranks()) == Message.NO_RANK) {
                finishRound(offer.ranks());
            }
        }
    }

    private void leave(Participant participant, Leave leave) {
        if (!complete) {
            lose(participant, "it left before everybody had come");
            return;
        }
        if (leave.sent().size() != worldSize) {
            lose(participant, "it left with " + leave.sent().size() + " counts for " + worldSize + " ranks");
            return;
        }
        participant.left = true;
        participant.sent = leave.sent();
        participant.lastCall = leave.lastCall();
        sendToAll(new Left(participant.member.rank(), leave.sent(), leave.lastCall(), missedBy(participant)));
        listener.left(participant.member);
        finishRoundsWithoutTheGone();
    }

    /** The exchange in which another rank waits for one that has left. */
    private String missedBy(Participant gone) {
        int rank = gone.member.rank();
        for (Participant other : participants.values()) {
            Offer offer = other.offer;
            if (offer != null && !gone.expendable && offer.ranks().contains(rank)) {
                return "'" + offer.topic() + "' of " + other.member;
            }
        }
        return "";
    }

    private void lose(Participant participant, String reason) {
        if (end != null) {
            return;
        }
        if (complete && participant.expendable) {
            participant.left = true;
            participant.fallen = true;
            participant.coming = false;
            participant.offer = null;
            sendToAll(new Fallen(participant.member, reason));
            outbox.close(participant.connection);
            listener.fallen(participant.member, reason);
            finishRoundsWithoutTheGone();
            return;
        }
        end = "the run has lost " + participant.member + ": " + reason;
        sendToAll(new Lost(participant.member, reason));
        listener.lost(participant.member, reason);
    }

    /** To everybody who may still listen: those who have left stay until they know that the others have what they sent. */
    private void sendToAll(Message message) {
        participants.values().forEach(participant -> outbox.send(participant.connection, message));
    }
}
