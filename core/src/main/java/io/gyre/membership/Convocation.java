package io.gyre.membership;

import io.gyre.session.Reached;
import java.util.Comparator;
import java.util.List;

/** Who takes seats in the next generation, and the state with which it begins: a function of those that are there. */
final class Convocation {

    private static final Comparator<Reached> ORDER = Comparator.naturalOrder();

    /** The newest state that any of those that are there holds. */
    final Reached newest;

    /** Those that get seats. */
    final List<Attendee> seated;

    /**
     * Chooses them. If not all can have seats, those with the newest state come first, then those that have seats, then
     * by number.
     *
     * @param here those that can take seats, at least one
     * @param most how many processes hold the seats
     */
    Convocation(List<Attendee> here, int most) {
        newest = here.stream().map(each -> each.reached).max(ORDER).orElse(Reached.NOTHING);
        seated = here.stream()
                .sorted(Comparator.<Attendee, Boolean>comparing(each -> !each.reached.equals(newest))
                        .thenComparing(each -> !each.seated)
                        .thenComparingInt(each -> each.number))
                .limit(most)
                .toList();
    }

    /** Their numbers. */
    List<Integer> numbers() {
        return seated.stream().map(each -> each.number).toList();
    }

    /** The lowest seat with the newest state, from which others get it; {@link Message#NO_RANK} if there is no state. */
    int source(Seating assigned) {
        return seated.stream()
                .filter(each -> each.reached.equals(newest) && !newest.isNothing())
                .mapToInt(each -> assigned.seatsOf(each.number).get(0))
                .min()
                .orElse(Message.NO_RANK);
    }

    /** Most steps by which the state of one of them is behind the newest; 0 if none is. */
    long behind() {
        return seated.stream()
                .filter(each -> !each.reached.isNothing())
                .mapToLong(each -> newest.step() - each.reached.step())
                .max()
                .orElse(0);
    }
}
