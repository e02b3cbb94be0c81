package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Offer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One process of a run as its coordinator knows it, from its join on. */
final class Participant {

    /**
     * Progress of a process: {@code JOINED, READY, LEFT}, or {@code LOST} at any point if the run continues without it.
     * A process that takes a lost one's seat begins with {@code RETURNING}.
     */
    enum State {
        /** It has a seat, but is not ready yet. */
        JOINED,

        /** It takes part, or will as soon as all others are ready. */
        READY,

        /** It has left in good order. */
        LEFT,

        /** It is expendable, and was lost. */
        LOST,

        /** It has joined for a lost rank's seat, but is not ready yet. Until then it is not in the run. */
        RETURNING
    }

    final int connection;
    final Join join;
    final int incarnation;
    final Pulse pulse;
    State state = State.JOINED;
    Member member;

    /** Its addresses for peers; until it is ready, those of its predecessor. */
    Map<String, String> addresses = Map.of();

    /** Whether the run may continue without it. */
    boolean expendable;

    /** If it is expendable only as long as others hold what it holds: their incarnations, by rank. */
    Map<Integer, Integer> backedBy = Map.of();

    /** Number of frames it has sent, if it has left in good order. */
    List<Long> sent = List.of();

    /** The topic of its last exchange, if it has left in good order. */
    String lastCall = "";

    /** Number of exchanges it has completed, by the ranks that took part. */
    final Map<List<Integer>, Integer> held = new HashMap<>();

    /** Its value in the exchange in which it waits. */
    @Nullable Offer offer;

    /** Creates the first process of a seat. */
    Participant(int connection, Join join, Member member, long now) {
        this(connection, join, member, now, 0);
    }

    /** Creates a process that takes the seat of a lost one. */
    Participant(int connection, Join join, Participant lost, long now) {
        this(connection, join, join.member(), now, lost.incarnation + 1);
        state = State.RETURNING;
        expendable = true;
        addresses = lost.addresses;
        backedBy = lost.backedBy;
    }

    private Participant(int connection, Join join, Member member, long now, int incarnation) {
        this.connection = connection;
        this.join = join;
        this.member = member;
        this.incarnation = incarnation;
        this.pulse = new Pulse(now);
    }

    /** Whether it lets the coordinator choose its rank. */
    boolean hasAnyRank() {
        return join.member().rank() == Message.ANY_RANK;
    }

    /** Whether it is not, or not yet again, in the run. */
    boolean hasEnded() {
        return state == State.LEFT || state == State.LOST || state == State.RETURNING;
    }

    /** Whether exchanges continue without it. */
    boolean isSpared() {
        return hasEnded() && expendable;
    }

    Seat seat() {
        return new Seat(member, addresses, incarnation);
    }
}
