package io.gyre.membership;

import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.membership.Message.Left;
import io.gyre.membership.Message.LostExpendable;
import io.gyre.membership.Message.Roster;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one rank knows of its run. Immutable: each message of the coordinator produces a new view. So any thread may
 * read it without a lock, and a thread that sees a restarted worker sees its new process, too.
 *
 * @param rank this process's rank; the requested one, before the roster has arrived
 * @param seats current holders of the seats, by rank; empty before the roster has arrived
 * @param departures how ranks ended without ending the run, by rank
 * @param expendable ranks whose loss does not end the run
 * @param ending why the run cannot continue for this rank; null as long as it can
 */
record RunView(
        int rank,
        List<Seat> seats,
        Map<Integer, Departure> departures,
        Set<Integer> expendable,
        @Nullable Ending ending) {

    /**
     * How a rank ended without ending the run.
     *
     * @param how description
     * @param sent number of frames that it reports to have sent to each rank; empty if it did not report
     */
    record Departure(String how, List<Long> sent) {}

    RunView {
        seats = List.copyOf(seats);
        departures = Map.copyOf(departures);
        expendable = Set.copyOf(expendable);
    }

    /** The view of a rank that knows nothing yet. */
    static RunView of(int rank) {
        return new RunView(rank, List.of(), Map.of(), Set.of(), null);
    }

    /** With all seats taken. */
    RunView rostered(Roster roster) {
        return new RunView(roster.rank(), roster.seats(), departures, expendable, ending);
    }

    /** Without a rank that has left in good order. */
    RunView left(Left left) {
        return departed(left.rank(), new Departure(PeerLostException.left(left.lastCall()), left.sent()));
    }

    /** Without an expendable rank that was lost. */
    RunView lostExpendable(LostExpendable lost) {
        return departed(lost.member().rank(), new Departure(lost.reason(), List.of()));
    }

    private RunView departed(int departed, Departure departure) {
        Map<Integer, Departure> now = new HashMap<>(departures);
        now.put(departed, departure);
        return new RunView(rank, seats, now, expendable, ending);
    }

    /** With a new process in a lost rank's seat. */
    RunView returned(Seat seat) {
        int back = seat.member().rank();
        List<Seat> seatsNow = new ArrayList<>(seats);
        seatsNow.set(back, seat);
        Map<Integer, Departure> departuresNow = new HashMap<>(departures);
        departuresNow.remove(back);
        return new RunView(rank, seatsNow, departuresNow, expendable, ending);
    }

    /** With one more expendable rank. */
    RunView withExpendable(int other) {
        Set<Integer> now = new HashSet<>(expendable);
        now.add(other);
        return new RunView(rank, seats, departures, now, ending);
    }

    /** With the end of the run. Only the first ending counts. */
    RunView ended(Ending reason) {
        return ending == null ? new RunView(rank, seats, departures, expendable, reason) : this;
    }

    /** Whether the roster has arrived. */
    boolean isComplete() {
        return !seats.isEmpty();
    }

    /** The current holder of a rank's seat. */
    Member member(int other) {
        return seats.get(other).member();
    }

    /** Whether a rank has ended without ending the run. */
    boolean hasLeft(int other) {
        return departures.containsKey(other);
    }

    /** How a rank ended that {@link #hasLeft}, in words. */
    String howLeft(int other) {
        Departure departure = departures.get(other);
        return departure == null ? PeerLostException.LEFT : departure.how();
    }

    /** Number of frames that a rank that has left reports to have sent to this one; 0 if it did not report. */
    long sentBy(int other) {
        Departure departure = departures.get(other);
        return departure == null || departure.sent().isEmpty()
                ? 0
                : departure.sent().get(rank);
    }

    /** Whether a rank has ended that is not expendable. */
    boolean isAbsent(int other) {
        return hasLeft(other) && !expendable.contains(other);
    }

    /** Whether the run continues, and all of {@code ranks} that are not expendable are in it. */
    boolean isWhole(List<Integer> ranks) {
        return ending == null && ranks.stream().noneMatch(this::isAbsent);
    }

    /** Whether this is the first rank still in the run: it logs for all. */
    boolean reportsForAll() {
        for (int other = 0; other < rank; other++) {
            if (!hasLeft(other)) {
                return false;
            }
        }
        return isComplete() && !hasLeft(rank);
    }
}
