package io.gyre.paramserver;

import io.gyre.session.Groups;
import io.gyre.session.Session;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Which ranks serve, which work, and which of the workers exchange with the servers. The same on all ranks. */
final class Roles {

    private final Session session;
    private final List<Integer> workerRanks;
    private final List<Integer> serverRanks;
    private final int backups;
    private final Groups groups;
    private final Session alike;
    private final @Nullable Session trainers;

    /**
     * Divides a session. All its ranks call it together.
     *
     * @param servers number of ranks, the last ones, that only serve; 0 if all ranks serve and work
     * @param backups of each shard, 0 or 1
     * @param divide divides that many workers into groups
     */
    Roles(Session session, int servers, int backups, IntFunction<Groups> divide) {
        this.backups = backups;
        int size = session.world().size();
        if (servers < 0 || servers >= size) {
            throw new IllegalArgumentException(
                    servers + " servers of " + size + " ranks: 0 to " + (size - 1) + " can serve only");
        }
        this.session = session;
        workerRanks = IntStream.range(0, size - servers).boxed().toList();
        serverRanks =
                IntStream.range(servers == 0 ? 0 : size - servers, size).boxed().toList();
        List<Integer> ownKind = works() ? workerRanks : serverRanks;
        alike = ownKind.size() == size ? session : session.group(ownKind);
        // Workers are the first ranks of the session, and so have the same numbers in both.
        groups = divide.apply(workerRanks.size());
        trainers = groups.leads().contains(own()) ? session.group(groups.leads()) : null;
    }

    private int own() {
        return session.world().rank();
    }

    /** Whether this rank is a worker. */
    boolean works() {
        return workerRanks.contains(own());
    }

    /** Whether this rank is a server, and perhaps a worker, too. */
    boolean serves() {
        return serverRanks.contains(own());
    }

    /** Ranks that work, ascending. */
    List<Integer> workerRanks() {
        return workerRanks;
    }

    /** Ranks that serve, by shard. */
    List<Integer> serverRanks() {
        return serverRanks;
    }

    /**
     * Ranks of the servers that hold a shard: the primary at the start of the run, and its backup if there is one,
     * which is the next server.
     */
    List<Integer> holders(int shard) {
        return backups == 0
                ? List.of(serverRanks.get(shard))
                : List.of(serverRanks.get(shard), serverRanks.get((shard + 1) % serverRanks.size()));
    }

    /** The workers, as a session of their own; on a rank that only serves, the servers. */
    Session alike() {
        return alike;
    }

    /** How the workers are divided. */
    Groups groups() {
        return groups;
    }

    /** Ranks of this worker's group; empty on a rank that only serves. */
    List<Integer> groupRanks() {
        return works() ? groups.of(own()) : List.of();
    }

    /** This worker's group, as a session of its own. */
    Session group() {
        if (!works()) {
            throw new IllegalStateException("rank " + own() + " only serves, and is in no group");
        }
        return session.group(groupRanks());
    }

    /** Whether this rank exchanges with the servers for its group. */
    boolean isLead() {
        return trainers != null;
    }

    /** The leads of all groups, as a session of their own. */
    Session trainers() {
        Session known = trainers;
        if (known == null) {
            throw new IllegalStateException("rank " + own()
                    + " is not the lead of its group, and so trains nothing on the servers: groups " + groups);
        }
        return known;
    }
}
