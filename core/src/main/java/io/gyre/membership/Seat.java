package io.gyre.membership;

import io.gyre.Member;
import java.util.Map;

/**
 * A rank's entry in the roster of a run.
 *
 * @param member who it is
 * @param addresses where its peers reach it; the transport gives the names their meaning
 */
public record Seat(Member member, Map<String, String> addresses) {

    public Seat {
        addresses = Map.copyOf(addresses);
    }
}
