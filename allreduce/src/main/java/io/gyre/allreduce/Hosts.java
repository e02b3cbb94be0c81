package io.gyre.allreduce;

import io.gyre.ElementType;
import io.gyre.ReduceOp;
import io.gyre.memory.Region;
import io.gyre.network.Collective;
import io.gyre.network.Endpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which ranks share memory: the ranks of each host in ascending order, hosts in the order of their first ranks.
 *
 * @param ranksByHost each rank of the world once
 */
record Hosts(List<List<Integer>> ranksByHost) {

    private static final long NO_STEP = 0;
    private static final int NO_BUCKET = -1;

    /**
     * Gathers the hosts of all ranks. All ranks call it together.
     *
     * @param messages a collective over the endpoint that does not use shared memory
     */
    static Hosts of(Endpoint endpoint, Collective messages) {
        int size = endpoint.world().size();
        Region firsts = Region.allocate("first ranks of hosts", (long) size * Double.BYTES);
        double first = endpoint.boxes().ranks().stream()
                .mapToInt(Integer::intValue)
                .min()
                .orElseThrow();
        firsts.putDouble((long) endpoint.world().rank() * Double.BYTES, first);
        messages.allReduce(firsts, ElementType.FLOAT64, ReduceOp.SUM, NO_STEP, NO_BUCKET);
        Map<Integer, List<Integer>> byFirst = new TreeMap<>();
        for (int rank = 0; rank < size; rank++) {
            byFirst.computeIfAbsent((int) firsts.getDouble((long) rank * Double.BYTES), key -> new ArrayList<>())
                    .add(rank);
        }
        return new Hosts(List.copyOf(byFirst.values()));
    }

    /** Number of ranks on each host if it is the same on all hosts, otherwise 0. */
    int ranksEach() {
        int ranks = ranksByHost.get(0).size();
        return ranksByHost.stream().allMatch(host -> host.size() == ranks) ? ranks : 0;
    }

    /** Index of a rank's host. */
    int hostOf(int rank) {
        for (int host = 0; host < ranksByHost.size(); host++) {
            if (ranksByHost.get(host).contains(rank)) {
                return host;
            }
        }
        throw new IllegalArgumentException("rank " + rank + " is on no host of " + ranksByHost);
    }

    /** Index of a rank among the ranks of its host. */
    int placeOf(int rank) {
        return ranksByHost.get(hostOf(rank)).indexOf(rank);
    }

    /** The ranks of a host. */
    int[] host(int number) {
        return ranksByHost.get(number).stream().mapToInt(Integer::intValue).toArray();
    }

    /** The ranks with the same index on their hosts, in the order of hosts. */
    int[] column(int place) {
        return ranksByHost.stream().mapToInt(host -> host.get(place)).toArray();
    }
}
