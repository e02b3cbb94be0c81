package io.gyre.launcher;

import java.time.Duration;
import java.util.List;

/**
 * A run of groups whose ranks are seats, and of servers. The processes are numbered group by group, and then come the
 * servers. In the run of groups and servers, a group is one rank: that of its lead.
 *
 * @param groups the seats of each group, and its processes
 * @param servers number of servers, each a process
 */
public record GroupPlan(List<SeatPlan> groups, int servers) {

    public GroupPlan {
        groups = List.copyOf(groups);
        if (groups.size() < 2 || servers < 1) {
            throw new IllegalArgumentException(groups.size() + " groups and " + servers
                    + " servers: groups that survive their processes need 2 groups and 1 server at least");
        }
    }

    /** Number of processes to start. */
    int all() {
        return processes() + servers;
    }

    /** Number of processes of all groups. */
    int processes() {
        return groups.stream().mapToInt(SeatPlan::all).sum();
    }

    /** Number of ranks of all groups, and servers. */
    int ranks() {
        return groups.stream().mapToInt(SeatPlan::seats).sum() + servers;
    }

    /** Number of ranks in the run of groups and servers. */
    int size() {
        return groups.size() + servers;
    }

    /** The group of a process; the number of groups for a server. */
    int groupOf(int process) {
        int first = 0;
        for (int group = 0; group < groups.size(); group++) {
            first += groups.get(group).all();
            if (process < first) {
                return group;
            }
        }
        return groups.size();
    }

    /** Whether a process is a server. */
    boolean isServer(int process) {
        return process >= processes();
    }

    /** The rank of a server in the run of groups and servers. */
    int rankOfServer(int process) {
        return groups.size() + process - processes();
    }

    /** The process that is a server, by its rank in the run of groups and servers. */
    int processOfServer(int rank) {
        return processes() + rank - groups.size();
    }

    /** Silence after which a process is lost. */
    Duration lostAfter() {
        return groups.get(0).lostAfter();
    }
}
