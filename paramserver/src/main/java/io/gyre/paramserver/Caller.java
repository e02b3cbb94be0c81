package io.gyre.paramserver;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
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
 * How this rank asks servers: hands requests to the service's thread and waits for replies. Several threads may ask at
 * once, each for itself.
 */
final class Caller {

    /** How long a caller sleeps at most: a reply wakes it, a failure does not. */
    private static final long WAIT_NANOS = 1_000_000;

    private static final long TASK_NANOS = 50_000;

    private final Session session;
    private final List<ServerLink> links;
    private final ServiceThread service;
    private final Duration timeout;
    private final List<Integer> group;

    /**
     * Creates it.
     *
     * @param links to the servers, by shard
     * @param service carries the calls
     * @param timeout how long a call waits
     * @param group ranks for which, and with which, this one trains; itself among them
     */
    Caller(Session session, List<ServerLink> links, ServiceThread service, Duration timeout, List<Integer> group) {
        this.session = session;
        this.links = links;
        this.service = service;
        this.timeout = timeout;
        this.group = group;
    }

    private int own() {
        return session.world().rank();
    }

    /** How many processes had this rank before. */
    long incarnation() {
        return session.incarnation(own());
    }

    List<ServerLink> links() {
        return links;
    }

    /**
     * Asks one server; the reply is fetched with {@link #await}.
     *
     * @param data what goes with the request, or where the data of the reply go; null if neither
     */
    <R extends Reply> Call<R> ask(ServerLink link, Request<R> request, @Nullable Region data) {
        Call<R> call = new Call<>(link, link.nextCall(), request, data);
        service.ask(call);
        return call;
    }

    /** Waits for a reply. */
    <R extends Reply> R await(Call<R> call) {
        return await(call, timeout);
    }

    /** As {@link #await(Call)}, with a timeout of its own. Whoever has given up may come again for the same reply. */
    <R extends Reply> R await(Call<R> call, Duration atMost) {
        long begin = System.nanoTime();
        while (!call.isFinished()) {
            service.checkRunning(call);
            checkGroup(call);
            if (System.nanoTime() - begin > atMost.toNanos()) {
                throw new PeerTimeoutException(own(), call.server().server(), call.toString(), atMost);
            }
            checkNotInterrupted(call);
            LockSupport.parkNanos(this, WAIT_NANOS);
        }
        return call.reply(own());
    }

    /** Waits for all replies. Returns their least version, or {@link Pending#NO_VERSION} if nothing was asked. */
    long awaitAll(List<? extends Call<? extends Reply.Versioned>> calls) {
        long least = Pending.NO_VERSION;
        for (int i = 0; i < calls.size(); i++) {
            least = Math.min(least, await(calls.get(i)).version());
        }
        return least;
    }

    /**
     * A pull may wait for as long as other workers are slow, but not for a step that its own group can no more take.
     */
    private void checkGroup(Call<?> call) {
        if (call.request() instanceof Request.BeginStep) {
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
        FutureTask<Boolean> task = new FutureTask<>(action, true);
        service.execute(task);
        return task;
    }

    /** Waits for what {@link #begin} has begun. */
    void await(FutureTask<Boolean> task, Object doing) {
        while (!task.isDone()) {
            service.checkRunning(doing);
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
    void checkRunning(Object doing) {
        service.checkRunning(doing);
    }

    /** Tells all servers that this client asks no more, and waits a little for them to have heard it. */
    void leave(Duration atMost) {
        List<Call<Reply.Done>> calls = new ArrayList<>();
        for (ServerLink link : links) {
            calls.add(ask(link, new Request.Leave(), null));
        }
        long deadline = System.nanoTime() + atMost.toNanos();
        while (!calls.stream().allMatch(Call::isFinished) && service.isRunning() && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(this, WAIT_NANOS);
        }
    }
}
