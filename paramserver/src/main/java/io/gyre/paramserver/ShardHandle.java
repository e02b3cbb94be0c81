package io.gyre.paramserver;

import io.gyre.ElementType;
import io.gyre.GyreException;
import io.gyre.kernel.Kernels;
import io.gyre.memory.Region;
import io.gyre.paramserver.Reply.Applied;
import io.gyre.paramserver.Reply.StepGranted;
import org.jspecify.annotations.Nullable;

/**
 * One shard of a buffer, as a client sees it. Sends requests to its server, or works on its memory directly if this
 * rank has mapped it. A region argument is as long as the whole buffer, and only this shard's part of it is used.
 *
 * <p>Numbers the client's changes to this shard: the caller has at most one in flight at a time.
 *
 * <dl>
 *   <dt>Threading
 *   <dd>One thread at a time. Work on the mapped shard may run on the service's thread meanwhile.
 * </dl>
 */
final class ShardHandle {

    private final Caller caller;
    private final ServerLink server;
    private final BufferSpec buffer;
    private final long offset;
    private final long bytes;
    private final int number;
    private final @Nullable StripedMemory mapped;
    private final @Nullable StripedMemory pushBox;
    private long sequence;

    /**
     * Creates a handle for an opened shard.
     *
     * @param plan of the buffer
     * @param opened the server's reply
     * @param mapper maps memory of servers on this host
     */
    ShardHandle(
            Caller caller,
            ServerLink server,
            BufferSpec buffer,
            ShardPlan plan,
            Reply.Opened opened,
            ShardMapper mapper) {
        this.caller = caller;
        this.server = server;
        this.buffer = buffer;
        offset = plan.offset(server.index()) * buffer.type().bytes();
        bytes = plan.length(server.index()) * buffer.type().bytes();
        number = opened.buffer();
        sequence = opened.lastChange();
        mapped = mapper.map(server, opened.shardBox(), bytes);
        pushBox = mapper.map(server, opened.pushBox(), bytes);
    }

    /** This shard's part of a vector. */
    Region part(Region vector) {
        return vector.slice(offset, bytes);
    }

    boolean isMapped() {
        return mapped != null;
    }

    /** Whether pushes go through memory that the server has mapped, too. */
    boolean hasPushBox() {
        return pushBox != null;
    }

    /** Whether pushes travel to another rank in messages. */
    boolean isPushedInMessages() {
        return pushBox == null && !caller.isOwn(server);
    }

    /** Number of elements. */
    long elements() {
        return bytes / type().bytes();
    }

    private ChangeId nextChange() {
        return new ChangeId(caller.incarnation(), ++sequence);
    }

    // Requests.

    Call<Reply.Content> read(Region into) {
        return caller.ask(server, new Request.Read(number), part(into));
    }

    Call<Applied> write(Region from) {
        return caller.ask(server, new Request.Write(number, nextChange()), part(from));
    }

    Call<Applied> accumulate(Region delta) {
        return caller.ask(server, new Request.Accumulate(number, nextChange()), part(delta));
    }

    Call<Reply.Counted> fetchAndAdd(long delta) {
        return caller.ask(server, new Request.FetchAndAdd(number, nextChange(), delta), null);
    }

    Call<Reply.Reached> awaitVersion(long version) {
        return caller.ask(server, new Request.AwaitVersion(number, version), null);
    }

    Call<Reply.Done> free() {
        return caller.ask(server, new Request.Free(number), null);
    }

    /**
     * Requests permission to begin a step, and the parameters, unless they are mapped: then {@link #readMapped} copies
     * them.
     */
    Call<StepGranted> pull(long step, Region into) {
        return mapped != null
                ? caller.ask(server, new Request.MappedPull(number, step), null)
                : caller.ask(server, new Request.SentPull(number, step), part(into));
    }

    /**
     * Pushes a gradient, which is copied first: to the push box, or to {@code copy}, from which it is sent. The
     * previous push must have been acknowledged, because its memory is reused.
     */
    Call<Applied> push(Region gradient, Region copy, GradientOrigin origin) {
        ChangeId id = nextChange();
        StripedMemory box = pushBox;
        if (box != null) {
            box.fill(part(gradient));
            return caller.ask(server, new Request.MappedPush(number, id, origin, box.box()), null);
        }
        Region sent = part(copy);
        Vectors.copy(sent, part(gradient));
        return caller.ask(server, new Request.SentPush(number, id, origin), sent);
    }

    /**
     * As {@link #push(Region, Region, GradientOrigin)}, but encodes what is sent, once: a repeated request carries the
     * same bytes.
     *
     * @param place has room for the encoded gradient of this shard
     */
    Call<Applied> push(Region gradient, PushCodec codec, Region place, GradientOrigin origin) {
        long length = codec.encode(part(gradient), offset / type().bytes(), origin.step(), place);
        return caller.ask(server, new Request.EncodedPush(number, nextChange(), origin), place.slice(0, length));
    }

    Call<Reply.Done> finish() {
        return caller.ask(server, new Request.Finish(number), null);
    }

    Call<Reply.Done> resume(long step) {
        return caller.ask(server, new Request.Resume(number, step), null);
    }

    Call<Reply.Rejoined> rejoin(long step) {
        return caller.ask(server, new Request.Rejoin(number, step), null);
    }

    Call<Reply.Content> readSlot(int slot, Region into) {
        return caller.ask(server, new Request.ReadSlot(number, slot), part(into));
    }

    Call<Applied> writeSlot(int slot, Region from) {
        return caller.ask(server, new Request.WriteSlot(number, nextChange(), slot), part(from));
    }

    Call<Reply.Done> countFrom(long updates) {
        return caller.ask(server, new Request.CountFrom(number, updates), null);
    }

    Call<Reply.StalenessCounted> countStaleness() {
        return caller.ask(server, new Request.CountStaleness(number), null);
    }

    // Operations of this rank itself on a mapped shard.

    /** Fails unless the shard is mapped, its server is in the run, and the buffer has not been freed. */
    private StripedMemory mapped() {
        StripedMemory memory = mapped;
        if (memory == null) {
            throw new IllegalStateException(this + " is not mapped");
        }
        caller.checkRunning(this);
        if (memory.isFreed()) {
            throw new GyreException("buffer '" + buffer.name() + "' does not exist any more: it was freed");
        }
        return memory;
    }

    /** Copies the shard. Returns the number of changes that it contained at least. */
    long readMapped(Region into) {
        StripedMemory memory = mapped();
        long version = memory.changes();
        memory.read(part(into));
        return version;
    }

    /** Replaces the content of the shard. Returns the number of changes so far. */
    long writeMapped(Region from) {
        StripedMemory memory = mapped();
        memory.write(0, part(from));
        return memory.changes();
    }

    /** Adds to the shard. Returns the number of changes so far. */
    long accumulateMapped(Region delta, Kernels kernels) {
        StripedMemory memory = mapped();
        memory.accumulate(kernels, type(), 0, part(delta));
        return memory.changes();
    }

    /** Adds to the double at the start, and returns its previous value. */
    long fetchAndAddMapped(long delta) {
        return (long) mapped().getAndAdd((double) delta);
    }

    private ElementType type() {
        return buffer.type();
    }

    @Override
    public String toString() {
        return "buffer '" + buffer.name() + "' at " + server;
    }
}
