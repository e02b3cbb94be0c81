package io.gyre.paramserver;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.session.Session;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one thread of a service: serves other ranks, carries the calls of this one, and notices who has gone. */
final class ServiceLoop {

    private static final Logger LOG = LoggerFactory.getLogger(ServiceLoop.class);

    /** Turns without work after which the thread sleeps longer than an endpoint would: it may have nothing to do for minutes. */
    private static final int IDLE_TURNS = 400;

    private static final long IDLE_NANOS = 300_000;

    private static final int TURNS_PER_ROLL_CALL = 64;

    private final Session session;
    private final Endpoint endpoint;
    private final List<Peer> peers;
    private final List<ServerLink> links;
    private final @Nullable ShardServer server;
    private final Shelf shelf;
    private final long retryNanos;
    private final Faults faults;
    private final Queue<Call> asked = new ConcurrentLinkedQueue<>();
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final Activity activity = new Activity();
    private final Thread thread;
    private volatile @Nullable GyreException failure;
    private volatile boolean closed;

    /**
     * Prepares the thread; {@link #start} starts it.
     *
     * @param endpoint the lane of the service
     * @param links to the servers; none if this rank only serves
     * @param server this rank's own; null if it does not serve
     * @param shelf where that server's shards lie
     * @param retryNanos after how long a question is asked again
     */
    ServiceLoop(
            Session session,
            Endpoint endpoint,
            List<Peer> peers,
            List<ServerLink> links,
            @Nullable ShardServer server,
            Shelf shelf,
            long retryNanos,
            Faults faults) {
        this.session = session;
        this.endpoint = endpoint;
        this.peers = peers;
        this.links = links;
        this.server = server;
        this.shelf = shelf;
        this.retryNanos = retryNanos;
        this.faults = faults;
        thread = new Thread(this::run, "gyre-parameters-" + own());
        thread.setDaemon(true);
    }

    private int own() {
        return session.world().rank();
    }

    void start() {
        thread.start();
    }

    /** Hands over a question; whoever asked is woken by the answer. */
    void ask(Call call) {
        asked.add(call);
        LockSupport.unpark(thread);
    }

    /** Does something on the service's thread, while this one goes on. */
    FutureTask<Boolean> begin(Runnable action) {
        FutureTask<Boolean> task = new FutureTask<>(action, true);
        tasks.add(task);
        LockSupport.unpark(thread);
        return task;
    }

    /** Whether it runs and can be asked. */
    boolean isWell() {
        return failure == null && thread.isAlive();
    }

    /** Fails if no answer will come any more. */
    void checkAlive(Object doing) {
        GyreException found = failure;
        if (found instanceof PeerLostException lost) {
            String role = links.stream()
                    .filter(link -> link.server().rank() == lost.rank())
                    .findFirst()
                    .map(ServerLink::lossInWords)
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

    /** Waits for the end of the thread. Returns whether it failed. */
    boolean awaitEnd() {
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
        return failure != null;
    }

    /** Ends the thread. A second call does nothing. */
    void close() {
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

    boolean isClosed() {
        return closed;
    }

    private void run() {
        int idle = 0;
        try {
            while (!closed && !(links.isEmpty() && server != null && server.isDone())) {
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
        if (server != null) {
            server.answerWaiting();
        }
        int work = 0;
        for (int i = 0; i < peers.size(); i++) {
            work += peers.get(i).turn(retryNanos, faults);
        }
        return work;
    }

    /** Forgets workers that have left or died, and fails if a server has left. */
    private void callTheRoll() {
        for (Peer peer : peers) {
            if (session.hasGone(peer.rank()) && peer.leave()) {
                throw new PeerLostException(
                        own(), session.members().get(peer.rank()), "it has left the run", "the parameter service");
            }
        }
    }
}
