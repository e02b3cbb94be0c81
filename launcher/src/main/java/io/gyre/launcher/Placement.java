package io.gyre.launcher;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Where one rank runs.
 *
 * @param rank rank in the run
 * @param size number of ranks in the run
 * @param host name of its host
 * @param here whether that is the launcher's own host, which needs no ssh
 * @param localRank number of this rank among those of its host, from 0
 * @param localSize number of ranks on its host
 */
record Placement(int rank, int size, String host, boolean here, int localRank, int localSize) {

    /** This place, with another number of ranks on its host. */
    Placement with(int ranksOnHost) {
        return new Placement(rank, size, host, here, Math.min(localRank, ranksOnHost - 1), ranksOnHost);
    }

    /**
     * Distributes ranks over hosts in order, neighbours on one host; if they do not divide evenly, the first hosts take
     * one more.
     *
     * @param here whether a host is the launcher's own
     */
    static List<Placement> spread(int size, List<String> hosts, Predicate<String> here) {
        List<Placement> places = new ArrayList<>();
        int rank = 0;
        for (int h = 0; h < hosts.size(); h++) {
            String host = hosts.get(h);
            int localSize = size / hosts.size() + (h < size % hosts.size() ? 1 : 0);
            for (int localRank = 0; localRank < localSize; localRank++) {
                places.add(new Placement(rank++, size, host, here.test(host), localRank, localSize));
            }
        }
        return List.copyOf(places);
    }
}
