package io.gyre.launcher;

import io.gyre.membership.RunListener;
import io.gyre.membership.SilenceLimits;
import io.gyre.transport.GyreVariable;
import io.gyre.transport.RendezvousServer;
import io.gyre.transport.StateDirectory;
import io.gyre.transport.UsherServer;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where the processes of each group meet, and where the leads of the groups and the servers do. */
final class GroupVenues implements AutoCloseable {

    private final GroupPlan groups;
    private final Optional<HostAddresses> hosts;
    private final RendezvousServer outer;
    private final List<UsherServer> ushers = new ArrayList<>();

    /** Where a process of a group that alone has its state keeps a copy; null if this host has no place for it. */
    private @Nullable StateDirectory state;

    /** That of each group; null for one that is to have one process, which would copy after every batch. */
    private final List<@Nullable Path> states = new ArrayList<>();

    /**
     * Opens them.
     *
     * @param site the run of groups and servers meets there, the groups at free ports of the same address
     * @param watches of the groups
     */
    static GroupVenues open(GroupPlan groups, LaunchSite site, RunListener watch, List<SeatWatch> watches) {
        GroupVenues venues = new GroupVenues(
                groups,
                site.hosts(),
                RendezvousServer.open(
                        site.bind(),
                        groups.size(),
                        site.joinTimeout(),
                        SilenceLimits.within(groups.lostAfter()),
                        site.secret(),
                        watch));
        try {
            venues.state = StateDirectory.open().orElse(null);
            for (int group = 0; group < watches.size(); group++) {
                venues.ushers.add(UsherServer.open(
                        new InetSocketAddress(site.bind().getAddress(), 0),
                        groups.groups().get(group).usherPlan(site.joinTimeout()),
                        site.secret(),
                        watches.get(group)));
                venues.states.add(venues.stateOf(group));
            }
            return venues;
        } catch (RuntimeException e) {
            venues.close();
            throw e;
        }
    }

    private GroupVenues(GroupPlan groups, Optional<HostAddresses> hosts, RendezvousServer outer) {
        this.groups = groups;
        this.hosts = hosts;
        this.outer = outer;
    }

    private @Nullable Path stateOf(int group) {
        return state == null || groups.groups().get(group).processes() == 1 ? null : state.part("group-" + group);
    }

    /** How a process is started. */
    RankStart start(Placement place, LaunchPlan plan) {
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
        Path copies = states.get(group);
        if (copies != null && place.here()) {
            own = own.withState(copies);
        }
        return RankStart.of(place, own, ushers.get(group).endpoint(), hosts, false);
    }

    @Override
    public void close() {
        ushers.forEach(UsherServer::close);
        outer.close();
        if (state != null) {
            state.close();
        }
    }
}
