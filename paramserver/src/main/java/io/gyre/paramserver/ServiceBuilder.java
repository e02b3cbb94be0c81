package io.gyre.paramserver;

import io.gyre.OptionRange;
import io.gyre.session.Groups;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Options of a {@link ParameterService}, from {@link ParameterService#builder}. All ranks set the same. */
public final class ServiceBuilder {

    final Session session;
    int servers;
    int backups;
    private int groupCount;
    private boolean byHost;

    @Nullable Training training;

    long memoryLimit = Runtime.getRuntime().maxMemory();
    Duration retryAfter = Duration.ofSeconds(5);
    Duration callTimeout = Session.DEFAULT_PEER_TIMEOUT;
    Faults faults = Faults.NONE;

    ServiceBuilder(Session session) {
        this.session = session;
    }

    /**
     * Number of ranks that only serve, the last ones. Default 0: every rank is a worker that also serves one shard.
     */
    public ServiceBuilder servers(int value) {
        servers = value;
        return this;
    }

    /**
     * Number of backups of each shard, 0 or 1. With one, each shard lies on two of the servers, of which there must be
     * two at least ({@link #servers}), and a lost server loses nothing that was acknowledged: the other one answers in
     * its place. All requests travel in messages then, on the servers' hosts, too. Default 0.
     */
    public ServiceBuilder backups(int value) {
        OptionRange.check("backups", value, 0, 1);
        backups = value;
        return this;
    }

    /**
     * Divides the workers into this many groups of neighbours, each of which trains as one. Default: each worker by
     * itself.
     */
    public ServiceBuilder groups(int value) {
        OptionRange.check("groups", value, 1, Long.MAX_VALUE);
        groupCount = value;
        return this;
    }

    /** Makes a group of the workers of each host, if they share memory. */
    public ServiceBuilder groupsByHost() {
        byHost = true;
        return this;
    }

    Groups divide(int workers) {
        if (byHost) {
            return Groups.byHost(session, workers);
        }
        return groupCount == 0 ? Groups.ofOneRank(workers) : Groups.of(workers, groupCount);
    }

    /** How parameters are trained. Default: not at all; there are only memory boxes. */
    public ServiceBuilder training(Training value) {
        training = value;
        return this;
    }

    /** Limit of all buffers on each server together. Default: what this JVM may allocate outside its heap. */
    public ServiceBuilder memoryLimit(long bytes) {
        OptionRange.check("memoryLimit", bytes, 0, Long.MAX_VALUE);
        memoryLimit = bytes;
        return this;
    }

    /** Time after which a request is repeated; a change is still applied once. Default 5 s. */
    public ServiceBuilder retryAfter(Duration value) {
        retryAfter = OptionRange.positive("retryAfter", value);
        return this;
    }

    /** How long a call waits for a server or, in training, for the slowest worker. Default 2 minutes. */
    public ServiceBuilder callTimeout(Duration value) {
        callTimeout = OptionRange.positive("callTimeout", value);
        return this;
    }

    /** Injects faults into messages, for tests. */
    ServiceBuilder faults(Faults value) {
        faults = value;
        return this;
    }

    Map<String, String> identity() {
        Training trained = training;
        return Map.of(
                "version of the protocol between clients and servers",
                String.valueOf(ServerMessage.PROTOCOL_VERSION),
                "servers",
                String.valueOf(servers),
                "backups",
                String.valueOf(backups),
                "groups",
                byHost ? "by host" : String.valueOf(groupCount),
                "consistency",
                trained == null ? "none" : trained.consistency().name(),
                "scaled by delay",
                String.valueOf(trained != null && trained.scaledByDelay()),
                "delay compensation",
                trained == null ? "0" : String.valueOf(trained.delayCompensation()),
                "codec of gradients",
                trained == null ? "none" : trained.codecName());
    }

    private void check() {
        if (backups > 0 && servers < 2) {
            throw new IllegalArgumentException("backups(" + backups + ") with servers(" + servers
                    + "): the two copies of a shard need two ranks that only serve; give servers(2) or more");
        }
        if (backups > 0 && training != null && training.delayCompensation() > 0) {
            throw new IllegalArgumentException("backups(" + backups + ") with a delay compensation of "
                    + training.delayCompensation() + ": backups do not hold what workers have pulled. Leave out one");
        }
    }

    /**
     * Starts the service. Blocks until all ranks have called it.
     *
     * @throws IllegalArgumentException if there cannot be such backups
     */
    public ParameterService start() {
        check();
        return ParameterService.start(this);
    }
}
