package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.memory.MemoryBox;
import io.gyre.memory.Region;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * How this rank asks servers: hands questions to the service's thread and waits for the answers. Several threads may ask at once,
 * each for itself.
 */
final class Caller {

    /** How long a caller sleeps at most: an answer wakes it, a failure does not. */
    private static final long WAIT_NANOS = 1_000_000;

    private static final long TASK_NANOS = 50_000;

    private final Session session;
    private final List<ServerLink> links;
    private final ServiceLoop loop;
    private final Duration timeout;
    private final List<Integer> group;
    private final long incarnation;

    /**
     * Creates it.
     *
     * @param links to the servers, by shard
     * @param timeout how long a call waits
     * @param group ranks for which, and with which, this one trains; itself among them
     */
    Caller(Session session, List<ServerLink> links, ServiceLoop loop, Duration timeout, List<Integer> group) {
        this.session = session;
        incarnation = session.incarnation(session.world().rank());
        this.links = links;
        this.loop = loop;
        this.timeout = timeout;
        this.group = group;
    }

    private int own() {
        return session.world().rank();
    }

    List<ServerLink> links() {
        return links;
    }

    /** Opens a buffer on all servers. */
    SoftMemoryBox open(Operation operation, String name, ElementType type, long elements, boolean trained) {
        return SoftMemoryBox.open(this, operation, name, type, elements, trained);
    }

    /** Asks one server; the answer is fetched with {@link #await}. */
    Call ask(ServerLink link, Request request, long sequence, @Nullable Region data) {
        Call call = new Call(link, request.numbered(link.nextCall(), incarnation, sequence), data);
        loop.ask(call);
        return call;
    }

    /** Waits for an answer. */
    Answer await(Call call) {
        return await(call, timeout);
    }

    /** As {@link #await(Call)}, with a timeout of its own. Whoever has given up may come again for the same answer. */
    Answer await(Call call, Duration atMost) {
        long begin = System.nanoTime();
        for (Answer answer = call.answer(); ; answer = call.answer()) {
            if (answer != null) {
                if (answer.failed()) {
                    throw new GyreException("rank " + own() + ": " + call + " failed: " + answer.text());
                }
                return answer;
            }
            loop.checkAlive(call);
            checkGroup(call);
            if (System.nanoTime() - begin > atMost.toNanos()) {
                throw new PeerTimeoutException(own(), call.server.server(), call.toString(), atMost);
            }
            checkNotInterrupted(call);
            LockSupport.parkNanos(this, WAIT_NANOS);
        }
    }

    /** A pull may wait for as long as other workers are slow: not for a step that can no more be taken. */
    private void checkGroup(Call call) {
        if (call.request.operation() == Operation.PULL) {
            for (int i = 0; i < group.size(); i++) {
                if (group.get(i) != own() && session.hasGone(group.get(i))) {
                    throw new PeerLostException(
                            own(),
                            session.members().get(group.get(i)),
                            "its group " + group + " cannot take a step without it",
                            call.toString());
                }
            }
        }
    }

    /** Does something on the service's thread, while this one goes on. */
    FutureTask<Boolean> begin(Runnable action) {
        return loop.begin(action);
    }

    /** Waits for what {@link #begin} has begun. */
    void await(FutureTask<Boolean> task, Object doing) {
        while (!task.isDone()) {
            loop.checkAlive(doing);
            checkNotInterrupted(doing);
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

    private void checkNotInterrupted(Object doing) {
        if (Thread.currentThread().isInterrupted()) {
            throw new GyreException("rank " + own() + " was interrupted in " + doing);
        }
    }

    /** Fails if the servers are out of reach. */
    void checkAlive(Object doing) {
        loop.checkAlive(doing);
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
                loop.checkAlive("a change of box '" + box + "' of " + link);
                LockSupport.parkNanos(1_000);
            }

            @Override
            public boolean hasGone(int rank) {
                return session.hasGone(rank);
            }

            @Override
            public int incarnation(int rank) {
                return session.incarnation(rank);
            }
        });
    }

    /** Tells all servers that this client asks no more, and waits a little for them to have heard it. */
    void sayGoodbye(Duration atMost) {
        List<Call> goodbyes = new ArrayList<>();
        for (ServerLink link : links) {
            goodbyes.add(ask(link, Request.of(Operation.LEAVE, -1), 0, null));
        }
        long deadline = System.nanoTime() + atMost.toNanos();
        while (goodbyes.stream().anyMatch(call -> call.answer() == null)
                && loop.isWell()
                && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(this, WAIT_NANOS);
        }
    }
}
