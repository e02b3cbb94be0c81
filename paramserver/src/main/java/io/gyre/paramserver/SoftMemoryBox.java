package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.openblas.FastKernels;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A named vector on the servers, in one shard on each, seen as one: reached by {@link ParameterService#create} and
 * {@link ParameterService#attach}.
 *
 * <dl>
 *   <dt>Atomicity
 *   <dd>{@link #write} and {@link #accumulate} happen at once in each shard, and once, however often they must be sent. Shards
 *       change one after the other. {@link #read} may see a change that happens meanwhile in a part of a shard only.
 *   <dt>Memory
 *   <dd>Shards on this host are mapped: this rank works on them itself, under locks that lie beside them, and nothing is sent.
 *   <dt>Threading
 *   <dd>One thread at a time.
 *   <dt>Failure
 *   <dd>{@link io.gyre.PeerLostException} if a server is gone, {@link io.gyre.PeerTimeoutException} if it does not answer,
 *       {@link io.gyre.GyreException} if it refuses; it is not harmed by what it refuses.
 * </dl>
 */
public final class SoftMemoryBox {

    private final Caller caller;
    private final String name;
    private final ElementType type;
    private final ShardPlan plan;
    private final int[] numbers;
    private final long[] sequences;
    private final Pending accumulating;
    private final Pending reading;
    private final @Nullable StripedMemory[] mapped;

    /** Where this rank leaves its pushes, at the servers on its host. */
    private final @Nullable StripedMemory[] places;

    private final Kernels kernels = FastKernels.choose();
    private final Kernels kernelsOfService = FastKernels.choose();
    private long version;

    private SoftMemoryBox(Caller caller, String name, ElementType type, ShardPlan plan) {
        this.caller = caller;
        this.name = name;
        this.type = type;
        this.plan = plan;
        numbers = new int[plan.servers()];
        sequences = new long[plan.servers()];
        mapped = new StripedMemory[plan.servers()];
        places = new StripedMemory[plan.servers()];
        accumulating = new Pending(caller, "accumulation in buffer '" + name + "'");
        reading = new Pending(caller, "reading of buffer '" + name + "'");
    }

    static SoftMemoryBox open(
            Caller caller, Operation operation, String name, ElementType type, long elements, boolean trained) {
        SoftMemoryBox box = new SoftMemoryBox(
                caller, name, type, new ShardPlan(elements, caller.links().size()));
        long bytes = elements * type.bytes();
        List<Call> calls = new ArrayList<>();
        for (ServerLink link : caller.links()) {
            Request request =
                    Request.about(operation, name).withRange(0, bytes).withStep(type.bytes(), trained ? 1 : 0, 0, 0, 0);
            calls.add(caller.ask(link, request, 0, null));
        }
        for (Call call : calls) {
            Answer answer = caller.await(call);
            box.numbers[call.server.index()] = answer.buffer();
            box.sequences[call.server.index()] = answer.sequence();
            int space = answer.text().indexOf(' ');
            String shard = space < 0 ? answer.text() : answer.text().substring(0, space);
            String place = space < 0 ? "" : answer.text().substring(space + 1);
            box.mapped[call.server.index()] = caller.map(call.server, shard, box.bytes(call.server));
            box.places[call.server.index()] = caller.map(call.server, place, box.bytes(call.server));
        }
        return box;
    }

    /** Its name. */
    public String name() {
        return name;
    }

    /** Type of its elements. */
    public ElementType elementType() {
        return type;
    }

    /** Length in bytes. */
    public long byteLength() {
        return plan.elements() * type.bytes();
    }

    /** Copies the whole of it into {@code into}, which must be as long. Returns the version of the oldest shard. */
    public long read(Region into) {
        checkLength(into);
        List<Call> calls = new ArrayList<>();
        for (ServerLink link : caller.links()) {
            if (mapped[link.index()] == null) {
                Request request =
                        Request.of(Operation.READ, numbers[link.index()]).withRange(0, bytes(link));
                calls.add(begin(link, request, part(link, into)));
            }
        }
        long least = Long.MAX_VALUE;
        for (ServerLink link : caller.links()) {
            StripedMemory shard = here(link);
            if (shard != null) {
                least = Math.min(least, shard.changes());
                shard.read(part(link, into));
            }
        }
        version = calls.isEmpty() ? least : Math.min(least, awaitAll(calls));
        return version;
    }

    /**
     * Begins to copy the whole of it into {@code into}, which must be as long and belongs to the service until {@link #awaitRead}.
     * What was begun to be added before is in it. One such read at a time.
     */
    public void beginRead(Region into) {
        checkLength(into);
        awaitRead();
        for (ServerLink link : caller.links()) {
            StripedMemory shard = here(link);
            Region part = part(link, into);
            if (shard != null) {
                // By the thread that adds, and so after what it was given to add.
                reading.begin(() -> shard.read(part));
            } else {
                Request request =
                        Request.of(Operation.READ, numbers[link.index()]).withRange(0, bytes(link));
                reading.add(begin(link, request, part));
            }
        }
    }

    /** Waits for the end of what {@link #beginRead} has begun. */
    public void awaitRead() {
        note(reading.await());
    }

    /** Replaces the whole of it; returns when all servers have done so. */
    public void write(Region from) {
        checkLength(from);
        List<Call> calls = beginChange(Operation.WRITE, from);
        for (ServerLink link : caller.links()) {
            StripedMemory shard = here(link);
            if (shard != null) {
                shard.write(0, part(link, from));
            }
        }
        awaitAll(calls);
    }

    /** Adds {@code delta}, element by element; returns when all servers have done so. */
    public void accumulate(Region delta) {
        checkLength(delta);
        awaitAccumulate();
        List<Call> calls = beginChange(Operation.ACCUMULATE, delta);
        for (ServerLink link : caller.links()) {
            StripedMemory shard = here(link);
            if (shard != null) {
                shard.accumulate(kernels, type, 0, part(link, delta));
            }
        }
        awaitAll(calls);
    }

    /** Begins to add {@code delta}, which must stay as it is until {@link #awaitAccumulate}. */
    public void beginAccumulate(Region delta) {
        checkLength(delta);
        awaitAccumulate();
        accumulating.addAll(beginChange(Operation.ACCUMULATE, delta));
        for (ServerLink link : caller.links()) {
            StripedMemory shard = here(link);
            if (shard != null) {
                Region part = part(link, delta);
                accumulating.begin(() -> shard.accumulate(kernelsOfService, type, 0, part));
            }
        }
    }

    /** Waits for the end of what {@link #beginAccumulate} has begun. */
    public void awaitAccumulate() {
        note(accumulating.await());
    }

    private void note(long least) {
        version = least == Pending.NO_VERSION ? version : least;
    }

    /** Adds to the double at the beginning of the first shard, and returns what it was. */
    long getAndAdd(long delta) {
        ServerLink first = caller.links().get(0);
        StripedMemory shard = here(first);
        if (shard != null) {
            return (long) shard.getAndAdd((double) delta);
        }
        sequences[first.index()]++;
        Request request =
                Request.of(Operation.FETCH_AND_ADD, numbers[first.index()]).withStep(delta, 0, 0, 0, 0);
        return caller.await(begin(first, request, null)).version();
    }

    /** Waits until every shard has seen so many writes and accumulations. */
    public void awaitVersion(long least) {
        awaitAll(beginAll(Operation.AWAIT, least));
    }

    /** Number of writes and accumulations of the oldest shard, as of the last answer to this object. */
    public long version() {
        return version;
    }

    /** Frees it on the servers, for everybody. */
    public void free() {
        awaitAll(beginAll(Operation.FREE, 0));
    }

    /** Asks all servers for something without data. */
    List<Call> beginAll(Operation operation, long step) {
        List<Call> calls = new ArrayList<>();
        for (ServerLink link : caller.links()) {
            Request request = Request.of(operation, numbers[link.index()]).withStep(step, 0, 0, 0, 0);
            calls.add(begin(link, request, null));
        }
        return calls;
    }

    /** The memory of a shard, if this rank has mapped it. */
    private @Nullable StripedMemory here(ServerLink link) {
        StripedMemory shard = mapped[link.index()];
        if (shard != null) {
            caller.checkAlive(this);
            if (shard.isFreed()) {
                throw new GyreException("buffer '" + name + "' does not exist any more: it was freed");
            }
        }
        return shard;
    }

    /** Asks for leave to begin a step, and for the shards that are not mapped: the others are there for {@link #complete}. */
    List<Call> beginPull(Region into, long step) {
        List<Call> calls = new ArrayList<>();
        for (ServerLink link : caller.links()) {
            boolean here = mapped[link.index()] != null;
            Request request = Request.of(Operation.PULL, numbers[link.index()])
                    .withRange(0, here ? 0 : bytes(link))
                    .withStep(step, 0, 0, 0, 0);
            calls.add(begin(link, request, here ? null : part(link, into)));
        }
        return calls;
    }

    /** Completes what {@link #beginPull} has begun: copies all shards, those that were fetched and those that are mapped. */
    void complete(Region fetched, Region into) {
        for (ServerLink link : caller.links()) {
            StripedMemory shard = here(link);
            if (shard != null) {
                shard.read(part(link, into));
            } else {
                Vectors.copy(part(link, into), part(link, fetched));
            }
        }
    }

    /** Whether a part of what is pushed must be sent. */
    boolean sendsPushes() {
        for (StripedMemory place : places) {
            if (place == null) {
                return true;
            }
        }
        return false;
    }

    /**
     * Pushes to a server its part of a gradient, which is copied: to where the server reads it, or to be sent from {@code copy}.
     * Nothing else may be on the way to it.
     */
    Call beginPush(
            ServerLink link,
            Region gradient,
            Region copy,
            long step,
            long seen,
            long seenClock,
            long weight,
            int epoch) {
        sequences[link.index()]++;
        Request request = Request.of(Operation.PUSH, numbers[link.index()])
                .withRange(0, bytes(link))
                .withStep(step, seen, seenClock, weight, epoch);
        StripedMemory place = places[link.index()];
        if (place != null) {
            place.fill(part(link, gradient));
            return begin(link, request.withText(place.shared()), null);
        }
        Region sent = part(link, copy);
        Vectors.copy(sent, part(link, gradient));
        return begin(link, request, sent);
    }

    private List<Call> beginChange(Operation operation, Region from) {
        List<Call> calls = new ArrayList<>();
        for (ServerLink link : caller.links()) {
            if (mapped[link.index()] == null) {
                sequences[link.index()]++;
                Request request = Request.of(operation, numbers[link.index()]).withRange(0, bytes(link));
                calls.add(begin(link, request, part(link, from)));
            }
        }
        return calls;
    }

    private Call begin(ServerLink link, Request request, @Nullable Region data) {
        long sequence = request.operation().isChange() ? sequences[link.index()] : 0;
        return caller.ask(link, request, sequence, data);
    }

    private long bytes(ServerLink link) {
        return plan.length(link.index()) * type.bytes();
    }

    private Region part(ServerLink link, Region whole) {
        return whole.slice(plan.offset(link.index()) * type.bytes(), bytes(link));
    }

    /** Waits for all answers; returns the least version. */
    long awaitAll(List<Call> calls) {
        long least = calls.isEmpty() ? version : Long.MAX_VALUE;
        for (Call call : calls) {
            least = Math.min(least, caller.await(call).version());
        }
        version = least;
        return least;
    }

    private void checkLength(Region region) {
        if (region.byteLength() != byteLength()) {
            throw new IllegalArgumentException(
                    region + " has not the length of buffer '" + name + "', " + byteLength() + " bytes");
        }
    }

    @Override
    public String toString() {
        return "buffer '" + name + "' (" + plan.elements() + " elements of " + type + " on " + plan.servers()
                + " servers)";
    }
}
