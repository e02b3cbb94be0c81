package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.Member;
import io.gyre.PeerLostException;
import io.gyre.network.Endpoint;
import io.gyre.session.Groups;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Memory on servers, and access to it: every rank of a session starts one service.
 *
 * <pre>{@code
 * try (ParameterService service = ParameterService.builder(session).start()) {
 *     SoftMemoryBox centre = service.create("centre", ElementType.FLOAT32, 1_000_000);
 *     ...
 * }
 * }</pre>
 *
 * <p>By default every rank serves one shard of each buffer. With {@link ServiceBuilder#servers}, the last ranks of the
 * session only serve: they call {@link #serve}, and the others, the workers, form a session of their own, {@link
 * #workers}.
 *
 * <dl>
 *   <dt>Threads
 *   <dd>One daemon thread from {@link ServiceBuilder#start} to {@link #close}; it serves, and carries the calls of this
 *       rank's client. Calls come from one thread at a time; each {@link SoftMemoryBox} and {@link ServerCounter} may
 *       be used by its own thread.
 *   <dt>Failure
 *   <dd>When a server is lost, every current and later call fails with {@link PeerLostException}, which names the
 *       server, its shard and the request. With {@link ServiceBuilder#backups} calls wait until the backup answers, and
 *       the server may be restarted; they fail if both copies of a shard are lost. A worker that is lost or
 *       leaves is forgotten; whether that ends the session is up to the session. A restarted worker
 *       ({@link Session#incarnation}) makes the same calls, finds what its predecessor had created, and continues where
 *       the slowest of the others is. A worker in a group of several cannot be restarted.
 *   <dt>Closing
 *   <dd>A rank that serves is needed as long as others make requests: let all ranks meet before the first closes its
 *       service. {@link #close} notifies the servers, and waits at most a second for them.
 * </dl>
 */
public final class ParameterService implements AutoCloseable {

    /** The lane of the session that servers and clients use. */
    private static final int LANE = 1;

    private static final byte[] NOTHING = {};

    private static final Duration GOODBYE = Duration.ofSeconds(1);

    private final Session session;
    private final Roles roles;
    private final @Nullable Training training;
    private final HeldShards held;
    private final int backups;
    private final ServiceThread thread;
    private final ShardMapper mapper;
    private final Caller caller;

    /** Creates a builder. All ranks of the session use the same options. */
    public static ServiceBuilder builder(Session session) {
        return new ServiceBuilder(session);
    }

    /** Blocks until all ranks have called it. */
    static ParameterService start(ServiceBuilder builder) {
        ParameterService service = new ParameterService(builder);
        service.thread.start();
        if (!service.isRestarted()) {
            // A restarted server is backed once it has its copies.
            service.held.announce();
        }
        return service;
    }

    private ParameterService(ServiceBuilder builder) {
        session = builder.session;
        training = builder.training;
        backups = builder.backups;
        roles = new Roles(session, builder.servers, backups, builder::divide);
        checkReturn();
        Endpoint endpoint = session.endpoint(LANE);
        // What clients change in shared memory would not reach the backup.
        BoxAllocator allocator = new BoxAllocator(session, endpoint, backups == 0);
        held = new HeldShards(session, builder, roles, allocator);
        List<ServerLink> links = roles.works() ? newLinks(builder.servers == 0) : List.of();
        List<Peer> peers = newPeers(endpoint, links);
        session.agree("the parameter service", builder.identity());
        ServiceAgent agent = new ServiceAgent(
                session,
                endpoint,
                peers,
                held.servers(),
                !roles.works(),
                allocator,
                builder.retryAfter.toNanos(),
                builder.faults);
        thread = new ServiceThread(session, links, agent);
        mapper = new ShardMapper(session, thread);
        caller = new Caller(session, links, thread, builder.callTimeout, System::nanoTime, roles.groupRanks());
    }

    private List<ServerLink> newLinks(boolean serversWork) {
        List<ServerLink> links = new ArrayList<>();
        int count = roles.serverRanks().size();
        for (int shard = 0; shard < count; shard++) {
            List<Integer> holders = roles.holders(shard);
            Member first = session.members().get(holders.get(0));
            int other = holders.size() > 1 ? holders.get(1) : ServerLink.NOBODY;
            links.add(new ServerLink(shard, count, serversWork, first, other, System::nanoTime));
        }
        return links;
    }

    /** The ranks that this one is a client of, a server of, or has copies of shards with. */
    private List<Peer> newPeers(Endpoint endpoint, List<ServerLink> links) {
        List<Peer> peers = new ArrayList<>();
        for (int rank = 0; rank < session.world().size(); rank++) {
            boolean isClient = roles.workerRanks().contains(rank);
            List<PeerShard> shared = held.with(rank, isClient, links, roles);
            if (!shared.isEmpty()) {
                peers.add(new Peer(rank, session, endpoint, shared));
            }
        }
        return peers;
    }

    /** Fails if this process replaces a rank that cannot be restarted. */
    private void checkReturn() {
        if (!isRestarted()) {
            return;
        }
        String who = session.members().get(session.world().rank()) + " was restarted, and the run had begun, ";
        if (roles.serves() && backups == 0) {
            throw new GyreException(who + "but its shard was lost with the process before it. Start a new run");
        }
        if (roles.groupRanks().size() > 1) {
            throw new GyreException(who + "but its group " + roles.groupRanks()
                    + " has ended with the process before it. The other groups continue; only ranks without a group"
                    + " can be restarted");
        }
    }

    /** Whether this process was restarted. */
    boolean isRestarted() {
        return session.incarnation(session.world().rank()) > 0;
    }

    /** Whether this rank only serves. */
    public boolean isServer() {
        return !roles.works();
    }

    /** The ranks that do not only serve, as a session of their own; on a rank that only serves, the servers. */
    public Session workers() {
        return roles.alike();
    }

    /** How the workers are divided: each by itself, unless the builder sets groups. */
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
        return roles.serverRanks().size();
    }

    /**
     * Serves until all workers have left or are lost. For ranks that only serve; blocks.
     *
     * @throws GyreException with backups, if all workers were lost: a run that continues without servers and without
     *     workers must not end as if it had succeeded
     */
    public void serve() {
        String doing = "serving shard " + workers().world().rank() + " of " + servers();
        if (thread.awaitEnd()) {
            thread.checkRunning(doing);
        } else if (backups > 0 && !thread.isClosed() && !held.anyLeft()) {
            throw new GyreException("rank " + session.world().rank() + " has ended " + doing
                    + ": all workers were lost, and none has left in good order");
        }
    }

    /** The incarnations of the servers that hold all that this one holds, by rank: see {@link HeldShards#backedBy}. */
    Map<Integer, Integer> backedBy() {
        return held.backedBy();
    }

    /** Ranks of servers that were lost, and those among them that have come back, too; ascending. For reports. */
    public List<Integer> lostServers() {
        return roles.serverRanks().stream()
                .filter(rank -> session.hasEnded(rank) || session.incarnation(rank) > 0)
                .toList();
    }

    /** How parameters are trained. */
    Training training() {
        Training known = training;
        if (known == null) {
            throw new IllegalStateException("this service was started without a training: give its builder one");
        }
        return known;
    }

    /** Whether the consistency lets training continue without a lost worker. */
    public boolean trainingOutlivesWorkers() {
        return training().consistency().outlivesWorkers();
    }

    /** Description of how parameters are trained. */
    public String description() {
        return training().inWords();
    }

    /**
     * Creates a buffer of zeros on the servers. Other ranks must {@link #attach} it afterwards: let them wait in an
     * exchange.
     */
    public SoftMemoryBox create(String name, ElementType type, long elements) {
        BufferSpec buffer = new BufferSpec(name, type, elements, false);
        return new SoftMemoryBox(ShardedBuffer.open(caller, mapper, buffer, Request.Create::new), caller);
    }

    /**
     * Attaches a buffer that another rank has created; fails at once if there is none, or if its type or length
     * differs.
     */
    public SoftMemoryBox attach(String name, ElementType type, long elements) {
        BufferSpec buffer = new BufferSpec(name, type, elements, false);
        return new SoftMemoryBox(ShardedBuffer.open(caller, mapper, buffer, Request.Attach::new), caller);
    }

    /**
     * Parameters that the servers train as configured by this service's {@link Training}. With groups, for leads only.
     *
     * @param name the same on all leads, which call this together
     * @throws IllegalArgumentException if the training's codec cannot encode elements of this type
     */
    public ParameterClient parameters(String name, ElementType type, long elements) {
        LongUnaryOperator border = training().optimizer()::border;
        BufferSpec buffer = new BufferSpec(name, type, elements, true);
        String objection = training().objection(buffer);
        if (objection != null) {
            throw new IllegalArgumentException(objection);
        }
        return new ParameterClient(this, caller, openTogether(trainers(), buffer, border));
    }

    /**
     * The centre of elastic averaging. With groups, for leads only.
     *
     * @param name the same on all leads, which call this together
     */
    public CentreVariable centre(String name, ElementType type, long elements) {
        BufferSpec buffer = new BufferSpec(name, type, elements, false);
        return new CentreVariable(
                this, new SoftMemoryBox(openTogether(trainers(), buffer, LongUnaryOperator.identity()), caller));
    }

    /**
     * A counter on the first server, starting at 0.
     *
     * @param name the same on all workers, which call this together
     */
    public ServerCounter counter(String name) {
        BufferSpec buffer = new BufferSpec(name, ElementType.FLOAT64, 1, false);
        return new ServerCounter(openTogether(workers(), buffer, LongUnaryOperator.identity()), caller);
    }

    /** A buffer that the root of some ranks creates and the others attach. All of them call this together. */
    private ShardedBuffer openTogether(Session ranks, BufferSpec buffer, LongUnaryOperator border) {
        String occasion = "creation of '" + buffer.name() + "'";
        if (ranks.world().isRoot()) {
            ShardedBuffer created = ShardedBuffer.open(caller, mapper, buffer, border, Request.Create::new);
            ranks.exchange(occasion, NOTHING);
            return created;
        }
        ranks.exchange(occasion, NOTHING);
        return ShardedBuffer.open(caller, mapper, buffer, border, Request.Attach::new);
    }

    /** Waits for all leads that have not left. */
    void meet(String occasion) {
        trainers().exchange(occasion, NOTHING);
    }

    /**
     * Declares this worker expendable, if the servers are ranks of their own; otherwise the run needs it, and nothing
     * happens. Leads do so when they start something that outlives them; the other ranks of a group call this
     * themselves.
     */
    public void outliveThis() {
        if (!roles.serves()) {
            session.beExpendable();
        }
    }

    /**
     * Small memory on the servers for each lead, by lead: one number each, at first 0. All leads call it together.
     *
     * @param name the same on all leads
     */
    List<SoftMemoryBox> numberOfEachLead(String name) {
        List<SoftMemoryBox> boxes = new ArrayList<>();
        for (int lead = 0; lead < trainers().world().size(); lead++) {
            BufferSpec buffer = new BufferSpec(name + " " + lead, ElementType.FLOAT64, 1, false);
            boxes.add(new SoftMemoryBox(openTogether(trainers(), buffer, LongUnaryOperator.identity()), caller));
        }
        return boxes;
    }

    /**
     * Has a check made while a call waits for the steps of other workers.
     *
     * @param check fails if the wait is in vain; called on the thread that waits
     */
    void checkInWaits(Runnable check) {
        caller.checkInWaits(check);
    }

    /** Ends this rank's part without a farewell: another process takes its place. */
    void abandon() {
        thread.close();
    }

    /** Ends this rank's part: no calls are allowed afterwards. A second call does nothing. */
    @Override
    public void close() {
        if (!thread.isClosed() && thread.isRunning() && !Thread.currentThread().isInterrupted()) {
            caller.leave(GOODBYE);
        }
        thread.close();
    }
}
