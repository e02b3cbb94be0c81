package io.gyre.paramserver;

import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongUnaryOperator;
import java.util.function.ToLongFunction;

/**
 * A buffer on the servers, with one shard on each, as a client uses it: opens all shards, and applies each operation to
 * all of them.
 *
 * <p>There are two ways to access a shard. One on this host is <em>mapped</em>, and this rank works on it directly. Any
 * other is <em>remote</em>, and requests go to its server. An operation first sends the requests for the remote shards,
 * then works on the mapped ones, and waits last.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread at a time.
 * </dl>
 */
final class ShardedBuffer {

    private final Caller caller;
    private final BufferSpec spec;
    private final List<ShardHandle> shards;
    private final List<ShardHandle> mapped;
    private final List<ShardHandle> remote;

    /** {@link Request.Create} or {@link Request.Attach}. */
    @FunctionalInterface
    interface Opening {
        Request.Open of(BufferSpec spec, long incarnation);
    }

    private ShardedBuffer(Caller caller, BufferSpec spec, List<ShardHandle> shards) {
        this.caller = caller;
        this.spec = spec;
        this.shards = List.copyOf(shards);
        mapped = shards.stream().filter(ShardHandle::isMapped).toList();
        remote = shards.stream().filter(shard -> !shard.isMapped()).toList();
    }

    /** Opens a buffer without training on all servers at once. */
    static ShardedBuffer open(Caller caller, ShardMapper mapper, BufferSpec spec, Opening opening) {
        return open(caller, mapper, spec, LongUnaryOperator.identity(), opening);
    }

    /**
     * Opens a buffer on all servers at once.
     *
     * @param border see {@link ShardPlan#border}
     */
    static ShardedBuffer open(
            Caller caller, ShardMapper mapper, BufferSpec spec, LongUnaryOperator border, Opening opening) {
        ShardPlan plan = new ShardPlan(spec.elements(), caller.links().size(), border);
        List<Call<Reply.Opened>> calls = new ArrayList<>();
        for (ServerLink server : caller.links()) {
            calls.add(caller.ask(server, opening.of(spec, caller.incarnation()), null));
        }
        List<ShardHandle> shards = new ArrayList<>();
        for (Call<Reply.Opened> call : calls) {
            shards.add(new ShardHandle(caller, call.server(), spec, plan, caller.await(call), mapper));
        }
        return new ShardedBuffer(caller, spec, shards);
    }

    /** What was opened. */
    BufferSpec spec() {
        return spec;
    }

    /** All shards, in the order of the servers. */
    List<ShardHandle> shards() {
        return shards;
    }

    /** The mapped shards. */
    List<ShardHandle> mapped() {
        return mapped;
    }

    /** The remote shards. */
    List<ShardHandle> remote() {
        return remote;
    }

    /** Copies the whole buffer. Returns the lowest version of the shards. */
    long read(Region into) {
        checkLength(into);
        return onEach(shard -> shard.read(into), shard -> shard.readMapped(into));
    }

    /** Replaces the whole buffer. Returns the lowest version of the shards. */
    long write(Region from) {
        checkLength(from);
        return onEach(shard -> shard.write(from), shard -> shard.writeMapped(from));
    }

    /**
     * Applies an operation to every shard, and waits for it.
     *
     * @param ask sends the request for a remote shard
     * @param work works on a mapped shard, and returns its version
     * @return the lowest version of the shards
     */
    long onEach(Function<ShardHandle, Call<? extends Reply.Versioned>> ask, ToLongFunction<ShardHandle> work) {
        List<Call<? extends Reply.Versioned>> calls = new ArrayList<>(remote.size());
        for (ShardHandle shard : remote) {
            calls.add(ask.apply(shard));
        }
        long oldest = Pending.NO_VERSION;
        for (ShardHandle shard : mapped) {
            oldest = Math.min(oldest, work.applyAsLong(shard));
        }
        return Math.min(oldest, caller.awaitAll(calls));
    }

    /**
     * Sends requests to the servers of all shards at once, and waits for their replies, which are in the order of the
     * servers.
     */
    <R extends Reply> List<R> askAll(Function<ShardHandle, Call<R>> ask) {
        List<Call<R>> calls = shards.stream().map(ask).toList();
        return calls.stream().map(caller::await).toList();
    }

    /** Fails unless a region is as long as the buffer. */
    void checkLength(Region region) {
        if (region.byteLength() != spec.byteLength()) {
            throw new IllegalArgumentException(
                    region + " has not the length of buffer '" + spec.name() + "', " + spec.byteLength() + " bytes");
        }
    }

    @Override
    public String toString() {
        return "buffer " + spec + " on " + shards.size() + " servers";
    }
}
