package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Participant.State;
import java.util.Collection;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The participants of a run, by connection, which is the order of arrival, and by rank. */
final class Participants {

    private final int worldSize;
    private final Outbox outbox;
    private final NavigableMap<Integer, Participant> byConnection = new TreeMap<>();
    private final NavigableMap<Integer, Participant> byRank = new TreeMap<>();

    Participants(int worldSize, Outbox outbox) {
        this.worldSize = worldSize;
        this.outbox = outbox;
    }

    /** The participant on a connection; null if there is none. */
    @Nullable Participant on(int connection) {
        return byConnection.get(connection);
    }

    /** The holder of a rank's seat; null if there is none. */
    @Nullable Participant holder(int rank) {
        return byRank.get(rank);
    }

    /** The holder of a rank's seat in a complete run. */
    Participant seated(int rank) {
        Participant holder = byRank.get(rank);
        if (holder == null) {
            throw new IllegalStateException("rank " + rank + " is not in a run that is complete");
        }
        return holder;
    }

    /** All participants, in the order of arrival. */
    Collection<Participant> all() {
        return byConnection.values();
    }

    /** The first to arrive; null if there is none. */
    @Nullable Participant first() {
        return byConnection.isEmpty() ? null : byConnection.firstEntry().getValue();
    }

    /** Whether all take part that hold what a participant of a complete run holds. */
    boolean isBacked(Participant participant) {
        return participant.backedBy.entrySet().stream().allMatch(by -> {
            Participant holder = seated(by.getKey());
            return !holder.hasEnded() && holder.incarnation == by.getValue();
        });
    }

    boolean isFull() {
        return byConnection.size() == worldSize;
    }

    boolean areAll(Predicate<Participant> condition) {
        return byConnection.values().stream().allMatch(condition);
    }

    boolean isAny(Predicate<Participant> condition) {
        return byConnection.values().stream().anyMatch(condition);
    }

    /** By rank. */
    List<Member> members() {
        return byRank.values().stream().map(participant -> participant.member).toList();
    }

    /** By rank. */
    List<Seat> seats() {
        return byRank.values().stream().map(Participant::seat).toList();
    }

    /** Gives a seat to a newcomer. A holder that has it only by order of arrival moves: no rank knows of it yet. */
    void add(Participant newcomer) {
        Participant holder = byRank.remove(newcomer.member.rank());
        if (holder != null) {
            holder.member = withRank(holder.member, firstFreeBut(newcomer.member.rank()));
            byRank.put(holder.member.rank(), holder);
        }
        byRank.put(newcomer.member.rank(), newcomer);
        byConnection.put(newcomer.connection, newcomer);
    }

    /** Gives the seat of a lost process to another one. */
    void replace(Participant lost, Participant successor) {
        byConnection.remove(lost.connection);
        byConnection.put(successor.connection, successor);
        byRank.put(successor.member.rank(), successor);
    }

    /** The first rank whose seat is free. */
    int firstFree() {
        return firstFreeBut(Message.ANY_RANK);
    }

    private int firstFreeBut(int taken) {
        for (int rank = 0; rank < worldSize; rank++) {
            if (rank != taken && !byRank.containsKey(rank)) {
                return rank;
            }
        }
        throw new IllegalStateException("all " + worldSize + " seats are taken, but the run is not complete");
    }

    static Member withRank(Member member, int rank) {
        return new Member(rank, member.host(), member.pid());
    }

    /**
     * Sends to all that may still listen: those that have left stay until they know that the others have what they
     * sent.
     */
    void sendToAll(Message message) {
        byConnection.keySet().forEach(connection -> outbox.send(connection, message));
    }

    /**
     * As {@link #sendToAll}, except to processes that have taken a lost rank's seat and are not ready yet: they are
     * told the state of the run when they are admitted, and could not interpret changes before that.
     */
    void sendNews(Message message) {
        for (Participant participant : byConnection.values()) {
            if (participant.state != State.RETURNING) {
                outbox.send(participant.connection, message);
            }
        }
    }
}
