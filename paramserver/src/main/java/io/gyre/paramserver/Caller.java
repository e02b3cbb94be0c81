package io.gyre.paramserver;

import io.gyre.GyreException;
import io.gyre.PeerLostException;
import io.gyre.PeerTimeoutException;
import io.gyre.memory.Region;
import io.gyre.network.Activity;
import io.gyre.session.Session;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes this rank's calls to servers: hands requests to the service's thread and waits for replies. Several threads may
 * make calls at once, each its own.
 */
final class Caller {

    /** Longest sleep of a caller: a reply wakes it, a failure does not. */
    private static final long WAIT_NANOS = 1_000_000;

    private static final long TASK_NANOS = 50_000;

    private final Session session;
    private final List<ServerLink> links;
    private final ServiceThread service;
    private final Duration timeout;
    private final LongSupplier clock;
    private final List<Integer> group;
    private volatile Runnable check = () -> {};

    /**
     * Creates a caller.
     *
     * @param links to the servers, by shard
     * @param service carries the calls
     * @param timeout limit of a call's wait
     * @param clock nanoseconds, from any origin; times the waits
     * @param group ranks for which, and with which, this one trains; including itself
     */
    Caller(
            Session session,
            List<ServerLink> links,
            ServiceThread service,
            Duration timeout,
            LongSupplier clock,
            List<Integer> group) {
        this.session = session;
        this.links = links;
        this.service = service;
        this.timeout = timeout;
        this.clock = clock;
        this.group = group;
    }

    private int own() {
        return session.world().rank();
    }

    /** Number of earlier processes of this rank. */
    long incarnation() {
        return session.incarnation(own());
    }

    /** Whether the server is this rank itself. */
    boolean isOwn(ServerLink link) {
        return link.server().rank() == own();
    }

    List<ServerLink> links() {
        return links;
    }

    /**
     * Sends a request to one server; {@link #await} returns the reply.
     *
     * @param data sent with the request, or the target of the reply's data; null if neither
     */
    <R extends Reply> Call<R> ask(ServerLink link, Request<R> request, @Nullable Region data) {
        Call<R> call = new Call<>(link, link.nextCall(), request, data);
        service.ask(call);
        return call;
    }

    <R extends Reply> R await(Call<R> call) {
        return await(call, timeout);
    }

    /** As {@link #await(Call)}, with its own timeout. After a timeout, the same reply can be awaited again. */
    <R extends Reply> R await(Call<R> call, Duration atMost) {
        long begin = clock.getAsLong();
        Activity observed = null;
        while (!call.isFinished()) {
            service.checkRunning(call);
            checkGroup(call);
            if (clock.getAsLong() - begin > atMost.toNanos()) {
                throw new PeerTimeoutException(own(), call.server().server(), call.toString(), atMost);
            }
            checkNotInterrupted(call);
            LockSupport.parkNanos(this, WAIT_NANOS);
            if (observed == null && !session.waitObservers().isEmpty() && !call.isFinished()) {
                observed = tellOfWait(call, begin);
            }
        }
        if (observed != null) {
            session.waitObservers().waitEnded(observed, observed.peer(), begin, clock.getAsLong());
        }
        return call.reply(own());
    }

    /** Once a wait has slept; it then allocates, but only if somebody listens. */
    private Activity tellOfWait(Call<?> call, long begin) {
        Activity activity = new Activity();
        activity.beginWaitFor(call.toString(), call.server().server());
        session.waitObservers().waitBegan(activity, begin);
        return activity;
    }

    /** Waits for all replies. Returns their lowest version, or {@link Pending#NO_VERSION} without calls. */
    long awaitAll(List<? extends Call<? extends Reply.Versioned>> calls) {
        long least = Pending.NO_VERSION;
        for (int i = 0; i < calls.size(); i++) {
            least = Math.min(least, await(calls.get(i)).version());
        }
        return least;
    }

    /**
     * A pull may wait for as long as other workers are slow, but not for a step that its own group can no longer take.
     */
    private void checkGroup(Call<?> call) {
        if (call.request() instanceof Request.BeginStep) {
            check.run();
            for (int i = 0; i < group.size(); i++) {
                if (group.get(i) != own() && session.hasEnded(group.get(i))) {
                    throw new PeerLostException(
                            own(),
                            session.members().get(group.get(i)),
                            "its group " + group + " cannot take a step without it",
                            call.toString());
                }
            }
        }
    }

    /** See {@link ParameterService#checkInWaits}. */
    void checkInWaits(Runnable value) {
        check = value;
    }

    /** Runs an action on the service's thread, while this one continues. */
    FutureTask<Boolean> begin(Runnable action) {
        FutureTask<Boolean> task = new FutureTask<>(action, true);
        service.execute(task);
        return task;
    }

    /** Waits for an action that {@link #begin} has started. */
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

    /** Fails if the servers cannot be reached. */
    void checkRunning(Object doing) {
        service.checkRunning(doing);
    }

    /** Tells all servers that this client makes no more requests, and waits briefly until they know. */
    void leave(Duration atMost) {
        List<Call<Reply.Done>> calls = new ArrayList<>();
        for (ServerLink link : links) {
            calls.add(ask(link, new Request.Leave(), null));
        }
        long deadline = clock.getAsLong() + atMost.toNanos();
        while (!calls.stream().allMatch(Call::isFinished) && service.isRunning() && clock.getAsLong() - deadline < 0) {
            LockSupport.parkNanos(this, WAIT_NANOS);
        }
    }
}
