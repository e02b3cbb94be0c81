package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.network.Endpoint;
import io.gyre.session.Groups;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Memory on servers, and the way to it: every rank of a session starts one.
 *
 * <pre>{@code
 * try (ParameterService service = ParameterService.builder(session).start()) {
 *     SoftMemoryBox centre = service.create("centre", ElementType.FLOAT32, 1_000_000);
 *     ...
 * }
 * }</pre>
 *
 * <p>By default every rank serves one shard of everything. With {@link Builder#servers} the last ranks of the session do
 * nothing else: they call {@link #serve}, and the others, the workers, are a session of their own, {@link #workers}.
 *
 * <dl>
 *   <dt>Threads
 *   <dd>One daemon thread from {@link Builder#start} to {@link #close}; it serves, and carries the calls of this rank's client
 *       meanwhile. Calls come from one thread at a time; each {@link SoftMemoryBox} and {@link ServerCounter} may have a thread of
 *       its own.
 *   <dt>Failure
 *   <dd>When a server dies every call ends with {@link PeerLostException}, which names it, its shard and what was asked, and so do
 *       later ones. A worker that dies or leaves is forgotten; whether that ends the session is the session's affair. If another
 *       process takes its place ({@link Session#incarnation}), that makes the same calls, finds what its predecessor had made, and
 *       goes on where the slowest of the others is; a group of several workers does not come back.
 *   <dt>Closing
 *   <dd>A rank that serves is needed as long as others have questions: let all ranks meet before the first closes its service.
 *       {@link #close} says goodbye to the servers, and waits for them a second at most.
 * </dl>
 */
public final class ParameterService implements AutoCloseable {

    /** The lane of the session in which servers and clients talk. */
    private static final int LANE = 1;

    private static final byte[] NOTHING = {};

    private static final Duration GOODBYE = Duration.ofSeconds(1);

    private final Session session;
    private final Roles roles;
    private final @Nullable Training training;
    private final @Nullable ShardServer server;
    private final List<ServerLink> links = new ArrayList<>();
    private final ServiceLoop loop;
    private final Caller caller;

    /** Begins a service with options. All ranks of the session give the same. */
    public static Builder builder(Session session) {
        return new Builder(session);
    }

    private ParameterService(Builder builder) {
        session = builder.session;
        training = builder.training;
        roles = new Roles(session, builder.servers, builder::divide);
        int own = session.world().rank();
        List<Integer> leads = roles.groups().leads();
        List<Integer> serverRanks = roles.serverRanks();
        checkReturn(serverRanks.contains(own));
        Endpoint endpoint = session.endpoint(LANE);
        Shelf shelf = new Shelf(session, endpoint);
        server = serverRanks.contains(own)
                ? new ShardServer(
                        new ShardTable(
                                serverRanks.indexOf(own),
                                serverRanks.size(),
                                leads,
                                training,
                                new MemoryBudget(serverRanks.indexOf(own), serverRanks.size(), builder.memoryLimit),
                                shelf),
                        leads,
                        roles.workerRanks(),
                        builder.faults)
                : null;
        if (roles.works()) {
            for (int rank : serverRanks) {
                links.add(new ServerLink(
                        links.size(),
                        serverRanks.size(),
                        builder.servers == 0,
                        session.members().get(rank)));
            }
        }
        List<Peer> peers = new ArrayList<>();
        for (int rank = 0; rank < session.world().size(); rank++) {
            int at = links.isEmpty() ? -1 : serverRanks.indexOf(rank);
            boolean isClient = server != null && roles.workerRanks().contains(rank);
            if (at >= 0 || isClient) {
                peers.add(new Peer(rank, session, endpoint, server, at < 0 ? null : links.get(at)));
            }
        }
        session.agree("the parameter service", builder.identity());
        loop = new ServiceLoop(
                session, endpoint, peers, links, server, shelf, builder.retryAfter.toNanos(), builder.faults);
        caller = new Caller(session, links, loop, builder.callTimeout, roles.groupRanks());
    }

    /** Fails if this process has taken the place of one without which nobody goes on. */
    private void checkReturn(boolean serves) {
        if (!hasReturned()) {
            return;
        }
        String who = session.members().get(session.world().rank()) + " has come back into a run that had begun, ";
        if (serves) {
            throw new GyreException(who + "but its shard was lost with its predecessor. Start a new run");
        }
        if (roles.groupRanks().size() > 1) {
            throw new GyreException(who + "but its group " + roles.groupRanks()
                    + " has ended with its predecessor. The other groups go on; only ranks without a group come back");
        }
    }

    /** Whether this process has taken the place of a rank that was lost. */
    boolean hasReturned() {
        return session.incarnation(session.world().rank()) > 0;
    }

    /** Whether this rank only serves. */
    public boolean isServer() {
        return links.isEmpty();
    }

    /** The ranks that are no mere servers, as a session of their own; on a server, the servers. */
    public Session workers() {
        return roles.alike();
    }

    /** How the workers are divided: each by itself, unless the builder was told otherwise. */
    public Groups groups() {
        return roles.groups();
    }

    /** The ranks of this worker's group, as a session of their own, in which the lead is rank 0. */
    public Session group() {
        return roles.group();
    }

    /** Whether this rank exchanges with the servers for its group. */
    public boolean isLead() {
        return roles.isLead();
    }

    /** The leads of all groups, as a session of their own. */
    Session trainers() {
        return roles.trainers();
    }

    /** Number of servers. */
    public int servers() {
        return isServer() ? workers().world().size() : links.size();
    }

    /** Serves until all workers have left or died. For ranks that do nothing else; blocks. */
    public void serve() {
        if (loop.awaitEnd()) {
            loop.checkAlive("serving shard " + workers().world().rank() + " of " + servers());
        }
    }

    /** How parameters are trained. */
    Training training() {
        Training known = training;
        if (known == null) {
            throw new IllegalStateException("this service was started without a training: give its builder one");
        }
        return known;
    }

    /** Whether the consistency lets a training go on without a worker that is lost. */
    public boolean trainingOutlivesWorkers() {
        return training().consistency().outlivesWorkers();
    }

    /** How parameters are trained, in words. */
    public String description() {
        return training().inWords();
    }

    /** Makes a buffer of zeros on the servers. Others {@link #attach} it afterwards: let them wait in an exchange. */
    public SoftMemoryBox create(String name, ElementType type, long elements) {
        return caller.open(Operation.CREATE, name, type, elements, false);
    }

    /** Finds a buffer that another rank has made; fails at once if there is none, or one of other type or length. */
    public SoftMemoryBox attach(String name, ElementType type, long elements) {
        return caller.open(Operation.ATTACH, name, type, elements, false);
    }

    /**
     * Parameters that the servers train, as this service's {@link Training} says. For leads of groups alone, if there are groups.
     *
     * @param name the same on all leads, which call this together
     */
    public ParameterClient parameters(String name, ElementType type, long elements) {
        return new ParameterClient(this, caller, name, type, elements);
    }

    /**
     * The centre of an elastic averaging. For leads of groups alone, if there are groups.
     *
     * @param name the same on all leads, which call this together
     */
    public CentreVariable centre(String name, ElementType type, long elements) {
        return new CentreVariable(this, name, type, elements);
    }

    /**
     * A number on the first server, from 0.
     *
     * @param name the same on all workers, which call this together
     */
    public ServerCounter counter(String name) {
        return new ServerCounter(this, name);
    }

    /** A buffer that the root of some ranks makes and the others find. They all call it together. */
    SoftMemoryBox openTogether(Session ranks, String name, ElementType type, long elements, boolean trained) {
        String occasion = "creation of '" + name + "'";
        if (ranks.world().isRoot()) {
            SoftMemoryBox box = caller.open(Operation.CREATE, name, type, elements, trained);
            ranks.exchange(occasion, NOTHING);
            return box;
        }
        ranks.exchange(occasion, NOTHING);
        return caller.open(Operation.ATTACH, name, type, elements, trained);
    }

    /** Waits for all leads that are left. */
    void meet(String occasion) {
        trainers().exchange(occasion, NOTHING);
    }

    /**
     * Lets the run outlive this worker, if the servers are ranks of their own; else the run needs it, and nothing happens. Leads do so
     * when they start what outlives them; the others of a group do it themselves.
     */
    public void outliveThis() {
        if (server == null) {
            session.beExpendable();
        }
    }

    /** Ends this rank's part: no call after this. A second call does nothing. */
    @Override
    public void close() {
        if (!loop.isClosed() && loop.isWell() && !Thread.currentThread().isInterrupted()) {
            caller.sayGoodbye(GOODBYE);
        }
        loop.close();
    }

    /** Options of a service. All ranks give the same. */
    public static final class Builder {

        private final Session session;
        private int servers;
        private int groupCount;
        private boolean byHost;
        private @Nullable Training training;
        private long memoryLimit = Runtime.getRuntime().maxMemory();
        private Duration retryAfter = Duration.ofSeconds(5);
        private Duration callTimeout = Session.DEFAULT_PEER_TIMEOUT;
        private Faults faults = Faults.NONE;

        private Builder(Session session) {
            this.session = session;
        }

        /** How many ranks only serve, the last ones. Default: 0, every rank is a worker that also serves one shard. */
        public Builder servers(int value) {
            servers = value;
            return this;
        }

        /** Divides the workers into so many groups of neighbours, each of which trains as one. Default: each is by itself. */
        public Builder groups(int value) {
            if (value < 1) {
                throw new IllegalArgumentException("groups is " + value + ": it must be positive");
            }
            groupCount = value;
            return this;
        }

        /** Makes a group of the workers of each host, if they share memory. */
        public Builder groupsByHost() {
            byHost = true;
            return this;
        }

        private Groups divide(int workers) {
            if (byHost) {
                return Groups.byHost(session, workers);
            }
            return groupCount == 0 ? Groups.ofOneRank(workers) : Groups.of(workers, groupCount);
        }

        /** How parameters are trained. Default: not at all; there are only memory boxes. */
        public Builder training(Training value) {
            training = value;
            return this;
        }

        /** Most bytes of buffers on each server. Default: what this JVM may allocate outside its heap. */
        public Builder memoryLimit(long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("memoryLimit is " + bytes + ": it must not be negative");
            }
            memoryLimit = bytes;
            return this;
        }

        /** After how long a question is asked again; a change still happens once. Default: 5 s. */
        public Builder retryAfter(Duration value) {
            retryAfter = positive("retryAfter", value);
            return this;
        }

        /** How long a call waits for a server, or in training for the slowest worker. Default: 2 minutes. */
        public Builder callTimeout(Duration value) {
            callTimeout = positive("callTimeout", value);
            return this;
        }

        private static Duration positive(String option, Duration value) {
            if (value.isNegative() || value.isZero()) {
                throw new IllegalArgumentException(option + " is " + value + ": it must be positive");
            }
            return value;
        }

        /** What goes wrong with messages. */
        Builder faults(Faults value) {
            faults = value;
            return this;
        }

        private Map<String, String> identity() {
            Training trained = training;
            return Map.of(
                    "servers",
                    String.valueOf(servers),
                    "groups",
                    byHost ? "by host" : String.valueOf(groupCount),
                    "consistency",
                    trained == null ? "none" : trained.consistency().name(),
                    "scaled by delay",
                    String.valueOf(trained != null && trained.scaledByDelay()),
                    "delay compensation",
                    trained == null ? "0" : String.valueOf(trained.delayCompensation()));
        }

        /** Starts it. Blocks until all ranks have called it. */
        public ParameterService start() {
            ParameterService service = new ParameterService(this);
            service.loop.start();
            return service;
        }
    }
}
