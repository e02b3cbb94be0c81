package io.gyre.dl4j;

import io.gyre.World;
import io.gyre.session.Session;
import java.util.List;

/**
 * The ranks for which a process reads and computes.
 *
 * @param ranks of its seats, ascending
 * @param all number of ranks of all processes
 */
record Seats(List<Integer> ranks, int all) {

    Seats {
        ranks = List.copyOf(ranks);
    }

    static Seats of(Session session) {
        return new Seats(
                session.seats().stream().map(seat -> seat.world().rank()).toList(),
                session.world().size());
    }

    /** Those of a process that holds one rank. */
    static Seats of(World world) {
        return new Seats(List.of(world.rank()), world.size());
    }

    /** Number of seats. */
    int count() {
        return ranks.size();
    }

    /** The world as the lead sees it. */
    World world() {
        return new World(ranks.get(0), all);
    }
}
