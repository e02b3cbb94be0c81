package io.gyre.membership;

import io.gyre.Member;
import io.gyre.membership.Message.Join;
import io.gyre.membership.Message.Offer;
import io.gyre.membership.Message.Ready;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One rank of a run as its coordinator knows it, from its join on. */
final class Participant {
    final int connection;
    final boolean anyRank;
    final Join join;
    Member member;
    long lastHeard;
    boolean suspected;

    /** Whether it is in the run no more, or, having come for a lost rank's seat, not yet. */
    boolean left;

    boolean fallen;
    boolean expendable;

    /** Whether it has come for a lost rank's seat, and is not ready yet. */
    boolean coming;

    int incarnation;

    @Nullable Ready ready;

    /** Where its predecessor was. */
    Map<String, String> addressesBefore = Map.of();

    /** How many frames it has sent, if it has left in good order. */
    List<Long> sent = List.of();

    /** The topic of its last exchange, if it has left in good order. */
    String lastCall = "";

    /** How many exchanges it has held with whom. */
    final Map<List<Integer>, Integer> held = new HashMap<>();

    @Nullable Offer offer;

    Participant(int connection, Join join, Member member, long now) {
        this.connection = connection;
        this.join = join;
        this.anyRank = join.member().rank() == Message.ANY_RANK;
        this.member = member;
        this.lastHeard = now;
    }

    /** Takes the seat of one that was lost, but is not in the run before it is ready. */
    void succeed(Participant lost) {
        left = true;
        fallen = true;
        expendable = true;
        coming = true;
        incarnation = lost.incarnation + 1;
        addressesBefore = lost.seat().addresses();
    }

    Seat seat() {
        Ready known = ready;
        return new Seat(member, known == null ? addressesBefore : known.addresses(), incarnation);
    }
}
