package io.gyre.paramserver;

import io.gyre.memory.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * A buffer on the servers, one shard on each, as a client uses it: opens all shards, and does with each what is to be done with the whole.
 *
 * <p>There are two ways to a shard. One on this host is <em>mapped</em>, and this rank works on it itself. Any other is <em>remote</em>, and
 * its server is asked. An operation on the whole asks the remote servers first, then does its own work on the mapped shards while they do
 * theirs, and waits last.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread at a time.
 * </dl>
 */
final class ShardedBuffer {

    private final Caller caller;
    private final BufferSpec buffer;
    private final List<ShardHandle> shards = new ArrayList<>();
    private final List<ShardHandle> mapped;
    private final List<ShardHandle> remote;

    /** Opens a buffer on all servers with a request of one kind. */
    static ShardedBuffer open(Caller caller, ShardMapper mapper, BufferSpec buffer, OpenRequest kind) {
        return new ShardedBuffer(caller, mapper, buffer, kind);
    }

    /** {@link Request.Create} or {@link Request.Attach}. */
    @FunctionalInterface
    interface OpenRequest {
        Request.Open of(BufferSpec buffer, long incarnation);
    }

    private ShardedBuffer(Caller caller, ShardMapper mapper, BufferSpec buffer, OpenRequest kind) {
        this.caller = caller;
        this.buffer = buffer;
        List<Call<Reply.Opened>> calls = new ArrayList<>();
        for (ServerLink server : caller.links()) {
            calls.add(caller.ask(server, kind.of(buffer, caller.incarnation()), null));
        }
        for (Call<Reply.Opened> call : calls) {
            shards.add(new ShardHandle(caller, call.server(), buffer, caller.await(call), mapper));
        }
        mapped = shards.stream().filter(ShardHandle::isMapped).toList();
        remote = shards.stream().filter(shard -> !shard.isMapped()).toList();
    }

    BufferSpec buffer() {
        return buffer;
    }

    /** All shards, in the order of the servers. */
    List<ShardHandle> shards() {
        return shards;
    }

    /** Shards on this host. */
    List<ShardHandle> mapped() {
        return mapped;
    }

    /** Shards elsewhere. */
    List<ShardHandle> remote() {
        return remote;
    }

    /** Copies the whole of it. Returns the version of the oldest shard. */
    long read(Region into) {
        checkLength(into);
        return onEach(shard -> shard.read(into), shard -> shard.readMapped(into));
    }

    /** Replaces the whole of it. Returns the version of the oldest shard. */
    long write(Region from) {
        checkLength(from);
        return onEach(shard -> shard.write(from), shard -> shard.writeMapped(from));
    }

    /**
     * Does something with the whole, and waits for it.
     *
     * @param ask asks the server of a remote shard
     * @param own works on a mapped shard
     * @return the least version that either has told
     */
    long onEach(Function<ShardHandle, Call<? extends Reply.Versioned>> ask, ToLongFunction<ShardHandle> own) {
        List<Call<? extends Reply.Versioned>> calls = new ArrayList<>(remote.size());
        for (ShardHandle shard : remote) {
            calls.add(ask.apply(shard));
        }
        long least = Pending.NO_VERSION;
        for (ShardHandle shard : mapped) {
            least = Math.min(least, own.applyAsLong(shard));
        }
        return Math.min(least, caller.awaitAll(calls));
    }

    /** Asks the servers of all shards, and hands over their replies. */
    <R extends Reply> void askAll(Function<ShardHandle, Call<R>> ask, Consumer<R> replies) {
        List<Call<R>> calls = shards.stream().map(ask).toList();
        for (Call<R> call : calls) {
            replies.accept(caller.await(call));
        }
    }

    /** Fails unless a region is as long as the buffer. */
    void checkLength(Region region) {
        if (region.byteLength() != buffer.byteLength()) {
            throw new IllegalArgumentException(region + " has not the length of buffer '" + buffer.name() + "', "
                    + buffer.byteLength() + " bytes");
        }
    }

    @Override
    public String toString() {
        return "buffer " + buffer + " on " + shards.size() + " servers";
    }
}
