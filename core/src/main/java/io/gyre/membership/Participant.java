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
     * How far it has come: {@code JOINED, READY, LEFT}, or {@code LOST} on the way if the run goes on without it. The
     * process that takes a lost one's seat begins with {@code RETURNING}.
     */
    enum State {
        /** It has a seat, and is not ready yet. */
        JOINED,

        /** It takes part, or will as soon as all others are ready. */
        READY,

        /** It has left in good order. */
        LEFT,

        /** It is expendable, and was lost. */
        LOST,

        /** It has come for a lost rank's seat, and is not ready yet. Until then it is not in the run. */
        RETURNING
    }

    final int connection;
    final Join join;
    final int incarnation;
    final Pulse pulse;
    State state = State.JOINED;
    Member member;

    /** Where its peers reach it; until it is ready, where they reached its predecessor. */
    Map<String, String> addresses = Map.of();

    /** Whether the run may go on without it. */
    boolean expendable;

    /** How many frames it has sent, if it has left in good order. */
    List<Long> sent = List.of();

    /** The topic of its last exchange, if it has left in good order. */
    String lastCall = "";

    /** How many exchanges it has held with whom. */
    final Map<List<Integer>, Integer> held = new HashMap<>();

    /** What it has brought to the exchange in which it waits. */
    @Nullable Offer offer;

    /** The first process in a seat. */
    Participant(int connection, Join join, Member member, long now) {
        this(connection, join, member, now, 0);
    }

    /** A process that takes the seat of one that was lost. */
    Participant(int connection, Join join, Participant lost, long now) {
        this(connection, join, join.member(), now, lost.incarnation + 1);
        state = State.RETURNING;
        expendable = true;
        addresses = lost.addresses;
    }

    private Participant(int connection, Join join, Member member, long now, int incarnation) {
        this.connection = connection;
        this.join = join;
        this.member = member;
        this.incarnation = incarnation;
        this.pulse = new Pulse(now);
    }

    /** Whether it leaves it to the coordinator which rank it becomes. */
    boolean hasAnyRank() {
        return join.member().rank() == Message.ANY_RANK;
    }

    /** Whether it is not, or not yet again, in the run. */
    boolean isGone() {
        return state == State.LEFT || state == State.LOST || state == State.RETURNING;
    }

    /** Whether exchanges do without it. */
    boolean isSpared() {
        return isGone() && expendable;
    }

    Seat seat() {
        return new Seat(member, addresses, incarnation);
    }
}
