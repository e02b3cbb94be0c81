package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.openblas.FastKernels;
import java.util.List;

/**
 * A named vector on the servers, in one shard on each, used as one: created by {@link ParameterService#create} and
 * {@link ParameterService#attach}.
 *
 * <dl>
 *   <dt>Atomicity
 *   <dd>{@link #write} and {@link #accumulate} are applied once to each shard, however often they must be sent. Shards
 *       change one after the other. {@link #read} may see a part of a concurrent change.
 *   <dt>Memory
 *   <dd>Shards on this host are mapped: this rank works on them directly, under locks stored next to them, and nothing
 *       is sent.
 *   <dt>Threading
 *   <dd>One thread at a time.
 *   <dt>Failure
 *   <dd>{@link io.gyre.PeerLostException} if a server is lost, {@link io.gyre.PeerTimeoutException} if it does not
 *       reply, {@link io.gyre.GyreException} if it rejects a request; a rejected request changes nothing.
 * </dl>
 */
public final class SoftMemoryBox {

    private final ShardedBuffer buffer;
    private final Pending accumulating;
    private final Pending reading;
    private final Kernels kernels = FastKernels.choose();
    private final Kernels kernelsOfService = FastKernels.choose();
    private long version;

    SoftMemoryBox(ShardedBuffer buffer, Caller caller) {
        this.buffer = buffer;
        accumulating = new Pending(caller, "accumulation in buffer '" + name() + "'");
        reading = new Pending(caller, "reading of buffer '" + name() + "'");
    }

    /** Its name. */
    public String name() {
        return buffer.spec().name();
    }

    /** Type of its elements. */
    public ElementType elementType() {
        return buffer.spec().type();
    }

    /** Length in bytes. */
    public long byteLength() {
        return buffer.spec().byteLength();
    }

    /** Copies the whole box into {@code into}, which must be as long. Returns the lowest version of the shards. */
    public long read(Region into) {
        return note(buffer.read(into));
    }

    /**
     * Starts to copy the whole box into {@code into}, which must be as long, and must not be touched until
     * {@link #awaitRead}. It contains all additions begun before. One such read at a time.
     */
    public void beginRead(Region into) {
        buffer.checkLength(into);
        awaitRead();
        for (ShardHandle shard : buffer.mapped()) {
            // On the thread that adds, and so after the additions it was given before.
            reading.begin(() -> shard.readMapped(into));
        }
        for (ShardHandle shard : buffer.remote()) {
            reading.add(shard.read(into));
        }
    }

    /** Waits for the read that {@link #beginRead} has started. */
    public void awaitRead() {
        note(reading.await());
    }

    /** Replaces the whole content; returns when all servers have done so. */
    public void write(Region from) {
        note(buffer.write(from));
    }

    /** Adds {@code delta}, element by element; returns when all servers have done so. */
    public void accumulate(Region delta) {
        buffer.checkLength(delta);
        awaitAccumulate();
        note(buffer.onEach(shard -> shard.accumulate(delta), shard -> shard.accumulateMapped(delta, kernels)));
    }

    /** Starts to add {@code delta}, which must not change until {@link #awaitAccumulate}. */
    public void beginAccumulate(Region delta) {
        buffer.checkLength(delta);
        awaitAccumulate();
        for (ShardHandle shard : buffer.remote()) {
            accumulating.add(shard.accumulate(delta));
        }
        for (ShardHandle shard : buffer.mapped()) {
            accumulating.begin(() -> shard.accumulateMapped(delta, kernelsOfService));
        }
    }

    /** Waits for the addition that {@link #beginAccumulate} has started. */
    public void awaitAccumulate() {
        note(accumulating.await());
    }

    private long note(long least) {
        version = least == Pending.NO_VERSION ? version : least;
        return version;
    }

    /** Waits until every shard has seen that many writes and accumulations. */
    public void awaitVersion(long least) {
        List<Reply.Reached> reached = buffer.askAll(shard -> shard.awaitVersion(least));
        note(reached.stream().mapToLong(Reply.Reached::version).min().orElse(Pending.NO_VERSION));
    }

    /** Lowest number of writes and accumulations of any shard, as of the last reply to this object. */
    public long version() {
        return version;
    }

    /** Frees the memory on the servers, for all clients. */
    public void free() {
        buffer.askAll(ShardHandle::free);
    }

    @Override
    public String toString() {
        return buffer.toString();
    }
}
