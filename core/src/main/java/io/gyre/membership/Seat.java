package io.gyre.membership;

import io.gyre.Member;
import java.util.Map;

/**
 * A rank's entry in the roster of a run.
 *
 * @param member its current holder
 * @param addresses where its peers reach it; the transport gives the names their meaning
 * @param incarnation number of earlier processes in this seat: 0, unless one was lost and replaced
 */
public record Seat(Member member, Map<String, String> addresses, int incarnation) {

    public Seat {
        addresses = Map.copyOf(addresses);
    }

    /** Creates the entry of the seat's first process. */
    public Seat(Member member, Map<String, String> addresses) {
        this(member, addresses, 0);
    }
}
