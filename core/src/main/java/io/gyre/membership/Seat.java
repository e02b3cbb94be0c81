package io.gyre.membership;

import io.gyre.Member;
import java.util.Map;

/**
 * A rank's entry in the roster of a run.
 *
 * @param member who it is
 * @param addresses where its peers reach it; the transport gives the names their meaning
 * @param incarnation how many processes have had this seat before: 0, unless one was lost and another has come for it
 */
public record Seat(Member member, Map<String, String> addresses, int incarnation) {

    public Seat {
        addresses = Map.copyOf(addresses);
    }

    /** Of the first process that has it. */
    public Seat(Member member, Map<String, String> addresses) {
        this(member, addresses, 0);
    }
}
