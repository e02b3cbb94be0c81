package io.gyre.paramserver;

import io.gyre.Activity;
import io.gyre.ElementType;
import io.gyre.Endpoint;
import io.gyre.Frame;
import io.gyre.FrameReceiver;
import io.gyre.FrameSender;
import io.gyre.Gyre;
import io.gyre.GyreException;
import io.gyre.MemoryBox;
import io.gyre.MemoryBoxes;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.ProtocolException;
import io.gyre.Region;
import io.gyre.Session;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
 *       meanwhile. Calls come from one thread at a time.
 *   <dt>Failure
 *   <dd>When a server dies every call ends with {@link PeerLostException}, which names it, its shard and what was asked, and so do
 *       later ones. A worker that dies or leaves is forgotten; whether that ends the session is the session's affair.
 *   <dt>Closing
 *   <dd>A rank that serves is needed as long as others have questions: let all ranks meet before the first closes its service.
 *       {@link #close} says goodbye to the servers, and waits for them a second at most.
 * </dl>
 */
public final class ParameterService implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ParameterService.class);

    /** The lane of the session in which servers and clients talk. */
    private static final int LANE = 1;

    private static final Duration GOODBYE = Duration.ofSeconds(1);

    /** Frames that are taken from one peer before the next has its turn. */
    private static final int FRAMES_PER_TURN = 32;

    /** Turns without work after which the thread sleeps longer than an endpoint would: it may have nothing to do for minutes. */
    private static final int IDLE_TURNS = 400;

    private static final long IDLE_NANOS = 300_000;

    private static final int TURNS_PER_ROLL_CALL = 64;

    /** How long a caller sleeps at most: an answer wakes it, a failure does not. */
    private static final long WAIT_NANOS = 1_000_000;

    private static final long TASK_NANOS = 50_000;

    private final Session session;
    private final List<Integer> workerRanks;
    private final Session workers;
    private final Endpoint endpoint;
    private final long retryNanos;
    private final Duration callTimeout;
    private final Faults faults;
    private final @Nullable Training training;
    private final @Nullable ShardServer server;
    private final List<ServerLink> links = new ArrayList<>();
    private final List<Peer> peers = new ArrayList<>();
    private final long incarnation = System.currentTimeMillis();
    private final Queue<Call> asked = new ConcurrentLinkedQueue<>();
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final Activity activity = new Activity();
    private final Shelf shelf = new Shelf();
    private final Thread thread;
    private volatile @Nullable GyreException failure;
    private volatile boolean closed;

    /** Begins a service with options. All ranks of the session give the same. */
    public static Builder builder(Session session) {
        return new Builder(session);
    }

    private ParameterService(Builder builder) {
        session = builder.session;
        int size = session.world().size();
        int own = session.world().rank();
        if (builder.servers < 0 || builder.servers >= size) {
            throw new IllegalArgumentException(
                    builder.servers + " servers of " + size + " ranks: 0 to " + (size - 1) + " can serve only");
        }
        boolean all = builder.servers == 0;
        workerRanks = IntStream.range(0, size - builder.servers).boxed().toList();
        List<Integer> serverRanks =
                IntStream.range(all ? 0 : size - builder.servers, size).boxed().toList();
        List<Integer> ownGroup = workerRanks.contains(own) ? workerRanks : serverRanks;
        workers = ownGroup.size() == size ? session : session.group(ownGroup);
        endpoint = session.endpoint(LANE);
        retryNanos = builder.retryAfter.toNanos();
        callTimeout = builder.callTimeout;
        faults = builder.faults;
        training = builder.training;
        server = serverRanks.contains(own)
                ? new ShardServer(
                        serverRanks.indexOf(own),
                        serverRanks.size(),
                        workerRanks,
                        builder.training,
                        builder.memoryLimit,
                        builder.faults,
                        shelf)
                : null;
        if (workerRanks.contains(own)) {
            for (int rank : serverRanks) {
                links.add(new ServerLink(
                        links.size(), serverRanks.size(), session.members().get(rank)));
            }
        }
        for (int rank = 0; rank < size; rank++) {
            int at = links.isEmpty() ? -1 : serverRanks.indexOf(rank);
            boolean isClient = server != null && workerRanks.contains(rank);
            if (at >= 0 || isClient) {
                peers.add(new Peer(rank, at < 0 ? null : links.get(at)));
            }
        }
        session.agree("the parameter service", builder.identity());
        thread = new Thread(this::run, "gyre-parameters-" + own);
        thread.setDaemon(true);
    }

    /** Whether this rank only serves. */
    public boolean isServer() {
        return links.isEmpty();
    }

    /** The ranks that are no mere servers, as a session of their own; on a server, the servers. */
    public Session workers() {
        return workers;
    }

    /** Number of servers. */
    public int servers() {
        return isServer() ? workers.world().size() : links.size();
    }

    /** Serves until all workers have left or died. For ranks that do nothing else; blocks. */
    public void serve() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
                closed = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (failure != null) {
            checkAlive("serving shard " + (own() - workerRanks.size()) + " of " + servers());
        }
    }

    private void run() {
        int idle = 0;
        try {
            while (!closed && !(isServer() && server != null && server.isDone())) {
                int work = turn();
                activity.progressed();
                endpoint.await(work, activity);
                idle = work > 0 ? 0 : idle + 1;
                if (idle % TURNS_PER_ROLL_CALL == TURNS_PER_ROLL_CALL - 1) {
                    callTheRoll();
                }
                if (idle > IDLE_TURNS) {
                    LockSupport.parkNanos(this, IDLE_NANOS);
                }
            }
        } catch (PeerLostException e) {
            failure = e;
        } catch (RuntimeException | Error e) {
            LOG.debug("the parameter service of rank {} has failed", own(), e);
            failure = new GyreException("the parameter service of rank " + own() + " has failed: " + e.getMessage(), e);
            if (!closed) {
                session.fail("its parameter service has failed: " + e);
            }
        } finally {
            shelf.leave();
        }
    }

    /** Sends and receives what can be sent and received now. */
    private int turn() {
        for (Call call = asked.poll(); call != null; call = asked.poll()) {
            call.server.ask(call, faults);
        }
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
        int work = 0;
        if (server != null) {
            server.answerWaiting();
        }
        for (int i = 0; i < peers.size(); i++) {
            Peer peer = peers.get(i);
            if (peer.rank != own()) {
                work += endpoint.receiver(peer.rank).poll(peer, FRAMES_PER_TURN);
            }
            if (server != null && server.hasAnswers(peer.rank)) {
                work += server.advance(peer.rank, peer.sender());
            }
            if (peer.link != null && peer.link.isBusy()) {
                work += peer.link.advance(peer, retryNanos, faults);
            }
        }
        return work;
    }

    /** Forgets workers that have left or died, and fails if a server has left. */
    private void callTheRoll() {
        for (Peer peer : peers) {
            if (!session.hasGone(peer.rank)) {
                continue;
            }
            if (server != null) {
                server.forget(peer.rank);
                server.abandon(peer.rank);
            }
            if (peer.link != null && peer.link.isBusy()) {
                throw new PeerLostException(
                        own(), session.members().get(peer.rank), "it has left the run", "the parameter service");
            }
        }
    }

    private int own() {
        return session.world().rank();
    }

    /** A rank to which this one is client, or server, or both. */
    final class Peer implements FrameReceiver.Handler {
        final int rank;
        final @Nullable ServerLink link;
        private @Nullable FrameSender sender;

        Peer(int rank, @Nullable ServerLink link) {
            this.rank = rank;
            this.link = link;
        }

        @Override
        public boolean onFrame(Frame frame, ByteBuffer payload, int offset) {
            if (frame.kind() == Frame.Kind.REQUEST && server != null) {
                return server.onFrame(rank, frame, payload, offset);
            }
            if (frame.kind() == Frame.Kind.RESPONSE && link != null) {
                return link.onFrame(frame, payload, offset);
            }
            throw new ProtocolException("rank " + rank + " sent " + frame + " in the lane of the parameter service");
        }

        /** The way there; opened when it is first needed, because it takes memory. */
        FrameSender sender() {
            FrameSender known = sender;
            if (known == null) {
                known = rank == own() ? new LocalLink(this) : endpoint.sender(rank);
                sender = known;
            }
            return known;
        }
    }

    /** Asks one server; the answer is fetched with {@link #await}. */
    Call ask(ServerLink link, Request request, @Nullable Region data) {
        Call call = new Call(link, request, data);
        asked.add(call);
        LockSupport.unpark(thread);
        return call;
    }

    /** Waits for an answer. */
    Answer await(Call call) {
        long begin = System.nanoTime();
        for (Answer answer = call.answer(); ; answer = call.answer()) {
            if (answer != null) {
                if (answer.failed()) {
                    throw new GyreException("rank " + own() + ": " + call + " failed: " + answer.text());
                }
                return answer;
            }
            checkAlive(call);
            if (System.nanoTime() - begin > callTimeout.toNanos()) {
                throw new PeerTimeoutException(own(), call.server.server(), call.toString(), callTimeout);
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new GyreException("rank " + own() + " was interrupted in " + call);
            }
            LockSupport.parkNanos(this, WAIT_NANOS);
        }
    }

    /** Does something on the service's thread, while this one goes on. */
    FutureTask<Boolean> begin(Runnable action) {
        FutureTask<Boolean> task = new FutureTask<>(action, true);
        tasks.add(task);
        LockSupport.unpark(thread);
        return task;
    }

    /** Waits for what {@link #begin} has begun. */
    void await(FutureTask<Boolean> task, Object doing) {
        while (!task.isDone()) {
            checkAlive(doing);
            if (Thread.currentThread().isInterrupted()) {
                throw new GyreException("rank " + own() + " was interrupted in " + doing);
            }
            LockSupport.parkNanos(this, TASK_NANOS);
        }
        try {
            task.get();
        } catch (ExecutionException e) {
            throw new GyreException("rank " + own() + ": " + doing + " failed: " + e.getCause(), e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new GyreException("rank " + own() + " was interrupted in " + doing, e);
        }
    }

    /** The memory of a shard on this host, or null: then its server must be asked for everything. */
    @Nullable StripedMemory map(ServerLink link, String box, long bytes) {
        int owner = link.server().rank();
        if (box.isEmpty() || !session.endpoint().boxes().ranks().contains(owner)) {
            return null;
        }
        MemoryBox found = session.endpoint().boxes().attach(owner, box, StripedMemory.wholeBytes(bytes));
        return new StripedMemory(found.region(), bytes, box, own(), new StripedMemory.Guard() {
            @Override
            public void pause() {
                checkAlive("a change of box '" + box + "' of " + link);
                LockSupport.parkNanos(1_000);
            }

            @Override
            public boolean hasGone(int rank) {
                return session.hasGone(rank);
            }
        });
    }

    /** Where the server's shards lie: in boxes, if there is somebody to share them with. */
    private final class Shelf implements ShardServer.Source, StripedMemory.Guard {

        private final Map<StripedMemory, MemoryBox> boxes = new HashMap<>();

        @Override
        public StripedMemory allocate(String purpose, long bytes, boolean shared) {
            long whole = StripedMemory.wholeBytes(bytes);
            MemoryBoxes neighbours = session.endpoint().boxes();
            if (!shared || neighbours.ranks().size() == 1) {
                return new StripedMemory(Region.allocate(purpose, whole), bytes, "", own(), this);
            }
            MemoryBox box = neighbours.create(neighbours.newName("parameters"), whole);
            // Its own thread uses it without asking again: who closes the session first must not unmap it.
            box.region().enter("the parameter service");
            StripedMemory memory = new StripedMemory(box.region(), bytes, box.name(), own(), this);
            boxes.put(memory, box);
            return memory;
        }

        @Override
        public void free(StripedMemory memory) {
            MemoryBox box = boxes.remove(memory);
            if (box != null) {
                box.region().exit();
                box.close();
            }
        }

        /** The service's thread ends. */
        void leave() {
            boxes.values().forEach(box -> box.region().exit());
            boxes.clear();
        }

        @Override
        public void pause() {
            endpoint.await(0, activity);
        }

        @Override
        public boolean hasGone(int rank) {
            return session.hasGone(rank);
        }
    }

    void checkAlive(Object doing) {
        GyreException found = failure;
        if (found instanceof PeerLostException lost) {
            String role = links.stream()
                    .filter(link -> link.server().rank() == lost.rank())
                    .findFirst()
                    .map(link -> "it was " + link.role())
                    .orElse("it took part in the run");
            throw new PeerLostException(own(), lost.peer(), role, doing.toString());
        }
        if (found != null) {
            throw new GyreException("rank " + own() + " cannot go on with " + doing + ": " + found.getMessage(), found);
        }
        if (!thread.isAlive()) {
            throw new IllegalStateException("the parameter service is closed");
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

    /** How parameters are trained, in words. */
    public String description() {
        Training known = training();
        return known.consistency().name()
                + (known.scaledByDelay() ? ", scaled by delay" : "")
                + (known.delayCompensation() > 0 ? ", delay compensation " + known.delayCompensation() : "");
    }

    List<ServerLink> links() {
        return links;
    }

    long incarnation() {
        return incarnation;
    }

    /** Makes a buffer of zeros on the servers. Others {@link #attach} it afterwards: let them wait in an exchange. */
    public SoftMemoryBox create(String name, ElementType type, long elements) {
        return SoftMemoryBox.open(this, Operation.CREATE, name, type, elements, false);
    }

    /** Finds a buffer that another rank has made; fails at once if there is none, or one of other type or length. */
    public SoftMemoryBox attach(String name, ElementType type, long elements) {
        return SoftMemoryBox.open(this, Operation.ATTACH, name, type, elements, false);
    }

    /**
     * Parameters that the servers train, as this service's {@link Training} says.
     *
     * @param name the same on all workers, which call this together
     */
    public ParameterClient parameters(String name, ElementType type, long elements) {
        return new ParameterClient(this, name, type, elements);
    }

    /**
     * The centre of an elastic averaging.
     *
     * @param name the same on all workers, which call this together
     */
    public CentreVariable centre(String name, ElementType type, long elements) {
        return new CentreVariable(this, name, type, elements);
    }

    /** Lets the run outlive its workers, where the servers do: each worker calls it. */
    void letWorkersGo() {
        if (server == null) {
            session.beExpendable();
        }
    }

    /** Ends this rank's part: no call after this. A second call does nothing. */
    @Override
    public void close() {
        if (!closed
                && failure == null
                && thread.isAlive()
                && !Thread.currentThread().isInterrupted()) {
            sayGoodbye();
        }
        closed = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive() && !interrupted) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void sayGoodbye() {
        List<Call> goodbyes = new ArrayList<>();
        for (ServerLink link : links) {
            Request leave = Request.of(Operation.LEAVE, -1).numbered(link.nextCall(), incarnation, 0);
            goodbyes.add(ask(link, leave, null));
        }
        long deadline = System.nanoTime() + GOODBYE.toNanos();
        while (goodbyes.stream().anyMatch(call -> call.answer() == null)
                && failure == null
                && thread.isAlive()
                && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(this, WAIT_NANOS);
        }
    }

    /** Options of a service. All ranks give the same. */
    public static final class Builder {

        private final Session session;
        private int servers;
        private @Nullable Training training;
        private long memoryLimit = Runtime.getRuntime().maxMemory();
        private Duration retryAfter = Duration.ofSeconds(5);
        private Duration callTimeout = Gyre.DEFAULT_PEER_TIMEOUT;
        private Faults faults = Faults.NONE;

        private Builder(Session session) {
            this.session = session;
        }

        /** How many ranks only serve, the last ones. Default: 0, every rank is a worker that also serves one shard. */
        public Builder servers(int value) {
            servers = value;
            return this;
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
            service.thread.start();
            return service;
        }
    }
}
