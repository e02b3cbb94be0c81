package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.memory.Region;
import io.gyre.training.ParameterStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Parameters that servers train, as one worker sees them.
 *
 * <p>Pushes are applied once each, in the order of this worker, however often they must be sent. A pull waits at the servers
 * until the consistency lets the step begin.
 *
 * <dl>
 *   <dt>On the servers' host
 *   <dd>Parameters are mapped, and copied when the step begins: what was pulled ahead may then be newer than the staleness that is
 *       counted for it. Gradients are left in memory from which the server applies them: nothing but words is sent.
 *   <dt>Memory
 *   <dd>Two vectors: what is being pulled, and what is being pushed, which for servers on this host is in their memory.
 *   <dt>Threading
 *   <dd>One thread, the one that makes the service's other calls.
 * </dl>
 */
public final class ParameterClient implements ParameterStore {

    private final ParameterService service;
    private final Caller caller;
    private final String name;
    private final ElementType type;
    private final long elements;
    private final boolean mayPullAhead;
    private final Region pulled;
    private final Region pushed;
    private final long[] seen;
    private final long[] seenClocks;
    private final List<Call> pulling = new ArrayList<>();
    private final List<Call> pushing = new ArrayList<>();
    private final SoftMemoryBox box;
    private StalenessHistogram staleness = StalenessHistogram.EMPTY;

    ParameterClient(ParameterService service, Caller caller, String name, ElementType type, long elements) {
        this.service = service;
        this.caller = caller;
        this.name = name;
        this.type = type;
        this.elements = elements;
        mayPullAhead = service.training().consistency().mayPullAhead();
        pulled = Region.allocate("pulled parameters", elements * type.bytes());
        seen = new long[service.servers()];
        seenClocks = new long[service.servers()];
        box = service.openTogether(service.trainers(), name, type, elements, true);
        pushed = Region.allocate("pushed gradient", box.sendsPushes() ? elements * type.bytes() : 0);
    }

    @Override
    public void start(Region parameters) {
        if (service.trainers().world().isRoot() && !service.hasReturned()) {
            box.write(parameters);
        }
        service.meet("start of parameters '" + name + "'");
        box.read(parameters);
        if (service.training().consistency().outlivesWorkers()) {
            service.outliveThis();
        }
    }

    @Override
    public long resume(long step) {
        long begin = service.hasReturned() ? stepOfTheSlowest(step) : step;
        box.awaitAll(box.beginAll(Operation.RESUME, begin));
        service.meet("resuming parameters '" + name + "'");
        return begin;
    }

    /** Where a worker goes on that was lost: not before the slowest on any server. */
    private long stepOfTheSlowest(long step) {
        long begin = step;
        for (Call call : box.beginAll(Operation.REJOIN, step)) {
            begin = Math.max(begin, caller.await(call).version());
        }
        return begin;
    }

    @Override
    public boolean mayPullAhead() {
        return mayPullAhead;
    }

    @Override
    public void beginPull(long step) {
        if (!pulling.isEmpty()) {
            throw new IllegalStateException("a pull is under way");
        }
        pulling.addAll(box.beginPull(pulled, step));
    }

    @Override
    public void awaitPull(Region parameters) {
        if (pulling.isEmpty()) {
            throw new IllegalStateException("no pull is under way");
        }
        for (Call call : pulling) {
            Answer answer = caller.await(call);
            seen[call.server.index()] = answer.version();
            seenClocks[call.server.index()] = answer.clock();
        }
        pulling.clear();
        box.complete(pulled, parameters);
    }

    @Override
    public void push(Region gradient, long step, long examples, int epoch) {
        awaitPush();
        for (ServerLink link : caller.links()) {
            pushing.add(box.beginPush(
                    link, gradient, pushed, step, seen[link.index()], seenClocks[link.index()], examples, epoch));
        }
    }

    @Override
    public void awaitPush() {
        box.awaitAll(pushing);
        pushing.clear();
    }

    /**
     * As {@link #awaitPush()}, for a limited time. A push that was not answered in it is still on its way, and applied once: call
     * again to go on waiting.
     *
     * @throws io.gyre.PeerTimeoutException if a server has not answered in time
     */
    public void awaitPush(Duration atMost) {
        for (Call call : pushing) {
            caller.await(call, atMost);
        }
        awaitPush();
    }

    /**
     * Pushes a gradient, waits until it has been applied, and pulls the parameters of the next step, which hold it.
     *
     * @param gradient as in {@link #push}
     * @param parameters gets what has come of it
     */
    public void pushPull(Region gradient, long step, long examples, int epoch, Region parameters) {
        push(gradient, step, examples, epoch);
        awaitPush();
        beginPull(step + 1);
        awaitPull(parameters);
    }

    @Override
    public void finish(Region parameters) {
        awaitPush();
        box.awaitAll(box.beginAll(Operation.FINISH, 0));
        box.awaitAll(pulling);
        pulling.clear();
        service.meet("end of parameters '" + name + "'");
        box.read(parameters);
        staleness = fetchStaleness();
        service.meet("farewell of parameters '" + name + "'");
    }

    private StalenessHistogram fetchStaleness() {
        StalenessHistogram all = StalenessHistogram.EMPTY;
        for (Call call : box.beginAll(Operation.STALENESS, 0)) {
            all = all.plus(StalenessHistogram.parse(caller.await(call).text()));
        }
        return all;
    }

    /** Staleness of all pushes to all shards, as of the last {@link #finish}. */
    public StalenessHistogram staleness() {
        return staleness;
    }

    @Override
    public long maxStaleness() {
        return staleness.max();
    }

    @Override
    public String toString() {
        return "parameters '" + name + "' (" + elements + " elements of " + type + ")";
    }
}
