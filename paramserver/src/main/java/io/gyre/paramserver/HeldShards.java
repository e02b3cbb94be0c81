package io.gyre.paramserver;

import io.gyre.session.Session;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The shards that a rank holds: none if it does not serve, one if it does, and one more with backups. Keeps the
 * coordinator informed of whose copies make this rank expendable.
 */
final class HeldShards {

    private final Session session;
    private final List<PeerShard> held = new ArrayList<>();

    /** Incarnations of the ranks that hold all that this one holds, as the coordinator knows them. */
    private final SortedMap<Integer, Integer> backedBy = new TreeMap<>();

    private volatile Map<Integer, Integer> told = Map.of();

    /**
     * Prepares the shards of this rank.
     *
     * @param allocator of their memory
     */
    HeldShards(Session session, ServiceBuilder options, Roles roles, ShardTable.Allocator allocator) {
        this.session = session;
        int own = session.world().rank();
        int count = roles.serverRanks().size();
        MemoryBudget budget = new MemoryBudget(roles.serverRanks().indexOf(own), count, options.memoryLimit);
        List<Integer> leads = roles.groups().leads();
        for (int shard = 0; shard < count; shard++) {
            List<Integer> holders = roles.holders(shard);
            if (!holders.contains(own)) {
                continue;
            }
            ShardTable table = new ShardTable(shard, count, leads, options.training, budget, allocator);
            ShardServer server = new ShardServer(table, leads, roles.workerRanks(), options.faults);
            held.add(new PeerShard(shard, server, null, holders.size() > 1 ? copy(shard, holders, server) : null));
        }
    }

    private ShardCopy copy(int shard, List<Integer> holders, ShardServer server) {
        int own = session.world().rank();
        int partner = holders.get(0) == own ? holders.get(1) : holders.get(0);
        ShardCopy.Role role = session.incarnation(own) > 0
                ? ShardCopy.Role.NEWCOMER
                : holders.get(0) == own ? ShardCopy.Role.PRIMARY : ShardCopy.Role.BACKUP;
        return new ShardCopy(shard, partner, session.incarnation(partner), server, role, any -> announce());
    }

    /** Tells the coordinator by whom this rank is backed, if there are backups. */
    void announce() {
        List<ShardCopy> copies = copies();
        for (ShardCopy copy : copies) {
            boolean backed = copies.stream()
                    .filter(other -> other.partner() == copy.partner())
                    .allMatch(ShardCopy::isBacked);
            if (backed) {
                backedBy.put(copy.partner(), copy.partnerIncarnation());
            }
        }
        boolean known = copies.stream().allMatch(copy -> backedBy.containsKey(copy.partner()));
        if (!copies.isEmpty() && known) {
            session.beExpendable(backedBy);
            told = Map.copyOf(backedBy);
        }
    }

    /**
     * By whom this rank is backed, as the coordinator was told: an incarnation for each rank; empty without backups.
     * May be called from any thread.
     */
    Map<Integer, Integer> backedBy() {
        return told;
    }

    private List<ShardCopy> copies() {
        List<ShardCopy> copies = new ArrayList<>();
        for (PeerShard each : held) {
            ShardCopy copy = each.copy();
            if (copy != null) {
                copies.add(copy);
            }
        }
        return copies;
    }

    /** The servers of all shards that this rank holds. */
    List<ShardServer> servers() {
        List<ShardServer> servers = new ArrayList<>();
        for (PeerShard each : held) {
            ShardServer server = each.server();
            if (server != null) {
                servers.add(server);
            }
        }
        return servers;
    }

    /**
     * What this rank and another have to do with each other.
     *
     * @param isClient whether the other makes requests
     * @param links this rank's, to the servers that the other may be; empty if this rank makes no requests
     */
    List<PeerShard> with(int rank, boolean isClient, List<ServerLink> links, Roles roles) {
        List<PeerShard> shared = new ArrayList<>();
        for (int shard = 0; shard < roles.serverRanks().size(); shard++) {
            PeerShard own = find(shard);
            ShardServer server = own == null || !isClient ? null : own.server();
            ServerLink link = links.isEmpty() || !roles.holders(shard).contains(rank) ? null : links.get(shard);
            ShardCopy copy = own == null ? null : own.copy();
            ShardCopy withRank = copy == null || copy.partner() != rank ? null : copy;
            if (server != null || link != null || withRank != null) {
                shared.add(new PeerShard(shard, server, link, withRank));
            }
        }
        return shared;
    }

    private @Nullable PeerShard find(int shard) {
        return held.stream().filter(each -> each.shard() == shard).findFirst().orElse(null);
    }

    /** Whether a client has left in good order. */
    boolean anyLeft() {
        return servers().stream().anyMatch(server -> server.clients().anyLeft());
    }
}
