package io.gyre.launcher;

import io.gyre.membership.RunListener;
import io.gyre.membership.SilenceLimits;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.RendezvousServer;
import io.gyre.transport.RunSecret;
import io.gyre.transport.UsherServer;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where the processes of each group meet, and where the leads of the groups and the servers do. */
final class GroupVenues implements AutoCloseable {

    private final GroupPlan groups;
    private final RendezvousServer outer;
    private final List<UsherServer> ushers = new ArrayList<>();

    /**
     * Opens them.
     *
     * @param bind of the run of groups and servers; the others are on free ports of the same address
     * @param watches of the groups
     */
    static GroupVenues open(
            GroupPlan groups,
            InetSocketAddress bind,
            Duration joinTimeout,
            RunSecret secret,
            RunListener watch,
            List<SeatWatch> watches) {
        GroupVenues venues = new GroupVenues(
                groups,
                RendezvousServer.open(
                        bind, groups.size(), joinTimeout, SilenceLimits.within(groups.lostAfter()), secret, watch));
        try {
            for (int group = 0; group < watches.size(); group++) {
                venues.ushers.add(UsherServer.open(
                        new InetSocketAddress(bind.getAddress(), 0),
                        groups.groups().get(group).usherPlan(joinTimeout),
                        secret,
                        watches.get(group)));
            }
            return venues;
        } catch (RuntimeException e) {
            venues.close();
            throw e;
        }
    }

    private GroupVenues(GroupPlan groups, RendezvousServer outer) {
        this.groups = groups;
        this.outer = outer;
    }

    /** How a process is started. */
    RankStart start(Placement place, LaunchPlan plan, Optional<HostAddresses> hosts) {
        int process = place.rank();
        if (groups.isServer(process)) {
            int rank = groups.rankOfServer(process);
            // As if all groups and servers were here: a rank cannot have more neighbours than there are.
            Placement ofServer = new Placement(rank, groups.size(), place.host(), place.here(), rank, groups.size());
            LaunchPlan own = plan.ofProcess(
                    Optional.empty(), Map.of(GyreVariable.GROUPS_SIZE.key(), String.valueOf(groups.size())));
            return RankStart.of(ofServer, own, outer.endpoint(), hosts, false).at(place);
        }
        int group = groups.groupOf(process);
        Map<String, String> variables = Map.of(
                GyreVariable.GROUP.key(), String.valueOf(group),
                GyreVariable.GROUPS_SIZE.key(), String.valueOf(groups.size()),
                GyreVariable.GROUPS_RENDEZVOUS.key(), outer.endpoint());
        LaunchPlan own = plan.ofProcess(Optional.of(groups.groups().get(group)), variables);
        return RankStart.of(place, own, ushers.get(group).endpoint(), hosts, false);
    }

    @Override
    public void close() {
        ushers.forEach(UsherServer::close);
        outer.close();
    }
}
