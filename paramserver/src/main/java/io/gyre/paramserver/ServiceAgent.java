package io.gyre.paramserver;

import io.gyre.PeerLostException;
import io.gyre.network.Activity;
import io.gyre.network.Endpoint;
import io.gyre.session.Session;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;

/**
 * The work of the service's thread, turn by turn: carries this rank's calls, works on mapped shards for it, serves
 * other ranks, and notices which are lost or have left. Other threads hand it work through {@link #ask} and
 * {@link #execute}; all other methods are for the service's thread.
 */
final class ServiceAgent implements ServiceThread.Agent {

    /**
     * Turns without work after which the thread sleeps longer than an endpoint would: it may have nothing to do for
     * minutes.
     */
    private static final int IDLE_TURNS = 400;

    private static final long IDLE_NANOS = 300_000;

    private static final int TURNS_PER_CHECK = 64;

    /** With work, since a peer may be lost while others keep this rank busy. */
    private static final int BUSY_TURNS_PER_CHECK = 1_024;

    private final Session session;
    private final Endpoint endpoint;
    private final List<Peer> peers;
    private final List<ShardServer> servers;
    private final boolean onlyServes;
    private final BoxAllocator allocator;
    private final long retryNanos;
    private final Faults faults;
    private final Queue<Call<?>> asked = new ConcurrentLinkedQueue<>();
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final Activity activity = new Activity();
    private int idleTurns;
    private int busyTurns;

    /**
     * Creates the agent.
     *
     * @param endpoint the lane of the service
     * @param servers this rank's own, of each shard that it holds
     * @param onlyServes whether this rank makes no calls, so that it is done when its clients are
     * @param allocator of that server's shards
     * @param retryNanos time after which a request is repeated
     */
    ServiceAgent(
            Session session,
            Endpoint endpoint,
            List<Peer> peers,
            List<ShardServer> servers,
            boolean onlyServes,
            BoxAllocator allocator,
            long retryNanos,
            Faults faults) {
        this.session = session;
        this.endpoint = endpoint;
        this.peers = peers;
        this.servers = servers;
        this.onlyServes = onlyServes;
        this.allocator = allocator;
        this.retryNanos = retryNanos;
        this.faults = faults;
    }

    @Override
    public void ask(Call<?> call) {
        asked.add(call);
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    @Override
    public boolean isDone() {
        return onlyServes && !servers.isEmpty() && servers.stream().allMatch(ShardServer::isDone);
    }

    @Override
    public int doWork() {
        for (Call<?> call = asked.poll(); call != null; call = asked.poll()) {
            call.server().ask(call, faults);
        }
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
        for (int i = 0; i < servers.size(); i++) {
            // Clients may have changed a shard in memory that they share with it.
            servers.get(i).answerWaiting();
        }
        int work = 0;
        for (int i = 0; i < peers.size(); i++) {
            work += peers.get(i).turn(retryNanos, faults);
        }
        return work;
    }

    @Override
    public void idle(int workDone) {
        activity.progressed();
        endpoint.await(workDone, activity);
        idleTurns = workDone > 0 ? 0 : idleTurns + 1;
        busyTurns = workDone > 0 ? busyTurns + 1 : busyTurns;
        if (idleTurns % TURNS_PER_CHECK == TURNS_PER_CHECK - 1 || busyTurns > BUSY_TURNS_PER_CHECK) {
            busyTurns = 0;
            checkPeers();
        }
        if (idleTurns > IDLE_TURNS) {
            LockSupport.parkNanos(this, IDLE_NANOS);
        }
    }

    /** Forgets clients that have left or are lost, and fails if one of them is a server that owes a reply. */
    private void checkPeers() {
        for (Peer peer : peers) {
            if (session.hasEnded(peer.rank()) && peer.leave()) {
                throw new PeerLostException(
                        session.world().rank(),
                        session.members().get(peer.rank()),
                        "it has left the run",
                        "the parameter service");
            }
        }
    }

    @Override
    public void onClose() {
        allocator.exitAll();
    }
}
